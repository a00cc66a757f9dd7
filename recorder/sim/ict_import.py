"""A public ICT-FaceKit checkout to the one file that the simulator reads. Knows no action unit and no user folder.

The checkout has `FaceXModel/generic_neutral_mesh.obj`, one .obj for each identity mode and expression (the neutral head with
that one applied in full), and the landmarks in `vertex_indices.json`.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorder.host import sync_file, sync_folder
from recorder.sim.ict_file import ICT_LAYOUT, HeadError, Layout, read_file

MODEL_FOLDER = "FaceXModel"
NEUTRAL, INDICES = "generic_neutral_mesh", "vertex_indices.json"
LANDMARKS_KEY = "idx_to_landmark_verts"
POINTER = b"version https://git-lfs"
WHERE = "github.com/ICT-VGL/ICT-FaceKit"

Points = NDArray[np.float64]
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Topology:
    """Faces of an .obj, as triangles. points, texture: int32 [F, 3] vertex and texture numbers; uv: float32 [U, 2]."""

    points: NDArray[np.int32]
    texture: NDArray[np.int32]
    uv: NDArray[np.float32]


def steps(layout: Layout = ICT_LAYOUT) -> int:
    """How many files are read, for a progress bar."""
    return 1 + layout.identities + len(layout.expression_names)


def import_head(
    checkout: Path,
    target: Path,
    layout: Layout = ICT_LAYOUT,
    *,
    check: Callable[[Path], object] | None = None,
    advance: Progress = lambda _: None,
    replace: bool = False,
) -> Path:
    """Make `target` (.npz) out of a checkout, or of its folder FaceXModel; its folder is made. Returns the target.

    The file appears whole or not at all, and not before it was read back and `check` opened it. advance: called with 1 after
    each file read; see `steps`.

    Raises:
        HeadError: the folder is no checkout, is incomplete, or its meshes are of another version; the target is there already
            and `replace` is not given.

    """
    if target.exists() and not replace:
        raise HeadError(f"{target} is there already; give another --out, or --replace to write it anew.")
    arrays = read_checkout(_model_folder(checkout), layout, advance)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        sync_file(temporary)
        read_file(temporary, layout)
        if check:
            check(temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(target.parent)
    return target


def read_checkout(folder: Path, layout: Layout = ICT_LAYOUT, advance: Progress = lambda _: None) -> dict[str, NDArray[Any]]:
    """The arrays of a head's file, out of the folder FaceXModel."""
    neutral = _positions(_content(folder, NEUTRAL), folder / f"{NEUTRAL}.obj", layout)
    faces = _faces(_content(folder, NEUTRAL), folder / f"{NEUTRAL}.obj", layout)
    advance(1)
    identities = [f"identity{number:03d}" for number in range(layout.identities)]
    return {
        "vertices": neutral.astype(np.float32),
        "uv": faces.uv,
        "triangles": faces.points,
        "triangle_uv": faces.texture,
        "identity": _differences(folder, identities, neutral, layout, advance),
        "identity_names": np.array(identities),
        "expression": _differences(folder, layout.expression_names, neutral, layout, advance),
        "expression_names": np.array(layout.expression_names),
        "landmarks68": _landmarks(folder / INDICES),
    }


def _model_folder(checkout: Path) -> Path:
    for folder in (checkout / MODEL_FOLDER, checkout):
        if (folder / f"{NEUTRAL}.obj").is_file():
            return folder
    raise HeadError(
        f"{checkout} is no checkout of ICT-FaceKit (it has no {MODEL_FOLDER}/{NEUTRAL}.obj); clone {WHERE} and give its folder."
    )


def _content(folder: Path, stem: str) -> bytes:
    path = folder / f"{stem}.obj"
    if not path.is_file():
        raise HeadError(f"{path} is missing, so the checkout is incomplete; restore it with `git checkout .` in that folder.")
    content = path.read_bytes()
    if content.startswith(POINTER):
        raise HeadError(f"{path} is only a pointer of Git LFS; run `git lfs pull` in the checkout and import again.")
    return content


def _positions(content: bytes, path: Path, layout: Layout) -> Points:
    """Vertices of an .obj, float64 [V, 3] in centimetres."""
    rows = [line.split()[1:4] for line in content.splitlines() if line.startswith(b"v ")]
    if len(rows) != layout.vertices:
        raise HeadError(
            f"{path} has {len(rows)} vertices where the model has {layout.vertices}; "
            f"it belongs to another version: use the checkout of {WHERE}."
        )
    try:
        positions = np.array(rows, dtype=np.float64)
    except ValueError as error:
        raise _damaged(path, "a vertex is not three numbers") from error
    if positions.shape != (layout.vertices, 3) or not np.isfinite(positions).all():
        raise _damaged(path, "a vertex is not three numbers")
    return positions


def _damaged(path: Path, what: str) -> HeadError:
    return HeadError(f"{path} is damaged ({what}); restore it with `git checkout .` in that folder.")


def _faces(content: bytes, path: Path, layout: Layout) -> Topology:
    lines = content.splitlines()
    try:
        corners = [[_corner(word) for word in line.split()[1:]] for line in lines if line.startswith(b"f ")]
        uv = np.array([line.split()[1:3] for line in lines if line.startswith(b"vt ")], dtype=np.float32).reshape(-1, 2)
    except ValueError as error:
        raise _damaged(path, "a face is not made of vertex/texture numbers") from error
    # A polygon is a fan round its first corner.
    fans = [(face[0], face[at], face[at + 1]) for face in corners for at in range(1, len(face) - 1)]
    numbers = np.array(fans, dtype=np.int32).reshape(-1, 3, 2) - 1
    if len(numbers) != layout.triangles:
        raise HeadError(
            f"{path} has {len(numbers)} triangles where the model has {layout.triangles}; use the checkout of {WHERE}."
        )
    if numbers.min() < 0 or numbers[:, :, 0].max() >= layout.vertices:
        raise _damaged(path, "a face names a vertex that is not there")
    return Topology(np.ascontiguousarray(numbers[:, :, 0]), np.ascontiguousarray(numbers[:, :, 1]), uv)


def _corner(word: bytes) -> tuple[int, int]:
    """Vertex and texture number of a face's corner, "874/1"."""
    numbers = word.split(b"/")
    return int(numbers[0]), int(numbers[1])


def _differences(
    folder: Path, stems: "list[str] | tuple[str, ...]", neutral: Points, layout: Layout, advance: Progress
) -> NDArray[np.float16]:
    """What each of these shapes adds to the neutral head, float16 [n, V, 3]."""
    result = np.empty((len(stems), *neutral.shape), np.float16)
    for number, stem in enumerate(stems):
        result[number] = _positions(_content(folder, stem), folder / f"{stem}.obj", layout) - neutral
        advance(1)
    return result


def _landmarks(path: Path) -> NDArray[np.int32]:
    if not path.is_file():
        raise HeadError(f"{path} is missing, so the checkout is incomplete; restore it with `git checkout .` in that folder.")
    try:
        numbers = np.array(json.loads(path.read_text(encoding="utf-8"))[LANDMARKS_KEY], dtype=np.int32)
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, f"it has no list {LANDMARKS_KEY!r}") from error
    if numbers.shape != (68,):
        raise _damaged(path, "it does not have 68 landmarks")
    return numbers
