"""The style sheet of all widgets: assets/theme/style.qss with the theme's tokens filled in."""

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from string import Template


@lru_cache(maxsize=1)
def _template() -> Template:
    return Template(files("assets").joinpath("theme", "style.qss").read_text(encoding="utf-8"))


def stylesheet(name: str, colors: Mapping[str, str], types: Mapping[str, tuple[int, int]]) -> str:
    """name: "dark" or "light"; colors: role -> "#rrggbb"; types: name -> (pixels, weight).

    Raises KeyError for a token that there is not.
    """
    marks = Path(str(files("assets").joinpath("theme"))).as_posix()
    sizes = {f"{name}_px": str(px) for name, (px, _) in types.items()}
    weights = {f"{name}_weight": str(weight) for name, (_, weight) in types.items()}
    return _template().substitute(colors, scheme=name, marks=marks, **sizes, **weights)
