"""Who is learnt from and who is tested on: no person on both sides. Pure functions on names; knows no take and no network.

A *sample* is anything with a person. `folds.csv` of Spiking-FER shares people between its sides; that is found and said.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.errors import ModelError

VALIDATION_SHARE = 0.15  # of the persons who are learnt from


@dataclass(frozen=True)
class Fold:
    """name: for tables and files; train, validation, test: numbers of the samples; shared: persons on both sides."""

    name: str
    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    shared: tuple[str, ...] = ()


def leave_one_out(persons: Sequence[str], seed: int = 0) -> tuple[Fold, ...]:
    """Each person is tested on by a network that has never seen them. Raises ModelError for fewer than two persons."""
    names = _persons(persons, 2)
    return tuple(_fold(f"without-{name}", persons, {name}, seed) for name in names)


def k_folds(persons: Sequence[str], k: int, seed: int = 0) -> tuple[Fold, ...]:
    """Groups of persons, k of them, with about as many samples each.

    Raises ModelError for fewer persons than k, or k below 2.
    """
    if k < 2:
        raise ModelError(f"{k} folds cannot be made; choose 2 or more.")
    names = _persons(persons, k)
    rng = np.random.default_rng([seed, k])
    sizes = {name: sum(1 for person in persons if person == name) for name in names}
    groups: list[set[str]] = [set() for _ in range(k)]
    for name in sorted(rng.permutation(names), key=lambda one: -sizes[one]):
        min(groups, key=lambda group: (sum(sizes[one] for one in group), len(group))).add(str(name))
    return tuple(_fold(f"{number + 1}-of-{k}", persons, group, seed) for number, group in enumerate(groups))


def random_split(persons: Sequence[str], share: float, seed: int = 0) -> Fold:
    """Samples at random, whoever they are of: what published numbers often are; the shared persons are named."""
    order = np.random.default_rng([seed, 7]).permutation(len(persons))
    tested, rest = order[: round(share * len(order))], order[round(share * len(order)) :]
    held = rest[: round(VALIDATION_SHARE * len(rest))]
    train = rest[len(held) :]
    both = {persons[n] for n in tested} & {persons[n] for n in rest}
    return Fold("random", _sorted(train), _sorted(held), _sorted(tested), tuple(sorted(both)))


def from_file(path: Path, names: Sequence[str], persons: Sequence[str], seed: int = 0) -> tuple[Fold, ...]:
    """Folds of a CSV file: columns `fold` and `subject` (or `path`), optional `split` (train, val, test; default: test).

    A row says that a subject, or a sample, belongs to that side of that fold; whoever is not named in a fold is learnt from.
    names: of the samples. Raises ModelError for files that cannot be read, and names that no sample has.
    """
    rows = _rows(path)
    column = "path" if "path" in rows[0] else "subject"
    keys = list(names) if column == "path" else list(persons)
    known = set(keys)
    folds = []
    for number in sorted({row["fold"] for row in rows}):
        sides = {row[column]: row.get("split") or "test" for row in rows if row["fold"] == number}
        if unknown := sorted(set(sides) - known):
            raise ModelError(
                f"{path}: no sample has the {column} {unknown[0]!r}; correct the file, or give the data it belongs to."
            )
        folds.append(_sided(f"fold-{number}", keys, persons, sides, seed))
    return tuple(folds)


def require_strangers(folds: Sequence[Fold], *, allowed: bool) -> str | None:
    """The stamp for every result where persons are on both sides, None where none is.

    Raises ModelError where that is not allowed.
    """
    shared = sorted({person for fold in folds for person in fold.shared})
    if not shared:
        return None
    if not allowed:
        raise ModelError(
            f"{len(shared)} persons (such as {shared[0]}) are both learnt from and tested on, so that the results would "
            "not hold for strangers; use folds by subject, or --allow-shared-subjects, which is written on every result."
        )
    return f"NOT subject-independent: {len(shared)} persons are both in training and test"


def _sided(name: str, keys: Sequence[str], persons: Sequence[str], sides: Mapping[str, str], seed: int) -> Fold:
    of = [sides.get(key, "train") for key in keys]
    test = [n for n, side in enumerate(of) if side == "test"]
    held = [n for n, side in enumerate(of) if side in ("val", "validation")]
    train = [n for n, side in enumerate(of) if side == "train"]
    if not held:
        held, train = _held_out(train, persons, seed)
    both = {persons[n] for n in test} & {persons[n] for n in (*train, *held)}
    return Fold(name, tuple(train), tuple(held), tuple(test), tuple(sorted(both)))


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [
                {str(key).strip().lower(): (value or "").strip() for key, value in row.items()} for row in csv.DictReader(file)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ModelError(f"{path} cannot be read ({error}); give a CSV file with the columns fold and subject.") from error
    if not rows or "fold" not in rows[0] or not {"subject", "path"} & set(rows[0]):
        raise ModelError(f"{path}: needs a header with the columns fold and subject (or path), and rows below it.")
    return rows


def _fold(name: str, persons: Sequence[str], tested: set[str], seed: int) -> Fold:
    test = [n for n, person in enumerate(persons) if person in tested]
    rest = [n for n, person in enumerate(persons) if person not in tested]
    held, train = _held_out(rest, persons, seed)
    return Fold(name, tuple(train), tuple(held), tuple(test))


def _held_out(rest: Sequence[int], persons: Sequence[str], seed: int) -> tuple[list[int], list[int]]:
    """(validation, train): some persons are held out to choose the best epoch by; of one person nobody can be."""
    names = sorted({persons[n] for n in rest})
    count = min(max(1, round(VALIDATION_SHARE * len(names))), len(names) - 1)
    held = set(np.random.default_rng([seed, 5]).permutation(names)[: max(count, 0)].tolist())
    return [n for n in rest if persons[n] in held], [n for n in rest if persons[n] not in held]


def _persons(persons: Sequence[str], least: int) -> list[str]:
    names = sorted(set(persons))
    if len(names) < least:
        raise ModelError(
            f"There are takes of {len(names)} person{'' if len(names) == 1 else 's'}; testing on strangers needs {least} "
            "or more: record further subjects, or ask for fewer folds."
        )
    return names


def _sorted(numbers: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]") -> tuple[int, ...]:
    return tuple(sorted(int(number) for number in numbers))
