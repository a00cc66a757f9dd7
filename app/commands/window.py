"""`glimpse` without a command: the window."""

from pathlib import Path

from app.output import Exit, say


def open_window(data: Path | None, camera: str | None, rgb: str | None, thermal: str | None, debug: bool) -> int:
    """Open the window until it is closed; where none can be shown say so and what to do instead."""
    from app.window.start import Wishes, no_display, run

    if why := no_display():
        say(f"{why} Set one, or record without a window: `glimpse record --help`.")
        return Exit.USAGE
    return run(Wishes(data=data, camera=camera, rgb=rgb, thermal=thermal, debug=debug))
