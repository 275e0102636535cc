"""The command line: one command per stage, in pipeline order. The only place that catches FcnEdgeError."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn, TypeGuard

import typer

from fcn_edge import __version__
from fcn_edge.cli.bench import bench
from fcn_edge.cli.build_engine import build_engine
from fcn_edge.cli.calibrate import calibrate
from fcn_edge.cli.compile import compile_
from fcn_edge.cli.console import lost, note, print_any_character, show
from fcn_edge.cli.data import data
from fcn_edge.cli.demo import demo
from fcn_edge.cli.diff import diff
from fcn_edge.cli.doctor import doctor
from fcn_edge.cli.evaluate import evaluate
from fcn_edge.cli.inspect import inspect
from fcn_edge.cli.load import load
from fcn_edge.cli.sensitivity import sensitivity
from fcn_edge.cli.stream import STREAM_SETTINGS, stream
from fcn_edge.cli.streams import hold_streams, release_streams
from fcn_edge.cli.surgery import surgery
from fcn_edge.cli.train import train
from fcn_edge.ground.errors import FcnEdgeError

INTERRUPTED = 130  # 128 + SIGINT, as shells have it

app = typer.Typer(
    name="fcn-edge",
    help="Train an FCN, compile it to an INT8 engine you can trust, stream it on the camera's own box.",
    epilog="Start with: fcn-edge doctor, then fcn-edge demo.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

# The pipeline, left to right.
app.command("doctor")(doctor)
app.add_typer(data, name="data")
app.command("train")(train)
app.command("load")(load)
app.command("inspect")(inspect)
app.command("surgery")(surgery)
app.command("calibrate")(calibrate)
app.command("sensitivity")(sensitivity)
app.command("compile")(compile_)
app.command("build-engine")(build_engine)
app.command("eval")(evaluate)
app.command("diff")(diff)
app.command("stream", context_settings=STREAM_SETTINGS)(stream)
app.command("bench")(bench)
app.command("demo")(demo)


def _show_version(asked: bool) -> None:
    if asked:
        show(f"fcn-edge {__version__}")
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and leave.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    pass


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code: 0 done, 1 failed, 2 misuse, 130 interrupted."""
    print_any_character()
    try:
        result = app(arguments, prog_name="fcn-edge", standalone_mode=False)
        if result == INTERRUPTED:  # Typer makes this of Ctrl-C, and says nothing
            return _fail("interrupted", INTERRUPTED)
        return result if isinstance(result, int) else 0
    except FcnEdgeError as error:
        if os.environ.get("FCN_EDGE_DEBUG"):
            raise
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - the reader of our pipe left; nothing more to say
        return 1
    except Exception as error:
        # Typer carries its own copy of click, whose usage errors have no public name.
        message = getattr(error, "format_message", None)
        if message is None:
            return _fail(str(lost(error)), 1) if _is_from_help(error) else _internal(error)
        return _fail(f"{_one_line(message())}{_value_seen(error)}; see: {_help_command(error)}", 2)


def main() -> NoReturn:
    """Entry point of the `fcn-edge` command."""
    hold_streams()
    try:
        code = run()
    except KeyboardInterrupt:  # again, while the first was being dealt with
        code = INTERRUPTED
    fault = release_streams()
    if fault is not None and code == 0:
        code = _fail(str(lost(fault)), 1)
    if code == INTERRUPTED:
        # Everything in Python is unwound. Engines may still be open in the native libraries, with threads at
        # work, and their teardown in whatever order the interpreter finds can crash: leave without it.
        os._exit(code)
    sys.exit(code)


def _fail(text: str, code: int) -> int:
    note(f"fcn-edge: error: {_one_line(text)}")
    return code


def _internal(error: Exception) -> int:
    """A bug of ours: still one line, with the way to the traceback."""
    if os.environ.get("FCN_EDGE_DEBUG"):
        raise error
    what = f"internal error, {type(error).__name__}: {error}"
    return _fail(f"{what}; set FCN_EDGE_DEBUG=1 for the traceback and report it", 1)


def _is_from_help(error: Exception) -> TypeGuard[OSError]:
    """Return whether printing failed where Typer prints help, by a function called echo."""
    return isinstance(error, OSError) and traceback.extract_tb(error.__traceback__)[-1].name == "echo"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _value_seen(error: Exception) -> str:
    """Return the value that an option refused, which Typer's message leaves out and its cause knows."""
    details: list[dict[str, Any]] = getattr(error.__cause__, "errors", list)()
    return f", not '{details[0]['input']}'" if details else ""


def _help_command(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "fcn-edge"
    return f"{path} --help"
