"""A trained network as one file: weights as safetensors, all else about it as JSON inside. No pickle: reading runs nothing.

`save_checkpoint` writes whole or not at all; `load_checkpoint` gives back a network that answers as before, or says why not.
Knows no takes and no training.
"""

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from pydantic import Field, model_validator
from safetensors import SafetensorError, safe_open
from torch import Tensor

from models.classes import ClassSet
from models.encode import Encoding
from models.errors import ModelError
from models.network import Network, NetworkConfig, Shape, build
from models.runstate import KEY, RunState, save_state
from models.usermodel import load_user_network
from protocol.schema import Part, SchemaError, Versioned

SUFFIX = ".safetensors"


class Calibration(Part):
    """What makes scores of logits: divided by `temperature` (Guo et al. 2017); `thresholds`: score from which one is seen."""

    temperature: float = Field(1.0, gt=0)
    thresholds: dict[str, float] = Field(default_factory=dict)


class CheckpointRecord(Versioned):
    """All that is known of a network beside its weights.

    data_sha256: of the training clips' index; metrics: name to number; notes: what else was set while training, as JSON values;
    licence: of the weights and of what they were trained on.
    """

    SCHEMA: ClassVar[str] = "glimpse.checkpoint"
    VERSION: ClassVar[tuple[int, int]] = (1, 0)

    network: NetworkConfig
    encoding: Encoding
    classes: ClassSet
    outputs: int = Field(ge=1)
    calibration: Calibration = Calibration()
    data_sha256: str | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
    seed: int | None = None
    epochs: int | None = None
    made_with: dict[str, str] = Field(default_factory=dict)
    notes: dict[str, Any] = Field(default_factory=dict)
    licence: str = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.outputs != self.classes.outputs:
            raise ValueError(f"{self.outputs} outputs do not fit the {len(self.classes.classes)} classes")
        return self


@dataclass(frozen=True)
class Checkpoint:
    """A network, ready for evaluation, and its record."""

    network: Network
    record: CheckpointRecord


def describe(
    network: Network, encoding: Encoding, classes: ClassSet, *, calibration: Calibration | None = None, **more: Any
) -> CheckpointRecord:
    """The record of a network as it is now; more: the other fields of CheckpointRecord.

    Raises: ModelError when network, encoding and classes do not fit each other.
    """
    wanted = Shape(encoding.channels, encoding.size_px, classes.outputs)
    if network.shape != wanted:
        raise ModelError(f"The network has the shape {network.shape}, encoding and classes give {wanted}; build it for them.")
    return CheckpointRecord(
        network=network.config,
        encoding=encoding,
        classes=classes,
        outputs=classes.outputs,
        calibration=calibration or Calibration(),
        made_with={"torch": torch.__version__, "python": platform.python_version()},
        **more,
    )


def save_checkpoint(path: Path, network: Network, record: CheckpointRecord) -> None:
    """Write the file; one that was there is replaced when the new one is complete.

    Raises: ModelError when it cannot be written, or a weight is not finite: a network that diverged is not kept.
    """
    weights = network.body.state_dict()
    _refuse_strange(weights, path)
    save_state(path, RunState(weights, json.loads(record.to_json())))


def load_checkpoint(path: Path, own: str | None = None) -> Checkpoint:
    """Read a network.

    own: FILE:CLASS for a checkpoint of a class of one's own; its code is never taken from the checkpoint.
    Raises: ModelError with the reason: no checkpoint, damaged, newer, of another architecture, with numbers that are none.
    """
    record, weights = _read(path)
    network = _built(record, own, path)
    _check_weights(weights, network.body.state_dict(), path)
    network.body.load_state_dict(weights, strict=True)
    network.eval().reset()
    return Checkpoint(network, record)


def read_record(path: Path) -> CheckpointRecord:
    """What is known of a network, without building it. Raises: ModelError."""
    try:
        with safe_open(path, "pt") as file:
            return _record(file.metadata(), path)
    except (SafetensorError, OSError) as error:
        raise _unreadable(path) from error


def _read(path: Path) -> tuple[CheckpointRecord, dict[str, Tensor]]:
    try:
        with safe_open(path, "pt") as file:
            record = _record(file.metadata(), path)
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise _unreadable(path) from error
    _refuse_strange(weights, path)
    return record, weights


def _unreadable(path: Path) -> ModelError:
    if not path.is_file():
        return ModelError(f"{path}: there is no such checkpoint; name one that `glimpse train` has written.")
    return ModelError(f"{path}: is damaged or no checkpoint; restore it, or name one that `glimpse train` has written.")


def _record(metadata: Mapping[str, str] | None, path: Path) -> CheckpointRecord:
    if not metadata or KEY not in metadata:
        raise ModelError(f"{path}: holds weights of another program; name a checkpoint that `glimpse train` has written.")
    try:
        return CheckpointRecord.parse(metadata[KEY], str(path))
    except SchemaError as error:
        raise ModelError(str(error)) from error


def _built(record: CheckpointRecord, own: str | None, path: Path) -> Network:
    sizes = (record.encoding.channels, record.encoding.size_px, record.outputs)
    if record.network.kind != "user":
        return build(record.network, *sizes)
    if own is None:
        raise ModelError(
            f"{path}: holds a network of a class of its user's, {record.network.source}; name it with --model FILE:CLASS."
        )
    return load_user_network(own, *sizes)


def _check_weights(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], path: Path) -> None:
    for name in sorted(set(found) ^ set(wanted)):
        place = "lacks" if name in wanted else "has too much:"
        raise ModelError(f"{path}: {place} the weight {name}, so it is of another architecture than it says; train it anew.")
    for name, value in wanted.items():
        if found[name].shape != value.shape:
            raise ModelError(
                f"{path}: the weight {name} is {list(found[name].shape)} where the architecture has {list(value.shape)}; "
                "train it anew."
            )


def _refuse_strange(weights: Mapping[str, Tensor], path: Path) -> None:
    for name, value in weights.items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise ModelError(
                f"{path}: the weight {name} holds numbers that are not finite; train with a smaller learning rate."
            )
