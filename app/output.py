"""What the commands say and where: one JSON document on stdout, messages and progress on stderr. Knows no take."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from protocol.errors import GlimpseError

T = TypeVar("T")


class OutputError(GlimpseError):
    """What was found cannot be told."""


class Exit(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    SOME_FAILED = 1
    USAGE = 2
    INTERRUPTED = 3


def done_or_failed(failed: bool) -> int:
    """The exit code of a command that worked on several inputs."""
    return int(Exit.SOME_FAILED if failed else Exit.DONE)


def print_json(document: Any) -> None:
    """One JSON document on stdout; NaN is refused, since JSON has none.

    What stdout cannot hold, such as the name of a file that is no Unicode, is escaped, so that any reader takes it.
    """
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")  # strictly, whatever stdout itself does
    except UnicodeEncodeError:
        text = json.dumps(document, indent=2, allow_nan=False)
    with _told():
        click.echo(text)


def print_table(table: Table) -> None:
    """A table on stdout; as wide as it needs to be when stdout is not a terminal."""
    console = Console(file=sys.stdout)
    with _told():
        console.print(table) if console.is_terminal else Console(file=sys.stdout, width=200).print(table)


@contextmanager
def _told() -> Iterator[None]:
    """A full disk behind stdout is the user's to solve; a reader that went away is none of this."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"Standard output takes nothing more ({error.strerror}); make room or send it elsewhere.") from error


def say(message: str) -> None:
    """One line for the person at the keyboard, on stderr."""
    click.echo(message, err=True)


def progress(items: Iterable[T], title: str, total: int | None = None) -> Iterator[T]:
    """Pass `items` on with a bar on stderr, which only a terminal shows and which is gone at the end."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        yield from bar.track(items, description=title, total=total)


@contextmanager
def counting(title: str, total: float) -> Iterator[Callable[[float], None]]:
    """The same bar for work that tells how much of `total` it has done: call the given function with each advance."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=total)
        yield lambda amount: bar.advance(task, amount)
