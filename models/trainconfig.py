"""Everything that a training depends on, as data: it is stored with the checkpoint, and a run can be done again from it.

Imports no torch. The presets are what `glimpse train --preset` knows.
"""

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError

from models.architecture import PRESETS as NETWORKS
from models.architecture import NetworkConfig
from models.augment import SPIKING_FER
from models.encode import Encoding, Kind
from models.errors import ModelError
from models.samples import WindowConfig
from protocol.schema import Strict, describe

# What a camera, a head and a face finder do, and what leaves open which movement it was. Not `crop`, which may leave nothing
# of the mouth; not `reverse`, which turns an onset into an offset; not `mirror`, which makes faces that nobody has.
OURS = (
    "threshold_scale", "time_scale", "head_sway", "hot_pixels", "flip", "background_activity", "event_drop", "box_jitter",
)  # fmt: skip


class TrainConfig(Strict):
    """How a network is trained.

    windows_per_epoch: None: as many as there are clips; weight_decay: decoupled (AdamW) but for `sgd`, where it is L2; decay:
    of the moving average of the weights, which is what is tested and kept (0: none); the learning rate rises for the first
    warm_share of all steps and falls as a cosine to 0.
    """

    network: NetworkConfig
    encoding: Encoding = Encoding()
    window: WindowConfig = WindowConfig()
    augmentations: tuple[str, ...] = OURS
    epochs: Annotated[int, Field(ge=1, le=100_000)] = 30
    windows_per_epoch: Annotated[int, Field(ge=1)] | None = None
    batch: Annotated[int, Field(ge=1, le=65_536)] = 32
    optimiser: Annotated[str, Field(pattern="^(adamw|sgd)$")] = "adamw"
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 2e-3
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.02
    warm_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    decay: Annotated[float, Field(ge=0, lt=1)] = 0.998
    clip_norm: Annotated[float, Field(gt=0)] = 5.0
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0


def _frames(count: int) -> Encoding:
    """Spiking-FER's input: binary pictures of `count` events each, 128 x 128."""
    return Encoding(kinds=(Kind.BINARY,), size_px=128, events_per_bin=count)


_WHOLE = WindowConfig(steps=6, warm_steps=0, aimed_share=1.0)
PRESETS: dict[str, TrainConfig] = {
    # Fits two cores in an hour with a few thousand clips.
    "small": TrainConfig(network=NETWORKS["small"], epochs=20),
    "tiny": TrainConfig(network=NETWORKS["tiny"], epochs=20),
    "cnn": TrainConfig(network=NETWORKS["small"].as_cnn(), epochs=20),
    # For a GPU: more weights, finer cells, longer.
    "gpu": TrainConfig(
        network=NETWORKS["sew18"], encoding=Encoding(size_px=96), window=WindowConfig(steps=32), epochs=60, batch=64
    ),
    # Barchid et al., CBMI 2023: T = 6, batch 32, SGD 5e-3, 500 epochs, seven augmentations.
    "spiking_fer": TrainConfig(
        network=NETWORKS["spiking_fer"], encoding=_frames(2_500), window=_WHOLE, augmentations=SPIKING_FER, epochs=500,
        optimiser="sgd", learning_rate=5e-3, weight_decay=5e-4, warm_share=0.0, decay=0.0,
    ),
    # The reference report: random split, 100 epochs, curves.
    "report": TrainConfig(network=NETWORKS["small"], epochs=100),
    "flat_softmax": TrainConfig(network=NETWORKS["flat_softmax"], epochs=20),
    "flat_lif": TrainConfig(network=NETWORKS["flat_lif"], epochs=20),
}  # fmt: skip


def load_config(path: Path) -> TrainConfig:
    """A training's configuration from a YAML file. Raises ModelError naming the file and what is wrong."""
    try:
        return TrainConfig.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); give a YAML file, or use --preset.") from error
    except yaml.YAMLError as error:
        raise ModelError(f"{path}: is not YAML ({str(error).splitlines()[0]}); correct it, or use --preset.") from error
    except ValidationError as error:
        raise ModelError(f"{path}: {describe(error)}; correct it, or use --preset.") from error


def preset(name: str) -> TrainConfig:
    """A preset. Raises ModelError naming all that there are."""
    if name not in PRESETS:
        raise ModelError(f"There is no preset {name!r}; choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]
