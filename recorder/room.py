"""Whether the disk has room: before a take for several, during a take for its end. Knows no camera."""

from pathlib import Path

from protocol.errors import GlimpseError
from recorder.host import free_bytes
from recorder.settings import RecorderSettings


class DiskTooFull(GlimpseError):
    """Less free space than a session needs."""


def refuse_full_disk(data: Path, settings: RecorderSettings) -> None:
    """Raise DiskTooFull when fewer takes than `takes_free` would fit below `data`, which need not exist yet."""
    wanted = settings.take_bytes * settings.takes_free
    free = free_bytes(_existing(data))
    if free < wanted:
        raise DiskTooFull(
            f"{data}: only {free / 1e6:.0f} MB are free where {settings.takes_free} takes need "
            f"{wanted / 1e6:.0f} MB; free some space or choose another folder."
        )


def nearly_full(folder: Path, settings: RecorderSettings) -> str | None:
    """What to say when a running take must stop while it still can, None while there is room."""
    free = free_bytes(folder)
    if free >= settings.reserve_bytes:
        return None
    return f"The disk is nearly full ({free / 1e6:.0f} MB left); free some space and record again."


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
