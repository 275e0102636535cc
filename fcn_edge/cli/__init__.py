"""The command line: one command per stage, in pipeline order. The only place that catches FcnEdgeError."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer

from fcn_edge import __version__
from fcn_edge.cli.bench import bench
from fcn_edge.cli.build_engine import build_engine
from fcn_edge.cli.calibrate import calibrate
from fcn_edge.cli.compile import compile_
from fcn_edge.cli.console import print_any_character
from fcn_edge.cli.data import data
from fcn_edge.cli.demo import demo
from fcn_edge.cli.diff import diff
from fcn_edge.cli.doctor import doctor
from fcn_edge.cli.evaluate import evaluate
from fcn_edge.cli.inspect import inspect
from fcn_edge.cli.load import load
from fcn_edge.cli.sensitivity import sensitivity
from fcn_edge.cli.stream import STREAM_SETTINGS, stream
from fcn_edge.cli.surgery import surgery
from fcn_edge.cli.train import train
from fcn_edge.ground.errors import FcnEdgeError

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


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)
    ] = False,
) -> None:
    if version:
        print(f"fcn-edge {__version__}")
        raise typer.Exit()


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code: 0 done, 1 failed, 2 misuse, 130 interrupted."""
    print_any_character()
    try:
        result = app(arguments, prog_name="fcn-edge", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except FcnEdgeError as error:
        if os.environ.get("FCN_EDGE_DEBUG"):
            raise
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - the reader of our pipe left; nothing more to say
        return 1
    except Exception as error:
        # Typer carries its own copy of click, whose usage errors have no public name.
        message = getattr(error, "format_message", None)
        if message is None:
            return _internal(error)
        return _fail(f"{_one_line(message())}{_value_seen(error)}; see: {_help_command(error)}", 2)


def main() -> NoReturn:
    """Entry point of the `fcn-edge` command."""
    sys.exit(run())


def _fail(text: str, code: int) -> int:
    print(f"fcn-edge: error: {_one_line(text)}", file=sys.stderr)
    return code


def _internal(error: Exception) -> int:
    """A bug of ours: still one line, with the way to the traceback."""
    if os.environ.get("FCN_EDGE_DEBUG"):
        raise error
    what = f"internal error, {type(error).__name__}: {error}"
    return _fail(f"{what}; set FCN_EDGE_DEBUG=1 for the traceback and report it", 1)


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
