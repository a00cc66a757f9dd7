"""When what coders say about noise renames the take, so that a name never gives one coder's vote away to another.

With one coder the name follows the coder; with several it follows their consensus. Knows no window.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from protocol.labels import CONSENSUS, LabelSet, Noise
from recorder.dataset import TakeEntry
from recorder.labelstate import LabelState, read_states
from recorder.takefiles import mark_noise


@dataclass(frozen=True)
class NoiseDecision:
    """noise: what the take is to be called, None where the name stays as it is; reason: why, half a sentence."""

    noise: bool | None
    reason: str


def noise_decision(
    labels: Mapping[str, LabelSet], assigned: Collection[str] = (), taken_back: Mapping[str, Noise] = MappingProxyType({})
) -> NoiseDecision:
    """Whether the take is to be called noise.

    labels: by coder; assigned: who the plan wants to label it, done or not; taken_back: what coders said last and do not say
    any more, after which the name is what it was before.
    """
    consensus = labels.get(CONSENSUS)
    if consensus is not None and (consensus.noise is not None or CONSENSUS in taken_back):
        return _decided(consensus.noise, taken_back.get(CONSENSUS), "consensus")
    coders = ({coder for coder, said in labels.items() if not said.empty} | set(assigned)) - {CONSENSUS}
    if len(coders) > 1:
        return NoiseDecision(None, "several coders label this take, so that their consensus decides")
    coder = next(iter(coders or set(taken_back) - {CONSENSUS}), "")
    noise = labels[coder].noise if coder in labels else None
    return _decided(noise, taken_back.get(coder), "only coder")


def _decided(noise: Noise | None, taken_back: Noise | None, who: str) -> NoiseDecision:
    if noise is not None:
        return NoiseDecision(noise.is_noise, f"as the {who} says")
    if taken_back is not None and taken_back.named is not None:
        return NoiseDecision(taken_back.named, f"as before, for the {who} took it back")
    return NoiseDecision(None, "nobody has judged it")


def settle_noise(take: Path, assigned: Collection[str] = ()) -> Path:
    """Rename a take with all its files as `noise_decision` says of the labels on disk; returns its path afterwards.

    A file that is not called like a take keeps its name. Raises TakeFilesError where it cannot be renamed, and what
    `read_states` raises.
    """
    states = read_states(take)
    back = {coder: noise for coder, state in states.items() if (noise := _taken_back(state)) is not None}
    decision = noise_decision({coder: state.labels for coder, state in states.items()}, assigned, back)
    entry = TakeEntry.at(take)
    if decision.noise is None or entry.name is None or entry.noise == decision.noise:
        return take
    return mark_noise(take, noise=decision.noise)


def _taken_back(state: LabelState) -> Noise | None:
    if state.labels.noise is not None:
        return None
    last = next((entry for entry in reversed(state.entries) if "noise" in entry.after), None)
    return Noise.model_validate(last.before["noise"]) if last and last.before["noise"] else None
