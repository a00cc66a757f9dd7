"""Small stand-ins for the ICT-FaceKit model: a file of a few vertices, and a checkout of a few .obj files."""

import json

import numpy as np

from recorder.sim.ict_file import EXPRESSION_NAMES, Layout

LAYOUT = Layout(vertices=80, triangles=5, identities=3, expression_names=EXPRESSION_NAMES[:4])
QUADS = [(0, 1, 2, 3), (3, 2, 4, 5), (6, 7, 8)]  # two squares and a triangle: five triangles


def tiny_arrays():
    """Arrays of a correct file of `LAYOUT`."""
    rng = np.random.default_rng(0)
    return {
        "vertices": rng.normal(size=(LAYOUT.vertices, 3)).astype(np.float32),
        "triangles": rng.integers(0, LAYOUT.vertices, (LAYOUT.triangles, 3)).astype(np.int32),
        "identity": rng.normal(size=(LAYOUT.identities, LAYOUT.vertices, 3)).astype(np.float16),
        "expression": rng.normal(size=(4, LAYOUT.vertices, 3)).astype(np.float16),
        "expression_names": np.array(LAYOUT.expression_names),
        "landmarks68": np.arange(68, dtype=np.int32),
    }


def write_checkout(folder):
    """A checkout of `LAYOUT`; returns the neutral points and each shape's points by name."""
    rng = np.random.default_rng(1)
    model = folder / "FaceXModel"
    model.mkdir(parents=True)
    neutral = np.round(rng.normal(size=(LAYOUT.vertices, 3)), 5)
    names = [f"identity{number:03d}" for number in range(LAYOUT.identities)] + list(LAYOUT.expression_names)
    shapes = {name: np.round(neutral + rng.normal(scale=0.1, size=neutral.shape), 6) for name in names}
    for name, points in {"generic_neutral_mesh": neutral, **shapes}.items():
        (model / f"{name}.obj").write_text(obj_text(points))
    (model / "vertex_indices.json").write_text(json.dumps({"idx_to_landmark_verts": list(range(68))}))
    return neutral, shapes


def obj_text(points):
    """A Wavefront .obj with `QUADS` as its faces."""
    lines = ["# made by a test", *(f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in points)]
    lines += [f"vt {number / 10:.3f} 0.5" for number in range(9)]
    lines += ["f " + " ".join(f"{corner + 1}/{corner + 1}" for corner in face) for face in QUADS]
    return "\n".join(lines) + "\n"
