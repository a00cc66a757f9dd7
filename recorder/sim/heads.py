"""Where a head comes from: the built-in one, or the file of an ICT-FaceKit head and where that is looked for.

Knows neither how a head is made nor who wants one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from recorder.sim.head import Head
from recorder.sim.ict_file import HeadError

HEAD_VARIABLE = "GLIMPSE_HEAD"
BUILTIN, ICT = "builtin", "ict"
ICT_FILE = "ict_facekit.npz"


@dataclass(frozen=True)
class FoundHead:
    """A head that can be had. path: None for the built-in one, which is computed; source: who says so."""

    name: str
    path: Path | None
    source: str


def user_heads() -> Path:
    """The folder in which imported heads are kept, for all of a user's data sets."""
    return user_data_path("glimpse", appauthor=False) / "heads"


def find_head(
    name: str | None, environ: Mapping[str, str], *, setting: str | None = None, user_folder: Path | None = None
) -> Head:
    """The head of that name, opened.

    name: "builtin", "ict", the path of a head's file, or None: what `setting`, then the variable `GLIMPSE_HEAD` of `environ`
    say in the same words, then an imported head, then the built-in one. user_folder: None for `user_heads()`.

    Raises:
        HeadError: a head that was asked for is not there, or a file is no head.

    """
    return open_head(locate_head(name, environ, setting=setting, user_folder=user_folder))


def locate_head(
    name: str | None, environ: Mapping[str, str], *, setting: str | None = None, user_folder: Path | None = None
) -> FoundHead:
    """Where the head of that name is, without opening it; see `find_head`."""
    imported = (user_heads() if user_folder is None else user_folder) / ICT_FILE
    wishes = _wishes(name, environ, setting)
    for wish, source in wishes:
        if wish == BUILTIN:
            return FoundHead(BUILTIN, None, source)
        if wish != ICT:
            return FoundHead(ICT, _present(Path(wish), source), source)
    if imported.is_file():
        return FoundHead(ICT, imported, "imported")
    if wishes:
        raise HeadError(
            f"No ICT-FaceKit head has been imported ({imported} is not there); get a checkout of ICT-FaceKit and run "
            f"`glimpse heads import DIR`, or use the head {BUILTIN!r}."
        )
    return FoundHead(BUILTIN, None, "default")


def _wishes(name: str | None, environ: Mapping[str, str], setting: str | None) -> list[tuple[str, str]]:
    """What was asked for, the strongest first; "ict" leaves it to the next ones which file that is, if they name one."""
    said = [(name, "asked for"), (setting, "setting"), (environ.get(HEAD_VARIABLE), HEAD_VARIABLE)]
    wishes = [(wish, source) for wish, source in said if wish]
    if wishes and wishes[0][0] == ICT:
        return [wish for wish in wishes if wish[0] != BUILTIN]
    return wishes[:1]


def _present(path: Path, source: str) -> Path:
    path = path.expanduser()
    if path.is_file():
        return path
    what = "a folder, not the file of a head" if path.is_dir() else "there is no such head"
    raise HeadError(
        f"{path}: {what} ({source}); give {BUILTIN!r}, {ICT!r} or the path of a file made by `glimpse heads import`."
    )


def open_head(found: FoundHead) -> Head:
    """Open what `locate_head` found; HeadError when the file is no head."""
    if found.path is None:
        from recorder.sim.builtin_head import BuiltinHead

        return BuiltinHead()
    from recorder.sim.ict_head import IctHead

    return IctHead(found.path)


def known_heads(environ: Mapping[str, str], *, setting: str | None = None, user_folder: Path | None = None) -> list[FoundHead]:
    """Every head that can be had; the one that is used when none is named comes first."""
    first = locate_head(None, environ, setting=setting, user_folder=user_folder)
    imported = (user_heads() if user_folder is None else user_folder) / ICT_FILE
    others = [FoundHead(BUILTIN, None, "always there")]
    if imported.is_file():
        others.insert(0, FoundHead(ICT, imported, "imported"))
    return [first, *(other for other in others if other.path != first.path)]
