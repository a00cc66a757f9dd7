"""The folder of a simulated data set: whose it is, what is there already, what an interrupted run left behind.

Makes no take and shows nothing.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from protocol.errors import GlimpseError
from protocol.manifest import TakeStatus
from protocol.naming import LOCK_SUFFIX
from protocol.schema import describe
from recorder.dataset import DATASET_FILE, Dataset, TakeEntry
from recorder.host import ProcessId, create_exclusive, free_bytes, write_atomic
from recorder.recover import recover_folder
from recorder.sim.plan import Plan, Wishes
from recorder.subject_store import SubjectStore
from recorder.takefiles import mark_noise

WISHES_FILE = "simulation.json"  # beside dataset.json: what the data set was made of
CLAIM = ".simulating"  # names the process that is making takes here
ORPHANS_S = 40.0  # a capture process whose parent was killed leaves within 20 s, on a busy computer later
POLL_S = 0.2
BYTES_PER_S = 6_000_000  # of a take with every camera; measured 4.2 MB for a second of the default script

Say = Callable[[str], None]


class SimulationError(GlimpseError):
    """A simulated data set that cannot be made here."""


def _take_claim(claim: Path) -> None:
    mine = ProcessId.current().to_json() + "\n"
    if create_exclusive(claim, mine):
        return
    owner = _owner(claim)
    if owner is not None and owner.is_alive() is not False:
        raise SimulationError(
            f"{claim}: another `glimpse simulate` is at work here; wait until it is done, or remove this file if none is."
        )
    aside = claim.with_name(f"{CLAIM}.{ProcessId.current().pid}")
    claim.rename(aside)  # of two that find it dead only one can
    aside.unlink()
    _take_claim(claim)


def begun(data: Path) -> Wishes | None:
    """The wishes of the data set that was begun here, None where none was. Raises SimulationError."""
    path = data / WISHES_FILE
    if not path.exists():
        return None
    try:
        return Wishes.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise SimulationError(f"{path}: cannot be read ({describe(error)}); choose another folder.") from error


def refuse_other_folder(data: Path, wishes: Wishes) -> None:
    """Raise SimulationError where something else lies than the data set of these wishes, or nothing."""
    if not data.is_dir() or not any(data.iterdir()):
        return
    info = Dataset(data).info
    if info is None or not info.simulated:
        raise SimulationError(f"{data}: is no simulated data set, so simulated takes may not be in it; choose another folder.")
    before = begun(data)
    if before is None:
        if not {path.name for path in data.iterdir()} <= {DATASET_FILE, CLAIM}:
            raise SimulationError(
                f"{data}: holds simulated takes or subjects that `glimpse simulate` did not make; choose another folder."
            )
    elif different := _difference(before, wishes):
        raise SimulationError(f"{data}: {different}; give the same options to complete it, or choose another folder.")


def _difference(then: Wishes, now: Wishes) -> str | None:
    for name in type(now).model_fields:
        before, wanted = getattr(then, name), getattr(now, name)
        if before != wanted:
            option = "--" + name.replace("_", "-")
            if name == "script":
                return f"was begun with another {option} ({before.name!r})"
            return f"was begun with {option} {_shown(before)}, not {_shown(wanted)}"
    return None


def _shown(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


@contextmanager
def opened(data: Path, wishes: Wishes, plan: Plan) -> Iterator[None]:
    """Make the folder the data set of these wishes, or complete what an interrupted run left of that, and claim it.

    Raises SimulationError when another simulation is at work there.
    """
    if not (data / DATASET_FILE).exists():
        Dataset.create(data, (data.resolve().name or "data")[:200], simulated=True)
    claim = data / CLAIM
    _take_claim(claim)
    try:
        _describe(data, wishes, plan)
        yield
    finally:
        claim.unlink(missing_ok=True)


def _describe(data: Path, wishes: Wishes, plan: Plan) -> None:
    if begun(data) is None:
        write_atomic(data / WISHES_FILE, wishes.model_dump_json(indent=2) + "\n")
    store = SubjectStore(data)
    known = {record.subject for record in store.records()}
    for one in plan.subjects:
        if one.subject not in known:
            store.add(consents={}, subject=one.subject, person=one.person, sex=one.sex, age_band=one.age_band)


def clean_up(data: Path, plan: Plan, say: Say, sleep_s: Callable[[float], None] = time.sleep) -> None:
    """Recover what an earlier run left behind, after its last takes have ended. Raises SimulationError where they do not."""
    folders = [folder for one in plan.subjects if (folder := data / str(one.subject)).is_dir()]
    _wait_for_orphans(data, folders, say, sleep_s)
    for folder in folders:
        for outcome in recover_folder(folder):
            say(f"{outcome.path}: {outcome.text}")


def _wait_for_orphans(data: Path, folders: Sequence[Path], say: Say, sleep_s: Callable[[float], None]) -> None:
    waited_s = 0.0
    while any(_is_recording(folder) for folder in folders):
        if not waited_s:
            say("A take of an interrupted run is still being written; waiting for its end.")
        if waited_s >= ORPHANS_S:
            raise SimulationError(f"{data}: another program is recording into this data set; wait until it is done.")
        sleep_s(POLL_S)
        waited_s += POLL_S


def _is_recording(folder: Path) -> bool:
    owners = (_owner(lock) for lock in folder.glob(f"*{LOCK_SUFFIX}"))
    return any(owner is not None and owner.is_alive() for owner in owners)


def _owner(lock: Path) -> ProcessId | None:
    try:
        return ProcessId.from_json(lock.read_text(encoding="utf-8", errors="replace"))
    except FileNotFoundError:
        return None  # its take ended since we looked


def find_made(data: Path, plan: Plan) -> dict[str, TakeEntry]:
    """The takes of the plan that are there and whole, by the camera's words in their manifests."""
    wanted = {take.camera: take for take in plan.takes}
    found: dict[str, TakeEntry] = {}
    for entry in Dataset(data).takes():
        camera = _camera_of(entry)
        take = wanted.get(camera)
        if take is not None and (entry.subject, entry.movement) == (take.subject, take.movement):
            found.setdefault(camera, entry)
    return found


def _camera_of(entry: TakeEntry) -> str:
    """What `--camera` said of a take that is whole; "" of any other."""
    if entry.status is not TakeStatus.COMPLETE or entry.redone or entry.manifest is None or not entry.manifest.devices:
        return ""
    return entry.manifest.devices[0].spec


def mark_mistakes(plan: Plan, made: dict[str, TakeEntry]) -> None:
    """Mark the spoilt takes as noise that an interrupted run had no more time to mark."""
    for take in plan.takes:
        entry = made.get(take.camera)
        if entry is not None and take.mistake is not None and not entry.noise:
            made[take.camera] = TakeEntry.at(mark_noise(entry.path))


def refuse_small_disk(data: Path, wishes: Wishes, takes: int) -> None:
    """Raise SimulationError when the disk has no room for so many takes."""
    seconds = sum(step.duration_us for step in wishes.script.steps) / 1e6
    needed, free = takes * seconds * BYTES_PER_S, free_bytes(_existing(data))
    if needed > free:
        raise SimulationError(
            f"{data}: {takes:,} takes need about {needed / 1e9:,.1f} GB and {free / 1e9:,.1f} GB are free; "
            "free some space, choose another folder or ask for fewer."
        )


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
