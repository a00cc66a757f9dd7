"""`<take>.analysis.json` on disk: read, and completed section by section, atomically. Knows no algorithm."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel

from protocol.analysis import Analysis
from protocol.errors import GlimpseError
from protocol.naming import ANALYSIS_SUFFIX, EVENTS_SUFFIX
from protocol.schema import SchemaError
from recorder.host import write_atomic
from recorder.software import software


class AnalysisError(GlimpseError):
    """An analysis that cannot be read or written."""


def analysis_path(take: Path) -> Path:
    """The file beside the take's `.aedat4`."""
    return take.with_name(take.name.removesuffix(EVENTS_SUFFIX) + ANALYSIS_SUFFIX)


def read_analysis(take: Path) -> Analysis | None:
    """What was computed of the take whose `.aedat4` is given; None where nothing was, or where it is out of date.

    Out of date: its events are not the ones that it was computed of. Raises AnalysisError where the file cannot be read, and
    SchemaError where it is damaged or of a newer program.
    """
    path = analysis_path(take)
    if path.exists() and not path.is_file():  # reading a pipe would wait for ever
        raise AnalysisError(f"{path}: cannot be read (it is no file); move it away.")
    try:
        analysis = Analysis.parse(path.read_bytes(), str(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AnalysisError(f"{path}: cannot be read ({error.strerror}); check its permissions.") from error
    return analysis if analysis.events_bytes == _size(take) else None


def update_analysis(take: Path, sections: Mapping[str, BaseModel | None]) -> Analysis:
    """Write these sections ("sync", "onset", "quality", "face") and keep the others. A damaged or outdated file is replaced,
    since all of it can be computed again.

    Raises AnalysisError where the folder does not take the file, where a newer program's file lies there, or where the take is
    not there any more.
    """
    with _alone_in(take.parent):
        analysis = _kept(take).model_copy(update={**sections, "software": software()})
        path = analysis_path(take)
        try:
            write_atomic(path, analysis.to_json())
        except OSError as error:
            raise AnalysisError(f"{path}: cannot be written ({error.strerror}); check the disk and the permissions.") from error
        return analysis


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other program completes an analysis in this folder: each would write back what it read before the other.

    The lock leaves no file and ends with its process. Where there are no such locks (Windows, some network disks) one goes on.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # the writing tells what is wrong
        yield
        return
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _kept(take: Path) -> Analysis:
    try:
        before = read_analysis(take)
    except SchemaError as error:
        if _is_newer(analysis_path(take)):
            raise AnalysisError(str(error)) from error
        before = None
    return before or Analysis(events_bytes=_size(take))


def _size(take: Path) -> int:
    try:
        return take.stat().st_size
    except OSError as error:
        raise AnalysisError(f"{take}: cannot be looked at ({error.strerror}); was it renamed meanwhile? Try again.") from error


def _is_newer(path: Path) -> bool:
    """Whether the file is an analysis of a newer major version."""
    try:
        data = json.loads(path.read_bytes())
        return data["schema"] == Analysis.SCHEMA and int(str(data["version"]).partition(".")[0]) > Analysis.VERSION[0]
    except (ValueError, LookupError, TypeError, RecursionError):
        return False
