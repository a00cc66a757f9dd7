"""Training: it learns, it is repeatable, it can be gone on with, and it says what is wrong."""

import json

import numpy as np
import pytest
import torch
import yaml
from drawn_clips import drawn_store

from models.architecture import NetworkConfig, NeuronConfig, Stage
from models.classes import MOVEMENT_CLASSES, ClassSet
from models.encode import Encoding, Kind
from models.errors import ModelError
from models.metrics import smoothed
from models.objective import clip_logits, clip_scores, loss_of
from models.samples import Sampler, WindowConfig
from models.trainconfig import PRESETS, TrainConfig, load_config, preset
from models.training import CURVES, LATEST, Stopped, Watch, fixed_cuts, train

NETWORK = NetworkConfig(stem_width=8, stages=(Stage(width=12),), neuron=NeuronConfig(tau_steps=(2.0,)), pooling="flat")
CONFIG = TrainConfig(
    network=NETWORK,
    encoding=Encoding(kinds=(Kind.LOG_COUNTS,), size_px=16),
    window=WindowConfig(steps=12, warm_steps=1),
    augmentations=(),
    epochs=3,
    windows_per_epoch=24,
    batch=8,
    learning_rate=5e-3,
    decay=0.8,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return drawn_store(tmp_path_factory.mktemp("clips") / "clips")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def sampler_of(store, persons, config=CONFIG):
    chosen = [n for n, clip in enumerate(store.clips) if clip.person in persons]
    return Sampler(store, chosen, MOVEMENT_CLASSES, config.encoding, config.window, seed=config.seed)


def run(store, folder, config=CONFIG, **more):
    return train(config, MOVEMENT_CLASSES, sampler_of(store, ("p0", "p1", "p2")), sampler_of(store, ("p3",)), folder, **more)


def same(one, other):
    return all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())


def test_a_network_learns_what_is_easy_and_tells_it_of_a_person_it_has_never_seen(store, tmp_path):
    trained = run(
        store, tmp_path / "run", CONFIG.model_copy(update={"epochs": 8, "windows_per_epoch": 64, "learning_rate": 1e-2})
    )
    first, last = trained.epochs[0], trained.epochs[-1]
    assert last.loss < 0.6 * first.loss
    assert (last.test_acc1 or 0) >= 0.7  # of 4 classes
    lines = [json.loads(line) for line in (tmp_path / "run" / CURVES).read_text().splitlines()]
    assert [line["number"] for line in lines] == list(range(1, 9))
    assert lines[-1]["test_acc1"] == last.test_acc1


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(store, tmp_path):
    config = CONFIG.model_copy(update={"epochs": 2})
    first, second = (run(store, tmp_path / name, config) for name in "ab")
    assert same(first.last, second.last)
    assert not same(first.last, run(store, tmp_path / "c", config.model_copy(update={"seed": 1})).last)


def test_a_run_that_was_ended_goes_on_as_if_it_had_not_been(store, tmp_path):
    whole = run(store, tmp_path / "whole")
    steps = []

    def stop():
        return len(steps) >= 5  # in the middle of the second epoch

    with pytest.raises(Stopped):
        run(store, tmp_path / "cut", watch=Watch(step=lambda *at: steps.append(at), stop=stop))
    resumed = run(store, tmp_path / "cut")
    assert same(whole.last, resumed.last)
    assert same(whole.best, resumed.best)
    assert resumed.epochs == whole.epochs
    assert resumed.best_epoch == whole.best_epoch


def test_a_finished_run_is_not_trained_again(store, tmp_path):
    run(store, tmp_path / "run")
    steps = []
    assert len(run(store, tmp_path / "run", watch=Watch(step=lambda *at: steps.append(at))).epochs) == 3
    assert not steps


def test_processes_that_make_samples_change_nothing(store, tmp_path):
    config = CONFIG.model_copy(update={"epochs": 1})
    assert same(run(store, tmp_path / "a", config).last, run(store, tmp_path / "b", config, workers=1).last)


def test_other_settings_do_not_go_on_with_a_run(store, tmp_path):
    run(store, tmp_path / "run", CONFIG.model_copy(update={"epochs": 1}))
    with pytest.raises(ModelError, match="other settings"):
        run(store, tmp_path / "run", CONFIG.model_copy(update={"epochs": 1, "learning_rate": 0.1}))


