"""Training: samples in, a network with its curves out, epoch by epoch, to be gone on with after a kill.

Knows samples, networks and folders; knows no take, no command line and no page. Runs on the processor or a GPU.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, Dataset

from models.classes import ClassSet
from models.clipstore import Clip
from models.errors import ModelError
from models.metrics import log_loss, top_k
from models.network import Network, build
from models.objective import clip_scores, loss_of
from models.runstate import RunState, load_state, save_state
from models.samples import NO_CLASS, Cut, Sampler
from models.trainconfig import TrainConfig

CURVES = "curves.jsonl"
LATEST = "latest.state"
BEST, LAST = "best.state", "last.state"
EARLY_DECAY = 10.0  # the average of the weights looks back a tenth of the steps so far at first: it must not remember the start


@dataclass(frozen=True)
class Batch:
    """x: [T, B, C, H, W]; the others as in Sample, with a batch in front."""

    x: Tensor
    target: Tensor
    weight: Tensor
    bag: Tensor
    bag_weight: Tensor
    label: Tensor

    def to(self, device: torch.device) -> "Batch":
        """On a device."""
        return Batch(*(part.to(device, non_blocking=True) for part in vars(self).values()))


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to. loss: of training; test_*: of the validation windows, None where there are none."""

    number: int
    loss: float
    test_loss: float | None = None
    test_acc1: float | None = None
    test_acc5: float | None = None
    learning_rate: float = 0.0


@dataclass(frozen=True)
class Watch:
    """Who is told. step: (epoch, batch, batches); epoch: after each; stop: asked after each batch."""

    step: Callable[[int, int, int], None] = lambda epoch, batch, batches: None
    epoch: Callable[[Epoch], None] = lambda epoch: None
    stop: Callable[[], bool] = lambda: False


class Stopped(Exception):
    """Somebody asked to stop; the last whole epoch is kept."""


@dataclass(frozen=True)
class Trained:
    """last: the weights after the last epoch; best: after the best one on validation, the same where there was none."""

    last: Network
    best: Network
    epochs: tuple[Epoch, ...]
    best_epoch: int


class _Drawn(Dataset[tuple[Tensor, ...]]):
    """The windows of one epoch."""

    def __init__(self, sampler: Sampler, epoch: int, count: int) -> None:
        self._sampler, self._epoch, self._count = sampler, epoch, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> tuple[Tensor, ...]:
        return _tensors(self._sampler.draw(self._epoch, number))


class _Fixed(Dataset[tuple[Tensor, ...]]):
    """Windows at places, as they are."""

    def __init__(self, sampler: Sampler, cuts: tuple[Cut, ...]) -> None:
        self._sampler, self._cuts = sampler, cuts

    def __len__(self) -> int:
        return len(self._cuts)

    def __getitem__(self, number: int) -> tuple[Tensor, ...]:
        return _tensors(self._sampler.at(self._cuts[number]))


def _tensors(sample: Any) -> tuple[Tensor, ...]:
    return tuple(torch.as_tensor(part) for part in sample)


def _joined(samples: list[tuple[Tensor, ...]]) -> Batch:
    x, *rest = (torch.stack(parts) for parts in zip(*samples, strict=True))
    return Batch(x.transpose(0, 1), *rest)


def loader(data: Dataset[tuple[Tensor, ...]], batch: int, workers: int) -> "DataLoader[Any]":
    """Batches in order. workers: processes that make samples beside this one, 0 for none."""
    more: dict[str, Any] = {"prefetch_factor": 4, "multiprocessing_context": "spawn"} if workers else {}
    return DataLoader(data, batch_size=batch, collate_fn=_joined, num_workers=workers, **more)


