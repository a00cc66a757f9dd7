"""A network for other programs: one time step as ONNX, its states as inputs and outputs, run by ONNX Runtime.

A stream costs one step for each new bin, however long it has been. Normalisation is folded into the convolutions before.
NIR is in models/nir_export.py. Knows no events and no classes.
"""

import copy
import json
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from spikingjelly.activation_based import base
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.energy import watched_spikes
from models.errors import ModelError
from models.layers import ConvUnit
from models.network import Network, Shape

OPSET = 17
INPUT, LOGITS, RATES = "events", "logits", "rates"
META = "glimpse"
CLOSE = 1e-4  # what separate rounding may make of the same sums
TRIAL_STEPS = 20  # of noise, to time a number of threads: 0.1 s

Floats = NDArray[np.float32]


def fused(network: Network) -> Network:
    """A copy for inference: each normalisation is part of the convolution before it. The original stays as it is."""
    network.reset()
    twin = copy.deepcopy(network).eval()
    for module in twin.modules():
        if isinstance(module, ConvUnit) and isinstance(module.norm, nn.BatchNorm2d):
            module.conv = fuse_conv_bn_eval(module.conv, module.norm)
            module.norm = nn.Identity()
    return twin.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


class _OneStep(nn.Module):
    """(x [B, C, H, W], states...) to (logits [B, K], rates [layers], states...): what ONNX can express."""

    def __init__(self, network: Network, names: Sequence[str]) -> None:
        super().__init__()
        self.network = network
        self.names = tuple(names)

    def forward(self, x: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """One step from these states."""
        self.network.states = dict(zip(self.names, states, strict=True))
        with watched_spikes(self.network) as seen:
            logits = self.network(x[None])[0]
        rates = torch.stack([spikes.mean() for spikes in seen.values()]) if seen else torch.zeros(1)
        after = self.network.states
        return logits, rates, *(after[name] for name in self.names)


def to_onnx(network: Network, path: Path) -> None:
    """Write one step of the network, for one stream (batch 1).

    Inputs: `events` [1, C, H, W] and the states; outputs: `logits` [1, K], `rates` [layers] (the share of each layer's neurons
    that fire), and the next step's states, named as the inputs with `.next`. The metadata say with what each state begins.
    Raises: ModelError for a network that looks at several steps at once, or cannot be expressed.
    """
    if network.config.kind == "cnn_sum":
        raise ModelError("A network that sums all steps first has no single step to export; export one of kind cnn or sew.")
    twin = fused(network)
    shape = network.shape
    example = torch.zeros(1, shape.channels, shape.size_px, shape.size_px)
    states, layers = _first_states(twin, example)
    about = {"shape": vars(shape), "layers": layers, "states": {name: begin for name, (_, begin) in states.items()}}
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".onnx-") as folder:
        draft = Path(folder) / path.name
        _export(_OneStep(twin, list(states)), (example, *(zeros for zeros, _ in states.values())), draft)
        model = onnx.load_model(str(draft))
        onnx.helper.set_model_props(model, {META: json.dumps(about)})
        onnx.checker.check_model(model)
        onnx.save_model(model, str(draft))
        draft.replace(path)


def _first_states(network: Network, example: Tensor) -> tuple[dict[str, tuple[Tensor, float]], list[str]]:
    """The states by name, as zeros of their shape and the number they begin with; the names of the layers of neurons."""
    network.reset()
    begin = {name: value for name, value in base.named_memories(network.body) if isinstance(value, float)}
    with torch.no_grad(), watched_spikes(network) as seen:
        network(example[None])
    states = {name: (torch.zeros_like(value), begin.get(name, 0.0)) for name, value in network.states.items()}
    network.reset()
    return states, list(seen)


def _export(step: _OneStep, inputs: tuple[Tensor, ...], target: Path) -> None:
    names = list(step.names)
    outputs = [LOGITS, RATES, *(f"{name}.next" for name in names)]
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # the exporter warns of its own successor, and of shapes being constants, as they are
            labels: dict[str, Any] = {"input_names": [INPUT, *names], "output_names": outputs}
            torch.onnx.export(step, inputs, str(target), opset_version=OPSET, dynamo=False, **labels)
    except Exception as error:  # whatever a layer of the user's own may raise
        raise ModelError(f"The network cannot be written as ONNX: {str(error).splitlines()[0]}; use other layers.") from error
    finally:
        step.network.reset()


class OnnxStepper:
    """One stream through an exported network, step by step; keeps the states. As a context manager it lets the session go."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Raises: ModelError for a file that is no export of Glimpse."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads leave the cores to the cameras
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            about = json.loads(self._session.get_modelmeta().custom_metadata_map[META])
        except Exception as error:  # onnxruntime's errors share no class of their own
            raise ModelError(
                f"{path}: is no network that Glimpse exported ({str(error).splitlines()[0]}); export it anew."
            ) from error
        self.shape = Shape(**about["shape"])
        self.layers: tuple[str, ...] = tuple(about["layers"])
        self.rates: Floats = np.zeros(len(self.layers), np.float32)
        self._names = tuple(about["states"])
        shapes = {value.name: value.shape for value in self._session.get_inputs()}
        self._first = {name: np.full(shapes[name], about["states"][name], np.float32) for name in self._names}
        self._outputs = [LOGITS, RATES, *(f"{name}.next" for name in self._names)]
        self.reset()

    def reset(self) -> None:
        """Forget everything: after a gap."""
        to_value = onnxruntime.OrtValue.ortvalue_from_numpy
        self._states: dict[str, Any] = {name: to_value(first) for name, first in self._first.items()}

    def step(self, x: Floats) -> Floats:
        """Logits [K] after one more bin [C, H, W]; `rates` is then the share of each layer's neurons that fired."""
        given = onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(x[None], dtype=np.float32))
        logits, rates, *after = self._session.run_with_ort_values(self._outputs, {INPUT: given, **self._states})
        self._states = dict(zip(self._names, after, strict=True))
        self.rates = rates.numpy()[: len(self.layers)]
        answer: Floats = logits.numpy()[0]
        return answer

    def run(self, x: Floats) -> Floats:
        """Logits [T, K] of [T, C, H, W], going on from the present states."""
        return np.stack([self.step(step) for step in x])


def best_threads(path: Path, choices: Sequence[int] = (1, 2)) -> int:
    """The number of threads that is fastest just now: two collapse where the second core is busy, so it is tried."""
    times = {}
    for threads in choices:
        stepper = OnnxStepper(path, threads)
        x = np.zeros((stepper.shape.channels, stepper.shape.size_px, stepper.shape.size_px), np.float32)
        stepper.step(x)
        taken = []
        for _ in range(TRIAL_STEPS):
            begin = time.perf_counter()
            stepper.step(x)
            taken.append(time.perf_counter() - begin)
        times[threads] = float(np.median(taken))
    return min(times, key=lambda threads: (times[threads], threads))


def greatest_difference(network: Network, path: Path, steps: int = 8) -> float:
    """How far ONNX Runtime and torch are apart on noise, as a share of the greatest logit (at least 1)."""
    shape = network.shape
    x = torch.rand(steps, 1, shape.channels, shape.size_px, shape.size_px, generator=torch.Generator().manual_seed(0)) * 2
    training = network.training
    network.eval().reset()
    with torch.no_grad():
        wanted = network(x)[:, 0].numpy()
    network.train(training).reset()
    found = OnnxStepper(path).run(x[:, 0].numpy())
    return float(np.abs(found - wanted).max() / max(1.0, float(np.abs(wanted).max())))
