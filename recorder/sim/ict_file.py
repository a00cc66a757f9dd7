"""The file of the ICT-FaceKit head: which arrays it holds, and whether a given file is one. Knows no action unit.

The model: Li et al., "Learning Formation of Physically-Based Face Attributes", CVPR 2020; github.com/ICT-VGL/ICT-FaceKit (MIT).
"""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol.errors import GlimpseError
from recorder.sim.head import Floats, Ints

Halves = NDArray[np.float16]
REMEDY = "make it again with `glimpse heads import`"


class HeadError(GlimpseError):
    """A head that is not there or cannot be used."""


_SIDED = (
    "PupilDilate", "browDown", "browInnerUp", "browOuterUp", "cheekPuff", "cheekRaiser", "cheekSquint", "eyeBlink",
    "eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp", "eyeSquint", "eyeWide", "mouthDimple", "mouthFrown",
    "mouthLowerDown", "mouthPress", "mouthSmile", "mouthStretch", "mouthUpperUp", "noseSneer",
)  # fmt: skip
_CENTRAL = (
    "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose", "mouthFunnel", "mouthLeft", "mouthPucker",
    "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper",
)  # fmt: skip
# The .obj files of the model's expressions, in the order in which the file keeps them.
EXPRESSION_NAMES = tuple(sorted([*(f"{name}_{side}" for name in _SIDED for side in "LR"), *_CENTRAL]))


@dataclass(frozen=True)
class Layout:
    """How many of everything the model has (ICT-FaceKit's README, "Face Model Topology"), and its expressions."""

    vertices: int = 26719
    triangles: int = 52220
    identities: int = 100
    expression_names: tuple[str, ...] = EXPRESSION_NAMES


ICT_LAYOUT = Layout()


@dataclass(frozen=True)
class IctFile:
    """The model as stored, in centimetres. vertices: float32 [V, 3]; triangles: int32 [F, 3]; identity: float16 [I, V, 3];
    expression: float16 [E, V, 3] of the `expression_names`; landmarks: int32 [68].
    """

    vertices: Floats
    triangles: Ints
    identity: Halves
    expression: Halves
    expression_names: tuple[str, ...]
    landmarks: Ints


def read_file(path: Path, layout: Layout = ICT_LAYOUT) -> IctFile:
    """Read and check a head file; HeadError in one sentence when it is none."""
    arrays = _arrays(path)
    shapes = {
        "vertices": (layout.vertices, 3),
        "triangles": (layout.triangles, 3),
        "identity": (layout.identities, layout.vertices, 3),
        "expression": (len(layout.expression_names), layout.vertices, 3),
        "expression_names": (len(layout.expression_names),),
        "landmarks68": (68,),
    }
    for key, shape in shapes.items():
        _check(path, key, arrays, shape)
    for key in ("triangles", "landmarks68"):
        if arrays[key].min() < 0 or arrays[key].max() >= layout.vertices:
            raise HeadError(f"{path}: {key} points at vertices that are not there; {REMEDY}.")
    return IctFile(
        arrays["vertices"].astype(np.float32),
        arrays["triangles"].astype(np.int32),
        arrays["identity"].astype(np.float16, copy=False),
        arrays["expression"].astype(np.float16, copy=False),
        tuple(str(name) for name in arrays["expression_names"]),
        arrays["landmarks68"].astype(np.int32),
    )


def _arrays(path: Path) -> Mapping[str, NDArray[Any]]:
    try:
        with path.open("rb") as raw:
            if not zipfile.is_zipfile(raw):
                raise ValueError("it is no whole .npz file")
            raw.seek(0)
            with np.load(raw, allow_pickle=False) as file:
                return {key: file[key] for key in file.files}
    except FileNotFoundError as error:
        raise HeadError(f"{path}: there is no such file; give the path of a head made by `glimpse heads import`.") from error
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise HeadError(f"{path}: cannot be read as a head ({' '.join(str(error).split())[:120]}); {REMEDY}.") from error


def _check(path: Path, key: str, arrays: Mapping[str, NDArray[Any]], shape: tuple[int, ...]) -> None:
    if key not in arrays:
        raise HeadError(f"{path}: not an ICT-FaceKit head, it has no array {key!r}; {REMEDY}.")
    array = arrays[key]
    if array.shape != shape:
        raise HeadError(f"{path}: {key} has the shape {list(array.shape)} where {list(shape)} belongs; {REMEDY}.")
    wanted = {"expression_names": "U", "triangles": "iu", "landmarks68": "iu"}.get(key, "f")
    if array.dtype.kind not in wanted:
        raise HeadError(f"{path}: {key} is of the wrong type ({array.dtype}); {REMEDY}.")
    if wanted == "f" and not np.isfinite(array).all():
        raise HeadError(f"{path}: {key} has values that are not numbers; {REMEDY}.")
