"""The plan of who labels what, from what is typed to what is on disk. No Qt; reads every manifest, so only in a thread."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from protocol.labels import check_coder
from protocol.schema import describe
from recorder.dataset import Dataset, TakeEntry
from recorder.labelplan import SHARE_TWICE, LabelPlan, LabelPlanError, extended, make_plan, read_plan, save_plan


@dataclass(frozen=True)
class PlanWishes:
    """What is asked for. coders: as typed, separated by commas or blanks; the rest as in a LabelPlan."""

    coders: str = ""
    share_twice: float = SHARE_TWICE
    seed: int = 0
    blind: bool = True
    hide_asked: bool = False


@dataclass(frozen=True)
class Planned:
    """A plan that could be written. before: the one that it grows from, None for a first one; added: takes that are new in it;
    load: how many takes each coder has; twice: how many takes two coders have.
    """

    plan: LabelPlan
    before: LabelPlan | None
    added: int
    load: dict[str, int]
    twice: int


def wishes_of(plan: LabelPlan) -> PlanWishes:
    """What a plan was made with."""
    return PlanWishes(", ".join(plan.coders), plan.share_twice, plan.seed, plan.blind, plan.hide_asked)


def coders_typed(text: str) -> tuple[str, ...]:
    """The pseudonyms in a text. Raises BadCoderName; LabelPlanError without any."""
    names = tuple(check_coder(name) for name in text.replace(",", " ").split())
    if not names:
        raise LabelPlanError("No coder is named; type their pseudonyms, such as coder-1, coder-2.")
    return names


def used_takes(dataset: Path) -> list[TakeEntry]:
    """The takes that are labelled. Raises DatasetError."""
    return Dataset(dataset).selection()


def plan_for(dataset: Path, entries: list[TakeEntry], wishes: PlanWishes, at: datetime) -> Planned:
    """The plan that is wanted; one that exists already grows: coders and takes come to it, nobody loses any.

    Raises LabelPlanError, BadCoderName, SchemaError.
    """
    coders, before = coders_typed(wishes.coders), read_plan(dataset)
    if before is None:
        plan = make_plan(
            dataset,
            entries,
            coders,
            seed=wishes.seed,
            at=at,
            share_twice=wishes.share_twice if len(coders) > 1 else 0.0,
            blind=wishes.blind,
            hide_asked=wishes.hide_asked,
        )
    else:
        plan = extended(_grown(before, coders, wishes), dataset, entries)
    load = Counter(coder for assigned in plan.takes.values() for coder in assigned)
    twice = sum(len(assigned) > 1 for assigned in plan.takes.values())
    added = len(plan.takes) - (len(before.takes) if before else 0)
    return Planned(plan, before, added, {coder: load[coder] for coder in plan.coders}, twice)


def _grown(before: LabelPlan, coders: tuple[str, ...], wishes: PlanWishes) -> LabelPlan:
    """Seed, blindness and what is hidden stay: takes have been labelled under them."""
    if gone := [coder for coder in before.coders if coder not in coders]:
        raise LabelPlanError(f"{gone[0]} has takes in this plan already and stays in it; add coders only.")
    share = wishes.share_twice if len(coders) > 1 else 0.0
    values = {**before.model_dump(mode="json"), "coders": coders, "share_twice": share}
    try:
        return LabelPlan.model_validate(values)
    except ValidationError as error:
        raise LabelPlanError(f"The plan cannot be changed so: {describe(error)}; correct it and try again.") from error


def keep(dataset: Path, planned: Planned) -> Path:
    """Write the plan. Raises LabelPlanError."""
    return save_plan(dataset, planned.plan, instead_of=planned.before)
