"""The gallery paints every widget in every state, in both schemes."""

from app.widgets.gallery import GROUPS, render
from app.window.theme import Scheme


def test_the_gallery_paints_every_group_and_both_schemes(qapp, tmp_path):
    files = [*render(tmp_path, Scheme.DARK), *render(tmp_path, Scheme.LIGHT, "verdict")]
    assert all(path.stat().st_size > 0 for path in files)
    assert {path.name.split("-")[0] for path in files} == set(GROUPS)
    assert len(files) == len(set(files))
    dark, light = (tmp_path / f"verdict-good-{scheme}.png" for scheme in ("dark", "light"))
    assert dark.read_bytes() != light.read_bytes()
