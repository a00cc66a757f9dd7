import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.naming import (
    ALL_SUFFIXES,
    DAMAGED_SUFFIX,
    EVENTS_SUFFIX,
    MAX_NUMBER,
    TAKE_TOKENS,
    BadTakeName,
    TakeName,
    is_part,
    next_number,
    parse_filename,
    parse_stem,
    part_stem,
    split_filename,
)

numbers = st.integers(1, MAX_NUMBER)
names = st.builds(TakeName, st.sampled_from(TAKE_TOKENS), numbers, numbers, st.booleans())


@given(names)
def test_every_legal_name_is_read_back_from_its_stem_and_file_name(name: TakeName) -> None:
    assert parse_stem(name.stem, strict=True) == name
    assert parse_filename(name.filename, strict=True) == name


def test_a_name_is_written_as_movement_subject_number_noise() -> None:
    assert TakeName("frown", 5, 1).filename == "frown_5_1.aedat4"
    assert TakeName("noseWrinkle", 5, 12, noise=True).filename == "noseWrinkle_5_12_(noise).aedat4"
    assert TakeName("spontaneous", 30, 1).stem == "spontaneous_30_1"
    assert TakeName("frown", 30, 1).folder == "30"


@given(names)
def test_a_written_movement_holds_no_underscore(name: TakeName) -> None:
    assert "_" not in name.stem.split("_")[0]
    assert name.stem.count("_") == (3 if name.noise else 2)


@pytest.mark.parametrize(
    ("sloppy", "canonical"),
    [
        ("nose_wrinkle_4_1", "noseWrinkle_4_1"),
        ("nose winkle_4_1", "noseWrinkle_4_1"),
        ("blink eyes_4_1", "blink_4_1"),
        ("Frown_4_1", "frown_4_1"),
        ("UPPER-LID-RAISER_4_1", "upperLidRaiser_4_1"),
        ("Spontaneous_4_1", "spontaneous_4_1"),
        ("frown_5_1_noise", "frown_5_1_(noise)"),
        ("frown_5_1_NOISE", "frown_5_1_(noise)"),
        ("frown_5_1(noise)", "frown_5_1_(noise)"),
        ("frown_5_1 (Noise)", "frown_5_1_(noise)"),
        ("open_mouth_5_1_(NOISE)", "openMouth_5_1_(noise)"),
    ],
)
def test_a_sloppy_name_is_understood_but_not_by_a_strict_reader(sloppy: str, canonical: str) -> None:
    assert parse_stem(sloppy).stem == canonical
    with pytest.raises(BadTakeName, match="canonical"):
        parse_stem(sloppy, strict=True)


@pytest.mark.parametrize(
    ("stem", "reason"),
    [
        ("grin_4_1", "is not a movement"),
        ("smiel_4_1", "did you mean smile"),
        ("neutral_4_1", "is not a movement"),
        ("frown_4", "missing"),
        ("frown", "missing"),
        ("", "missing"),
        ("frown_4_", "not a whole number"),
        ("frown_4_one", "not a whole number"),
        ("frown_4_1.5", "not a whole number"),
        ("frown_4_\u0661", "not a whole number"),
        ("frown_4_+1", "not a whole number"),
        ("frown_4_0", "take number must be 1 or more"),
        ("frown_0_1", "subject must be 1 or more"),
        ("frown_4_-1", "take number must be 1 or more"),
        ("frown_4_01", "take number has leading zeros"),
        ("frown_007_1", "subject has leading zeros"),
        ("frown_4_1234567", "longer than 6 digits"),
        ("frown_4_" + "9" * 5000, "longer than 6 digits"),
        ("frown_4_1_2", "too many numbers"),
        ("frown__4_1", "too many numbers or underscores"),
        ("_4_1", "is not a movement"),
        ("a/frown_4_1", "path separator"),
        ("..\\frown_4_1", "path separator"),
        ("frown_4_1\n", "control"),
        ("fro\x00wn_4_1", "control"),
        ("frown_4_1\udcff", "unprintable"),
        ("frown_4_1.part", "still being written"),
        ("frown_4_1_(noise)_(noise)", "too many numbers or underscores"),
    ],
)
def test_what_is_no_take_name_is_refused_with_the_reason(stem: str, reason: str) -> None:
    with pytest.raises(BadTakeName, match=reason) as caught:
        parse_stem(stem)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "filename", ["frown_4_1", "frown_4_1.aedat", "frown_4_1.AEDAT4", "frown_4_1.rgb.mp4", "frown_4_1.aedat4 "]
)
def test_an_event_file_must_end_in_its_suffix(filename: str) -> None:
    with pytest.raises(BadTakeName, match=r"does not end in \.aedat4"):
        parse_filename(filename)


