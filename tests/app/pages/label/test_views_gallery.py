"""The gallery paints timeline and views in every state."""

from app.pages.label.views_gallery import render
from app.window.theme import Scheme


def test_every_state_is_painted_and_the_schemes_differ(qapp, tmp_path):
    dark, light = render(tmp_path, Scheme.DARK, "fr"), render(tmp_path, Scheme.LIGHT)
    assert len({path.name for path in (*dark, *light)}) == 2 * len(dark)
    assert all(path.stat().st_size > 0 for path in (*dark, *light))
    assert dark[-1].read_bytes() != light[-1].read_bytes()