def test_a_damaged_state_is_refused_by_name(store, tmp_path):
    config = CONFIG.model_copy(update={"epochs": 1})
    run(store, tmp_path / "run", config)
    path = tmp_path / "run" / LATEST
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"latest\.state"):
        run(store, tmp_path / "run", config)


def test_a_loss_that_is_no_number_ends_the_run(store, tmp_path):
    config = CONFIG.model_copy(update={"optimiser": "sgd", "learning_rate": 10.0, "clip_norm": 1e30, "warm_share": 0.0})
    start = run(store, tmp_path / "a", CONFIG.model_copy(update={"epochs": 1})).last
    with torch.no_grad():
        next(start.parameters()).fill_(float("nan"))
    with pytest.raises(ModelError, match="loss became nan"):
        run(store, tmp_path / "b", config, start=start)


def test_validation_windows_hold_every_movement_once_and_some_rest(store):
    cuts = list(fixed_cuts(sampler_of(store, ("p3",))))
    assert {cut.clip for cut in cuts} == {n for n, clip in enumerate(store.clips) if clip.person == "p3"}
    labels = [sampler_of(store, ("p3",)).at(cut).label for cut in cuts]
    assert set(labels) >= {0, 1, 2}


def test_scores_of_movements_rise_together_and_neutral_is_where_none_does():
    z = torch.full((10, 2, 7), -6.0)
    z[4:7, 0, 2] = 6.0
    z[4:7, 0, 5] = 6.0
    scores = clip_scores(z, MOVEMENT_CLASSES)
    assert scores.sum(dim=1).allclose(torch.ones(2))
    assert scores[0, 2] == scores[0, 5]
    assert scores[1].argmax() == 7
    assert torch.sigmoid(z[5, 0, [2, 5]]).min() > 0.99


def test_a_movement_of_three_bins_is_as_good_as_a_long_one():
    short, long = torch.full((30, 1, 7), -5.0), torch.full((30, 1, 7), -5.0)
    short[10:13, 0, 1] = long[5:25, 0, 1] = 4.0
    assert clip_logits(short, MOVEMENT_CLASSES).allclose(clip_logits(long, MOVEMENT_CLASSES))


def test_classes_without_neutral_share_one_softmax():
    classes = ClassSet(name="own", classes=("a", "b", "c"))
    z = torch.randn(6, 4, 3)
    assert clip_scores(z, classes).allclose(z.mean(dim=0).softmax(dim=1))
    label = torch.tensor([0, 1, 2, -1])
    nothing = torch.zeros(4, 6, 3), torch.zeros(4, 6, 3), torch.zeros(4, 3), torch.zeros(4, 3)
    expected = torch.nn.functional.cross_entropy(z.mean(dim=0)[:3], label[:3])
    assert loss_of(z, *nothing, label, classes, 0).allclose(expected)


def test_the_loss_is_least_for_the_right_answer():
    target = torch.zeros(1, 8, 7)
    target[0, 3:6, 2] = 1
    bag = torch.zeros(1, 7)
    bag[0, 2] = 1
    rest = torch.ones(1, 8, 7), bag, torch.ones(1, 7), torch.tensor([2]), MOVEMENT_CLASSES, 0
    right = 8 * (2 * target.transpose(0, 1) - 1)
    assert loss_of(right, target, *rest) < 0.05
    assert loss_of(-right, target, *rest) > 3


def test_presets_are_plausible_and_can_be_written_to_a_file(tmp_path):

    for name, config in PRESETS.items():
        file = tmp_path / f"{name}.yaml"
        file.write_text(yaml.safe_dump(config.model_dump(mode="json")))
        assert load_config(file) == config
    with pytest.raises(ModelError, match="no preset 'big'; choose one of small"):
        preset("big")


@pytest.mark.parametrize("text", ["[", "epochs: 3", "network: {kind: sew}\nmore: 1", "- 1"])
def test_bad_configurations_are_refused_by_name(tmp_path, text):
    file = tmp_path / "own.yaml"
    file.write_text(text)
    with pytest.raises(ModelError, match=r"own\.yaml"):
        load_config(file)


def test_curves_are_smoothed_as_tensorboard_does():

    assert smoothed((1.0, 1.0, 1.0)) == pytest.approx((1, 1, 1))
    assert smoothed((0.0, 1.0), 0.5) == pytest.approx((0, 2 / 3))
    assert np.isfinite(smoothed((3.0,))).all()