def test_a_damaged_original_is_no_take() -> None:
    with pytest.raises(BadTakeName, match="damaged original"):
        parse_filename("frown_4_1.damaged.aedat4")


@given(st.text() | st.from_regex(r"[a-zA-Z_ ]{0,20}_-?[0-9]{0,8}_-?[0-9]{0,8}(_\(noise\))?", fullmatch=True))
def test_any_text_is_a_take_name_or_a_bad_one(text: str) -> None:
    try:
        name = parse_stem(text)
    except BadTakeName:
        return
    assert parse_stem(name.stem, strict=True) == name


@pytest.mark.parametrize("bad", [("grin", 1, 1), ("frown", 0, 1), ("frown", 1, 0), ("frown", -3, 1), ("frown", 1, 10**4000)])
def test_an_illegal_name_cannot_be_made(bad: tuple[str, int, int]) -> None:
    with pytest.raises(BadTakeName):
        TakeName(*bad)


def test_the_first_take_has_number_one() -> None:
    assert next_number([], "frown", 4) == 1


def test_every_number_ever_used_counts() -> None:
    in_use = [
        "frown_4_1.aedat4",
        "frown_4_2_(noise).rgb.mp4",
        "frown_4_3.part.aedat4",
        "frown_4_4.lock",
        "frown_4_5.labels",
        "frown_4_6.damaged.aedat4",
    ]
    for highest in range(len(in_use)):
        assert next_number(in_use[: highest + 1], "frown", 4) == highest + 2


def test_gaps_are_not_filled() -> None:
    assert next_number(["frown_4_1.aedat4", "frown_4_9.aedat4"], "frown", 4) == 10


def test_a_sloppy_name_uses_its_number_too() -> None:
    assert next_number(["nose_wrinkle_4_7.aedat4", "Nose Wrinkle_4_8_noise.aedat4"], "noseWrinkle", 4) == 9


def test_other_movements_other_subjects_and_other_files_do_not_count() -> None:
    others = ["smile_4_5.aedat4", "frown_5_5.aedat4", "dataset.json", "notes.txt", ".DS_Store", "frown_4_x.aedat4"]
    assert next_number([*others, TakeName("frown", 4, 2)], "frown", 4) == 3


def test_no_number_is_given_beyond_the_last() -> None:
    with pytest.raises(BadTakeName, match="out of range"):
        next_number([TakeName("frown", 4, MAX_NUMBER)], "frown", 4)


@given(st.lists(names), names)
def test_the_next_number_is_free_and_above_all(in_use: list[TakeName], name: TakeName) -> None:
    mine = [each.number for each in in_use if (each.movement_token, each.subject) == (name.movement_token, name.subject)]
    if MAX_NUMBER not in mine:
        files = [each.filename for each in in_use]
        assert next_number(files, name.movement_token, name.subject) > max(mine, default=0)


@given(names, st.sampled_from(ALL_SUFFIXES), st.booleans())
def test_every_file_of_a_take_is_split_into_stem_and_suffix(name: TakeName, suffix: str, partial: bool) -> None:
    stem = part_stem(name) if partial else name.stem
    assert split_filename(stem + suffix) == (stem, suffix)
    assert is_part(stem) is partial


def test_the_longest_suffix_is_the_one_meant() -> None:
    assert split_filename("frown_4_1.analysis.json") == ("frown_4_1", ".analysis.json")
    assert split_filename("frown_4_1.damaged.aedat4") == ("frown_4_1", DAMAGED_SUFFIX)
    assert split_filename("frown_4_1.part.aedat4") == ("frown_4_1.part", EVENTS_SUFFIX)


@pytest.mark.parametrize("filename", ["notes.txt", "", ".aedat4", "frown_4_1", "frown_4_1.aedat4.bak", "frown_4_1.AEDAT4"])
def test_other_files_are_not_split(filename: str) -> None:
    assert split_filename(filename) is None
