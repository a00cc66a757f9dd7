"""A checkpoint gives back the network that was saved, and a wrong one is refused with the reason."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from models.checkpoint import Calibration, Checkpoint, describe, load_checkpoint, read_record, save_checkpoint
from models.classes import MOVEMENT_CLASSES
from models.encode import Encoding
from models.errors import ModelError
from models.network import Network, NetworkConfig, NeuronConfig, Stage, build
from models.usermodel import load_user_network

ENCODING = Encoding(size_px=16)
CONFIG = NetworkConfig(
    stem_width=4, stages=(Stage(width=6),), neuron=NeuronConfig(kind="adaptive", tau_steps=(2.0, 4.0)), pooling="flat"
)


def a_network() -> Network:
    torch.manual_seed(7)
    network = build(CONFIG, ENCODING.channels, ENCODING.size_px, MOVEMENT_CLASSES.outputs)
    network(torch.rand(3, 2, ENCODING.channels, 16, 16))  # running statistics are no longer as they were made
    network.reset()
    return network.eval()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "smile.safetensors"
    network = a_network()
    calibration = Calibration(temperature=1.5, thresholds={"smile": 0.4})
    record = describe(network, ENCODING, MOVEMENT_CLASSES, calibration=calibration, metrics={"top1": 0.5}, seed=3)
    save_checkpoint(path, network, record)
    return path


def rewritten(path: Path, change: Callable[[dict[str, torch.Tensor], dict[str, Any]], None]) -> None:
    with safe_open(path, "pt") as file:
        weights, about = {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["glimpse"])  # noqa: SIM118
    change(weights, about)
    save_file(weights, path, {"glimpse": json.dumps(about)})


def test_a_loaded_network_answers_as_the_saved_one(saved: Path) -> None:
    loaded: Checkpoint = load_checkpoint(saved)
    x = torch.rand(4, 1, ENCODING.channels, 16, 16)
    with torch.no_grad():
        assert torch.equal(loaded.network(x), a_network()(x))
    assert not loaded.network.training
    assert loaded.record.calibration.thresholds == {"smile": 0.4}
    assert loaded.record.metrics == {"top1": 0.5}
    assert loaded.record.network == CONFIG
    assert loaded.record.encoding == ENCODING
    assert loaded.record.made_with["torch"] == torch.__version__


def test_the_record_can_be_read_alone(saved: Path) -> None:
    assert read_record(saved) == load_checkpoint(saved).record


def test_the_file_holds_nothing_that_could_run(saved: Path) -> None:
    length = int.from_bytes(saved.read_bytes()[:8], "little")
    header = json.loads(saved.read_bytes()[8 : 8 + length])
    assert json.loads(header["__metadata__"]["glimpse"])["schema"] == "glimpse.checkpoint"


def set_version(version: str) -> Callable[[dict[str, torch.Tensor], dict[str, Any]], None]:
    return lambda _, about: about.update(version=version)


def spoil(weights: dict[str, torch.Tensor], _: dict[str, Any]) -> None:
    weights["head.1.bias"][0] = float("nan")


WRONG = {
    "newer": (set_version("2.0"), "newer Glimpse"),
    "of another schema": (lambda _, about: about.update(schema="glimpse.labels"), "glimpse.labels"),
    "wider than it says": (lambda _, about: about["network"].update(stem_width=8), "stem.0.conv.weight is"),
    "deeper than it says": (lambda _, about: about["network"]["stages"].append({"width": 6}), "lacks the weight blocks.1"),
    "with a weight too many": (lambda weights, _: weights.update(extra=torch.zeros(1)), "too much: the weight extra"),
    "with numbers that are none": (spoil, "head.1.bias holds numbers that are not finite"),
    "of other classes": (lambda _, about: about["classes"].update(classes=["a", "b"]), "do not fit"),
    "with a misspelt setting": (lambda _, about: about["network"].update(stemwidth=8), "stemwidth"),
    "of a size that cannot be": (lambda _, about: about["encoding"].update(size_px=0), "size_px"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_checkpoint_is_refused_when_it_is(saved: Path, kind: str) -> None:
    change, reason = WRONG[kind]
    rewritten(saved, change)
    with pytest.raises(ModelError, match=reason):
        load_checkpoint(saved)


def test_damaged_foreign_and_missing_files_are_refused(saved: Path, tmp_path: Path) -> None:
    whole = saved.read_bytes()
    for damaged in (b"", b"PK\x03\x04 no checkpoint", whole[: len(whole) // 2]):
        saved.write_bytes(damaged)
        with pytest.raises(ModelError, match="damaged or no checkpoint"):
            load_checkpoint(saved)
    save_file({"w": torch.zeros(1)}, saved)
    with pytest.raises(ModelError, match="another program"):
        read_record(saved)
    with pytest.raises(ModelError, match="no such checkpoint"):
        load_checkpoint(tmp_path / "none.safetensors")


def test_a_network_that_diverged_is_not_saved_and_the_old_file_stays(saved: Path) -> None:
    before = saved.read_bytes()
    network = a_network()
    with torch.no_grad():
        next(network.parameters()).fill_(float("inf"))
    with pytest.raises(ModelError, match="not finite"):
        save_checkpoint(saved, network, describe(network, ENCODING, MOVEMENT_CLASSES))
    assert saved.read_bytes() == before
    assert [file.name for file in saved.parent.iterdir()] == [saved.name]


def test_a_network_for_another_encoding_is_not_described(saved: Path) -> None:
    with pytest.raises(ModelError, match="build it for them"):
        describe(a_network(), Encoding(size_px=32), MOVEMENT_CLASSES)


def test_code_of_ones_own_is_run_only_where_it_is_named(tmp_path: Path) -> None:
    source = tmp_path / "nets.py"
    source.write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self, channels, size_px, outputs):\n"
        "        super().__init__()\n"
        "        self.linear = nn.Linear(channels * size_px**2, outputs)\n"
        "    def forward(self, x):\n"
        "        return self.linear(x.flatten(2))\n"
    )
    network = load_user_network(f"{source}:Net", ENCODING.channels, 16, 7)
    path = tmp_path / "own.safetensors"
    save_checkpoint(path, network, describe(network, ENCODING, MOVEMENT_CLASSES))
    with pytest.raises(ModelError, match=r"nets.py:Net; name it with --model"):
        load_checkpoint(path)
    x = torch.rand(2, 1, ENCODING.channels, 16, 16)
    assert torch.equal(load_checkpoint(path, f"{source}:Net").network(x), network(x))