def train(
    config: TrainConfig,
    classes: ClassSet,
    sampler: Sampler,
    held_out: Sampler | None,
    folder: Path,
    *,
    device: torch.device | None = None,
    workers: int = 0,
    start: Network | None = None,
    watch: Watch | None = None,
) -> Trained:
    """Train a network, or go on where the run in `folder` was ended.

    held_out: clips by which the best epoch is chosen, of persons that are not learnt from. start: weights to begin with.
    Deterministic on one device: the same configuration, clips and seed give the same weights. Raises ModelError for a loss
    that is no number, memory that is too small, and a run of another configuration in the folder; Stopped.
    """
    run = _Run(config, classes, folder, device or torch.device("cpu"), start)
    watch = watch or Watch()
    tests = tuple(fixed_cuts(held_out)) if held_out is not None else ()
    count = config.windows_per_epoch or len(sampler.chosen)
    run.plan(math.ceil(count / config.batch))
    run.resume()
    while run.done < config.epochs:
        number = run.done + 1
        loss = run.epoch(loader(_Drawn(sampler, number, count), config.batch, workers), number, watch)
        tested = run.test(loader(_Fixed(held_out, tests), config.batch, workers)) if held_out is not None and tests else {}
        epoch = Epoch(number, loss, learning_rate=run.rate, **tested)
        run.keep(epoch)
        watch.epoch(epoch)
    return run.result()


