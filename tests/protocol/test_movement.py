import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import movement
from protocol.errors import GlimpseError
from protocol.movement import ALL, CLASSES, EMOTIONS, MOVEMENTS, OPTIONAL_MOVEMENTS, Movement, UnknownMovement, parse_movement

TOKENS = ["smile", "blink", "frown", "contractJaw", "noseWrinkle", "openMouth", "upperLidRaiser"]

FIELD_SPELLINGS = {
    "smile": ["smile", "Smile", "SMILING", "simle", "lip-corner puller", "AU12"],
    "blink": ["blink", "blink eyes", "blinking", "Blink_Eyes", "eye blink", "blinkEyes", "au 45"],
    "frown": ["frown", "frowning", "brow lowerer", "Brow_Lowerer", "browLowerer"],
    "contractJaw": [
        "contract jaw",
        "contract_jaw",
        "contract-jaw",
        "ContractJaw",
        "jaw contraction",
        "CONTRACT JAW",
        "jaw clench",
    ],
    "noseWrinkle": ["nose winkle", "nose_wrinkle", "nose wrinkler", "wrinkle nose", "NoseWrinkle", "  nose   wrinkle "],
    "openMouth": ["open_mouth", "mouth open", "open mouth", "OPEN-MOUTH", "jaw drop", "AU26"],
    "upperLidRaiser": ["eye lid raiser", "upper lids raised", "upper_lid_raiser", "Upper Lid Raiser", "upper eyelid raiser"],
    "invertedSmile": ["inverted smile", "inverted_smile", "AU15"],
}


def test_the_seven_movements_come_in_their_order_with_their_action_units() -> None:
    assert [each.token for each in MOVEMENTS] == TOKENS
    assert [each.action_units for each in MOVEMENTS] == [(12,), (45,), (4,), (31,), (9,), (25, 26, 27), (5,)]


def test_the_inverted_smile_is_optional() -> None:
    assert [each.token for each in OPTIONAL_MOVEMENTS] == ["invertedSmile"]
    assert "invertedSmile" not in CLASSES


def test_there_are_eight_classes_with_neutral_the_last() -> None:
    assert list(CLASSES) == [*TOKENS, "neutral"]


@pytest.mark.parametrize(("token", "text"), [(token, text) for token, texts in FIELD_SPELLINGS.items() for text in texts])
def test_a_spelling_seen_in_the_field_is_understood(token: str, text: str) -> None:
    assert parse_movement(text).token == token


def test_no_spelling_means_two_movements() -> None:
    folded = [(movement.fold(text), each.token) for each in ALL for text in each.accepted]
    assert len({text for text, _ in folded}) == len(set(folded))


def joined(each: Movement, separator: str) -> str:
    words = "".join(f" {letter}" if letter.isupper() else letter for letter in each.token).lower().split()
    return separator.join(words)


@given(
    st.sampled_from(ALL), st.sampled_from(["_", "-", " ", "", "__", " - "]), st.sampled_from([str.upper, str.title, str.lower])
)
def test_case_and_separators_do_not_matter(each: Movement, separator: str, case: object) -> None:
    assert callable(case)
    assert parse_movement(case(joined(each, separator))) is each


@pytest.mark.parametrize(
    ("text", "meant"), [("smiel", "smile"), ("nose wrinkel", "noseWrinkle"), ("uper lids raisd", "upperLidRaiser")]
)
def test_an_unknown_movement_is_refused_naming_the_nearest_and_the_legal_ones(text: str, meant: str) -> None:
    with pytest.raises(UnknownMovement, match=rf"'{text}' is not a movement; did you mean {meant}\?") as caught:
        parse_movement(text)
    assert all(token in str(caught.value) for token in TOKENS)
    assert isinstance(caught.value, GlimpseError)


def test_nothing_near_is_named_where_nothing_is_near() -> None:
    with pytest.raises(UnknownMovement) as caught:
        parse_movement("qqqq")
    assert "did you mean" not in str(caught.value)


def test_a_movement_that_is_not_legal_here_is_refused() -> None:
    with pytest.raises(UnknownMovement, match="Legal are smile"):
        parse_movement("inverted smile", MOVEMENTS)


@given(
    st.text().filter(lambda text: movement.fold(text) not in {movement.fold(each) for every in ALL for each in every.accepted})
)
def test_any_other_text_is_refused_in_one_printable_line(text: str) -> None:
    with pytest.raises(UnknownMovement) as caught:
        parse_movement(text)
    assert str(caught.value).isprintable()


def test_an_absurdly_long_text_is_refused_in_a_short_sentence() -> None:
    with pytest.raises(UnknownMovement) as caught:
        parse_movement("smile" * 200_000)
    assert len(str(caught.value)) < 400


def test_the_six_emotions_are_combinations_of_known_movements() -> None:
    combinations = {emotion.token: set(emotion.movements) for emotion in EMOTIONS}
    assert combinations == {
        "joy": {"smile", "openMouth"},
        "fear": {"openMouth", "frown"},
        "sadness": {"frown", "blink"},
        "disgust": {"noseWrinkle", "frown"},
        "anger": {"contractJaw", "frown"},
        "surprise": {"openMouth", "upperLidRaiser"},
    }


def test_what_is_frequent_or_optional_in_an_emotion_is_told() -> None:
    assert {emotion.token: emotion.frequent for emotion in EMOTIONS if emotion.frequent} == {"sadness": ("blink",)}
    assert {emotion.token: emotion.optional for emotion in EMOTIONS if emotion.optional} == {"disgust": ("invertedSmile",)}
