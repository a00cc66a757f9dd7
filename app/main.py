"""The entry point: runs a command and turns whatever goes wrong into one sentence and an exit code.

Knows no command. Codes: 0 done, 1 some inputs failed or a defect of Glimpse, 2 wrong usage or unusable input, 3 interrupted.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from app.cli import cli
from protocol.errors import GlimpseError
from recorder.compiled import find_room
from recorder.cores import one_thread

# Literals, since app.output (and rich with it) is not imported for `glimpse --help`.
DONE, DEFECT, USAGE, INTERRUPTED = 0, 1, 2, 3


def main(arguments: Sequence[str] | None = None, command: click.Command = cli, log_folder: Path | None = None) -> int:
    """Run `command` (default: all of Glimpse) with `arguments` (default: the process's own); returns the exit code."""
    try:
        find_room(os.environ)
        one_thread(os.environ)
        return _run(command, arguments)
    except BrokenPipeError:
        return _reader_is_gone()
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except click.exceptions.Exit as wish:
        return wish.exit_code
    except click.ClickException as error:
        error.show()
        return USAGE
    except GlimpseError as error:
        click.echo(str(error), err=True)
        return USAGE
    except OSError as error:
        if error.filename is None:
            click.echo(_defect(error, log_folder), err=True)
            return DEFECT
        click.echo(f"{error.filename}: {error.strerror}; check the path and its permissions.", err=True)
        return USAGE
    except Exception as error:  # noqa: BLE001 the last line of defence: told, and kept in a file
        click.echo(_defect(error, log_folder), err=True)
        return DEFECT


def _run(command: click.Command, arguments: Sequence[str] | None) -> int:
    with command.make_context("glimpse", list(sys.argv[1:] if arguments is None else arguments)) as context:
        result = command.invoke(context)
        sys.stdout.flush()  # a reader that went away is noticed here, not at interpreter exit
        return result if isinstance(result, int) else DONE


def _reader_is_gone() -> int:
    """`glimpse stats | head` is no error; what is still buffered goes nowhere, also at interpreter exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return DONE


def _defect(error: Exception, log_folder: Path | None) -> str:
    summary = f"Glimpse has a defect ({type(error).__name__}: {error})".splitlines()[0]
    try:
        path = _write_log(error, log_folder or _default_log_folder())
    except OSError as problem:
        return f"{summary}; its details could not be written ({problem}):\n{_trace(error)}"
    return f"{summary}; please report it with the file {path}."


def _default_log_folder() -> Path:
    from platformdirs import user_log_path

    return user_log_path("glimpse", appauthor=False)


def _write_log(error: Exception, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"defect-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.log"
    path.write_text(f"arguments: {sys.argv[1:]}\n{_trace(error)}", encoding="utf-8")
    return path


def _trace(error: Exception) -> str:
    return "".join(traceback.format_exception(error))


if __name__ == "__main__":
    sys.exit(main())