def fixed_cuts(sampler: Sampler) -> Iterator[Cut]:
    """Windows for testing: one about each movement, and one of rest for each clip where there is room."""
    window, bin_us = sampler.window, sampler.encoding.bin_us
    length_us = window.steps * bin_us
    for index in sampler.chosen:
        clip = sampler.store.clips[index]
        room_us = max(clip.duration_us - length_us, 0)
        for interval in clip.intervals:
            way_us = interval.apex_us + window.seen_us - interval.onset_us
            slack_us = max(length_us - window.warm_steps * bin_us - way_us, 0)
            yield Cut(index, int(np.clip(interval.onset_us - window.warm_steps * bin_us - slack_us // 3, 0, room_us)))
        yield from _rest(index, clip, length_us, window.fading_us)


def _rest(index: int, clip: Clip, length_us: int, fading_us: int) -> Iterator[Cut]:
    """The first window of a clip in which nothing is made, where there is one."""
    begin_us = 0
    for onset_us, offset_us in [(one.onset_us, one.offset_us) for one in clip.intervals] + [(clip.duration_us, 0)]:
        if onset_us - begin_us >= length_us:
            yield Cut(index, begin_us)
            return
        begin_us = max(begin_us, offset_us + fading_us)


class _Run:
    """One training: network, its average, optimiser, curves."""

    def __init__(
        self, config: TrainConfig, classes: ClassSet, folder: Path, device: torch.device, start: Network | None
    ) -> None:
        torch.manual_seed(config.seed)
        self._config, self._classes, self._folder, self._device = config, classes, folder, device
        encoding = config.encoding
        self.network = build(config.network, encoding.channels, encoding.size_px, classes.outputs)
        if start is not None:
            self.network.load_state_dict(start.state_dict())
        self.network.to(device)
        self._average = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        self._optimiser = _optimiser(config, self.network)
        self._scaler = torch.amp.GradScaler(device.type, enabled=device.type == "cuda")
        self._epochs: list[Epoch] = []
        self._best = 0
        self._steps = 0

    def plan(self, batches: int) -> None:
        """How many batches an epoch has."""
        total, warm = max(1, batches * self._config.epochs), self._config.warm_share
        self._schedule = LambdaLR(self._optimiser, lambda step: _level(step / total, warm))

    @property
    def done(self) -> int:
        """Epochs that are over."""
        return len(self._epochs)

    @property
    def rate(self) -> float:
        """The learning rate now."""
        return float(self._optimiser.param_groups[0]["lr"])

    def epoch(self, batches: "DataLoader[Any]", number: int, watch: Watch) -> float:
        """Learn from every batch once. The mean loss."""
        torch.manual_seed(self._config.seed * 100_003 + number)
        self.network.train()
        total, count = 0.0, 0
        for at, batch in enumerate(batches):
            if watch.stop():
                raise Stopped
            total += self._learn(batch.to(self._device)) * batch.x.shape[1]
            count += batch.x.shape[1]
            watch.step(number, at + 1, len(batches))
        return total / max(count, 1)

    def _learn(self, batch: Batch) -> float:
        self.network.reset()
        self._optimiser.zero_grad(set_to_none=True)
        try:
            with torch.autocast(self._device.type, enabled=self._device.type == "cuda"):
                z = self.network(batch.x)
            loss = self._loss(z.float(), batch)
            value = float(loss.detach())
            if not math.isfinite(value):
                raise ModelError(
                    f"The loss became {value} in epoch {self.done + 1}; lower learning_rate, or look for takes with NaN labels."
                )
            self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        except torch.OutOfMemoryError as error:
            raise ModelError(
                "The memory of the device is too small for this batch; lower `batch` or take a smaller preset."
            ) from error
        except RuntimeError as error:
            if "not enough memory" not in str(error):
                raise
            raise ModelError(
                "The computer's memory is too small for this batch; lower `batch` or take a smaller preset."
            ) from error
        self._step()
        return value

    def _step(self) -> None:
        self._scaler.unscale_(self._optimiser)
        nn.utils.clip_grad_norm_(self.network.parameters(), self._config.clip_norm)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        self._schedule.step()
        self._steps += 1
        self._follow(min(self._config.decay, 1 - EARLY_DECAY / (EARLY_DECAY + self._steps)))

    @torch.no_grad()
    def _follow(self, decay: float) -> None:
        for name, value in self.network.state_dict().items():
            average = self._average[name]
            if average.dtype.is_floating_point:
                average.lerp_(value, 1 - decay)
            else:
                average.copy_(value)

    def _loss(self, z: Tensor, batch: Batch) -> Tensor:
        warm = self._config.window.warm_steps
        return loss_of(
            z, batch.target, batch.weight, batch.bag, batch.bag_weight, batch.label, self._classes, warm
        )  # fmt: skip

    def test(self, batches: "DataLoader[Any]") -> dict[str, float]:
        """Top-1, top-5 and loss of the average weights on windows of one class."""
        labels, scores = predict_windows(self._averaged(), batches, self._classes, self._config.window.warm_steps, self._device)
        if not len(labels):
            return {}
        first, fifth = (top_k(labels, scores, k).value or 0.0 for k in (1, min(5, scores.shape[1])))
        return {"test_loss": log_loss(labels, scores) or 0.0, "test_acc1": first, "test_acc5": fifth}

    def _averaged(self, state: Mapping[str, Tensor] | None = None) -> Network:
        shape = self.network.shape
        copy = build(self._config.network, shape.channels, shape.size_px, shape.outputs)
        copy.load_state_dict(dict(state or self._average))
        return copy.to(self._device).eval()

    def keep(self, epoch: Epoch) -> None:
        """Note an epoch: the curves, and all that is needed to go on."""
        self._epochs.append(epoch)
        best = min(
            (one for one in self._epochs if one.test_loss is not None), key=lambda one: one.test_loss or 0, default=epoch
        )
        self._folder.mkdir(parents=True, exist_ok=True)
        if best is epoch:
            self._best = epoch.number
            save_state(self._folder / BEST, RunState(self._average, {"epoch": epoch.number}))
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self._average.items()}
        optimiser, about = _flat(self._optimiser.state_dict())
        about |= {
            "config": self._config.model_dump(mode="json"),
            "classes": self._classes.model_dump(mode="json"),
            "epochs": [vars(one) for one in self._epochs],
            "best": self._best,
            "steps": self._steps,
            "schedule": {"last_epoch": self._schedule.last_epoch},
            "scaler": self._scaler.state_dict(),
        }
        save_state(self._folder / LATEST, RunState({**tensors, **optimiser}, about))
        lines = "".join(json.dumps(vars(one)) + "\n" for one in self._epochs)
        (self._folder / CURVES).write_text(lines, "utf-8")

    def resume(self) -> None:
        """Go on where the run in the folder ended; nothing where there is none."""
        path = self._folder / LATEST
        if not path.exists():
            return
        state = load_state(path)
        if state.about.get("config") != self._config.model_dump(mode="json") or state.about.get("classes") != (
            self._classes.model_dump(mode="json")
        ):
            raise ModelError(
                f"{self._folder}: holds a run with other settings or classes; choose another --out, or the same settings."
            )
        parts = state.parts("network."), state.parts("average.")
        self.network.load_state_dict(parts[0])
        self._average = {name: value.to(self._device) for name, value in parts[1].items()}
        _restore(self._optimiser, state)
        self._epochs = [Epoch(**one) for one in state.about["epochs"]]
        self._best, self._steps = int(state.about["best"]), int(state.about["steps"])
        # The schedule knows its place; its step is not called, since that would warn of a step without the optimiser's.
        self._schedule.last_epoch = int(state.about["schedule"]["last_epoch"])
        for group, base in zip(self._optimiser.param_groups, self._schedule.base_lrs, strict=True):
            group["lr"] = base * self._schedule.lr_lambdas[0](self._schedule.last_epoch)
        if state.about["scaler"]:
            self._scaler.load_state_dict(state.about["scaler"])

    def result(self) -> Trained:
        """What came of it."""
        last = self._averaged()
        best = self._averaged(load_state(self._folder / BEST).tensors) if self._best else last
        return Trained(last.cpu(), best.cpu(), tuple(self._epochs), self._best)


@torch.no_grad()
def predict_windows(
    network: Network, batches: "DataLoader[Any]", classes: ClassSet, warm_steps: int, device: torch.device
) -> tuple["np.ndarray[Any, np.dtype[np.int64]]", "np.ndarray[Any, np.dtype[np.float64]]"]:
    """True classes [n] and scores [n, all classes] of the windows that have one class."""
    network.eval()
    labels: list[Tensor] = []
    scores: list[Tensor] = []
    for batch in batches:
        network.reset()
        answer = clip_scores(network(batch.x.to(device)).float(), classes, warm_steps).cpu()
        known = batch.label != NO_CLASS
        labels.append(batch.label[known])
        scores.append(answer[known])
    if not labels:
        return np.empty(0, np.int64), np.empty((0, len(classes.classes)))
    return torch.cat(labels).numpy().astype(np.int64), torch.cat(scores).numpy().astype(np.float64)


def _optimiser(config: TrainConfig, network: Network) -> torch.optim.Optimizer:
    """Biases and the scales of normalisations are not pulled to 0."""
    pulled = [one for one in network.parameters() if one.dim() > 1]
    free = [one for one in network.parameters() if one.dim() <= 1]
    groups = [{"params": pulled, "weight_decay": config.weight_decay}, {"params": free, "weight_decay": 0.0}]
    groups = [group for group in groups if group["params"]]
    if config.optimiser == "sgd":
        return torch.optim.SGD(groups, config.learning_rate, config.momentum)
    return torch.optim.AdamW(groups, config.learning_rate)


def _level(share: float, warm: float) -> float:
    """The learning rate, 0 ... 1, after a share of all steps."""
    if share < warm:
        return max(share / warm, 0.01)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (share - warm) / max(1 - warm, 1e-9))))


def _flat(state: dict[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """An optimiser's state as named tensors."""
    tensors = {f"optimiser.{number}.{name}": torch.as_tensor(value).clone()
               for number, own in state["state"].items() for name, value in own.items() if value is not None}  # fmt: skip
    return tensors, {}


def _restore(optimiser: torch.optim.Optimizer, state: RunState) -> None:
    own: dict[int, dict[str, Tensor]] = {}
    for name, value in state.parts("optimiser.").items():
        number, _, key = name.partition(".")
        own.setdefault(int(number), {})[key] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": own})
