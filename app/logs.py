"""The window's log: a few files in the platform's place, the oldest overwritten. Never a name of a person, nor a picture."""

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

FILE = "glimpse.log"
MOST_BYTES, KEPT = 1_000_000, 3
FORMAT = "%(asctime)s %(levelname)-7s %(threadName)s %(name)s: %(message)s"


def log_path() -> Path:
    """Where the newest log is, whether it exists or not."""
    from platformdirs import user_log_path

    return user_log_path("glimpse", appauthor=False) / FILE


def keep_log(path: Path | None = None, level: int = logging.INFO) -> str | None:
    """Write the program's log to a file from now on; returns why that cannot be, None where it can."""
    path = path or log_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(path, maxBytes=MOST_BYTES, backupCount=KEPT, encoding="utf-8")
    except OSError as error:
        return f"{path}: the log cannot be written ({error.strerror}); the program goes on without it."
    handler.setFormatter(logging.Formatter(FORMAT))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(min(level, root.level or level))
    return None


def tail(path: Path | None = None, lines: int = 40) -> list[str]:
    """The last lines of the log; none where there is no log."""
    try:
        return (path or log_path()).read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    except OSError:
        return []
