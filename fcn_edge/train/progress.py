"""What a person sees while training: a bar with the time left on a terminal, one line an epoch elsewhere."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from fcn_edge.train.schedule import Clock


class TrainProgress:
    """A context manager around the loop; everything goes to stderr, stdout stays for the result."""

    def __init__(self, clock: Clock, *, quiet: bool = False) -> None:
        self.clock = clock
        self.console = Console(stderr=True, highlight=False, quiet=quiet)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]} left"),
            console=self.console,
            disable=quiet or not self.console.is_terminal,
        )
        self.task = self.bar.add_task("starting", total=1.0, left="?")

    def __enter__(self) -> TrainProgress:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.bar.stop()

    def step(self, epoch: int, loss: float, rate: float, speed: float) -> None:
        """Show the latest step."""
        done = self.clock.progress
        left = self.clock.elapsed * (1 - done) / done if done > 0 else 0
        text = f"epoch {epoch + 1} loss {loss:.3f} lr {rate:.1e} {speed:.1f} images/s"
        self.bar.update(self.task, description=text, completed=done, left=duration(left))

    def say(self, line: str) -> None:
        """Print one line above the bar."""
        try:
            self.console.print(line, markup=False, soft_wrap=True)
        except BrokenPipeError:
            raise  # whoever read it has left
        except OSError:
            pass  # a full disk behind stderr costs the line, not the training


def duration(seconds: float) -> str:
    """Return seconds as "1:02:03" or "2:03"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
