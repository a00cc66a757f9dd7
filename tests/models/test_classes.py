"""What a network tells apart."""

from pathlib import Path

import pytest

from models.classes import EMOTION_CLASSES, MOVEMENT_CLASSES, class_set, of_labels
from models.errors import ModelError
from protocol.movement import CLASSES


def test_movements_have_a_way_to_say_nothing() -> None:
    assert class_set("movements").classes == CLASSES
    assert MOVEMENT_CLASSES.has_neutral
    assert MOVEMENT_CLASSES.outputs == 7
    assert EMOTION_CLASSES.outputs == len(EMOTION_CLASSES.classes) == 6


def test_a_file_is_a_class_set(tmp_path: Path) -> None:
    file = tmp_path / "own.json"
    file.write_text('{"name": "own", "classes": ["wink", "pout", "neutral"]}')
    found = class_set(str(file))
    assert (found.classes, found.outputs) == (("wink", "pout", "neutral"), 2)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"name": "a", "classes": ["b"]}', '{"name": "a", "classes": ["b", "b"]}', '{"name": "a", "classes": '
             '["neutral", "b"]}', '{"name": "a", "classes": ["b", "c"], "more": 1}'],
)  # fmt: skip
def test_a_bad_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "own.json"
    file.write_text(text)
    with pytest.raises(ModelError, match=r"own\.json"):
        class_set(str(file))


def test_unknown_names_are_refused_with_the_legal_ones() -> None:
    with pytest.raises(ModelError, match="movements or emotions6"):
        class_set("moods")
    with pytest.raises(ModelError, match="none of the classes"):
        MOVEMENT_CLASSES.index("joy")


def test_classes_of_labels_that_were_found() -> None:
    assert of_labels("x", ["b", "neutral", "a", "b"]).classes == ("a", "b", "neutral")
    with pytest.raises(ModelError, match="two classes"):
        of_labels("x", ["a", "a"])
