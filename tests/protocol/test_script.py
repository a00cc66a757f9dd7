import re
from collections import Counter
from contextlib import suppress
from importlib.resources import files
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from protocol.movement import MOVEMENTS
from protocol.script import Action, Kind, Mark, Mode, PlannedTake, Script, ScriptError, parse_script, plan

DEFAULT_TEXT = files("assets").joinpath("scripts/default.yaml").read_text(encoding="utf-8")
SPONTANEOUS_TEXT = files("assets").joinpath("scripts/spontaneous.yaml").read_text(encoding="utf-8")
DEFAULT = parse_script(DEFAULT_TEXT, "default.yaml")
SPONTANEOUS = parse_script(SPONTANEOUS_TEXT, "spontaneous.yaml")


def changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


def refusal(text: str) -> str:
    with pytest.raises(ScriptError) as caught:
        parse_script(text, "mine.yaml")
    message = str(caught.value)
    assert message.startswith("mine.yaml")
    assert "\n" not in message
    return message


def data(text: str = DEFAULT_TEXT, **changes: Any) -> str:
    return yaml.safe_dump({**yaml.safe_load(text), **changes}, sort_keys=False)


def with_step(index: int, text: str = DEFAULT_TEXT, **changes: Any) -> str:
    steps = yaml.safe_load(text)["steps"]
    steps[index] |= changes
    return data(text, steps=steps)


def test_the_default_script_is_the_recording_of_the_design() -> None:
    assert [(step.id, step.action, step.seconds, step.start_mark) for step in DEFAULT.steps] == [
        ("settle", Action.SETTLE, 2, None),
        ("paper_in", Action.PAPER_IN, 1, Mark.PAPER_IN),
        ("countdown", Action.HOLD_PAPER, 2, None),
        ("neutral", Action.NEUTRAL, 5, Mark.PAPER_OUT),
        ("movement", Action.MOVE, 5, Mark.CUE),
    ]
    assert DEFAULT.total_us == 10_000_000
    assert (DEFAULT.anchor_index, DEFAULT.cue_index, DEFAULT.paper_in_index) == (3, 4, 1)
    assert (DEFAULT.distance_mm, DEFAULT.background) == ((300, 400), "white")
    assert DEFAULT.movements == tuple(movement.token for movement in MOVEMENTS)
    assert [step.id for step in DEFAULT.steps if step.countdown] == ["countdown"]


def test_prompts_name_the_movement_in_the_language_of_the_session() -> None:
    cue = DEFAULT.steps[4]
    assert DEFAULT.prompt_text(cue, "noseWrinkle", "en") == "Nose wrinkle now"
    assert DEFAULT.prompt_text(cue, "noseWrinkle", "fr") == "Plisser le nez maintenant"


@pytest.mark.parametrize("movement", MOVEMENTS, ids=lambda movement: movement.token)
def test_every_movement_has_a_french_name_in_the_default_script(movement: Any) -> None:
    assert DEFAULT.movement_name(movement.token, "fr") != movement.display


def test_a_language_without_names_falls_back_to_english_ones() -> None:
    script = parse_script(data(movement_names={}), "mine.yaml")
    assert script.prompt_text(script.steps[4], "smile", "fr") == "Smile maintenant"


def test_a_language_that_the_script_does_not_have_is_refused() -> None:
    with pytest.raises(ScriptError, match="has no 'de'; choose en or fr"):
        DEFAULT.prompt_text(DEFAULT.steps[0], "smile", "de")


def test_the_spontaneous_script_asks_for_nothing_and_lasts_until_it_is_stopped() -> None:
    assert (SPONTANEOUS.kind, SPONTANEOUS.movements, SPONTANEOUS.cue_index) == (Kind.SPONTANEOUS, (), None)
    assert SPONTANEOUS.steps[-1].free
    assert SPONTANEOUS.total_us == 600_000_000
    assert SPONTANEOUS.steps[SPONTANEOUS.anchor_index].action is Action.WATCH


def test_a_stimulus_belongs_to_a_spontaneous_script() -> None:
    assert parse_script(data(SPONTANEOUS_TEXT, stimulus="film.mp4"), "mine.yaml").stimulus == "film.mp4"
    assert "stimulus belongs to a script of kind 'spontaneous'" in refusal(data(stimulus="film.mp4"))


@pytest.mark.parametrize("script", [DEFAULT, SPONTANEOUS], ids=["default", "spontaneous"])
def test_a_script_survives_json_as_the_manifest_keeps_it(script: Script) -> None:
    assert Script.model_validate_json(script.model_dump_json()) == script


def test_movements_may_be_spelt_as_people_do() -> None:
    script = parse_script(
        data(movements=["nose winkle", "jaw contraction"], movement_names={"fr": {"Blink Eyes": "Cligner"}}), "m"
    )
    assert script.movements == ("noseWrinkle", "contractJaw")
    assert script.movement_name("blink", "fr") == "Cligner"


def test_the_inverted_smile_is_asked_for_by_a_script_that_lists_it() -> None:
    assert parse_script(data(movements=["smile", "inverted smile"]), "m").movements == ("smile", "invertedSmile")


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("    seconds: 2", "    secnds: 2", 35, "unknown key 'secnds' in steps.0 (did you mean 'seconds'?)"),
        ("mode: shuffled", "mod: shuffled", 11, "unknown key 'mod' in order (did you mean 'mode'?)"),
        ("background: white", "backgrund: white", 15, "unknown key 'backgrund' (did you mean 'background'?)"),
        ("[smile, blink", "[smlie, blink", 8, "'smlie' is not a movement; did you mean smile?"),
        ("    smile: Sourire", "    smlie: Sourire", 20, "did you mean smile?"),
        ("action: hold_paper", "action: hold", 49, "'hold_paper'"),
        ("start_mark: cue", "start_mark: clue", 67, "'cue'"),
        ("seconds: 5", "seconds: five", 58, "steps.3.seconds: input should be a valid number"),
        ("seconds: 5", "seconds: -5", 58, "greater than or equal to 0.001"),
        ("seconds: 5", "seconds: true", 58, "valid number"),
        ("seconds: 5", "seconds: .nan", 58, "steps.3.seconds"),
        ("seconds: 5", "seconds: null", 56, "at_most_seconds must say how long"),
        ("repetitions: 5", "repetitions: 0", 9, "greater than or equal to 1"),
        ("repetitions: 5", "repetitions: 5\nrepetitions: 6", 10, "the key 'repetitions' is given twice"),
        ("id: settle", "id: Settle!", 33, "steps.0.id"),
        ('"{movement} now"', '"{movment} now"', 64, "the prompt holds '{movment}'"),
        ("languages: [en, fr]", "languages: [en, no]", 17, "languages.1: input should be a valid string"),
        ("anchor: neutral", "anchor: &a neutral\nextra: *a", 31, "the alias *a is not supported"),
        ("name: default", "name: [", 8, "not valid YAML"),
        ("name: default", "name: !!python/object:os.system x", 5, "not valid YAML"),
        ('version: "1.0"', "version: 1.0", 4, "the version must be given in quotes"),
        ('version: "1.0"', 'version: "0.9"', 4, "the version must be given in quotes"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_what_was_meant(old: str, new: str, line: int, words: str) -> None:
    message = refusal(changed(DEFAULT_TEXT, old, new))
    found = re.match(r"mine\.yaml, line (\d+): ", message)
    assert found, message
    assert words in message
    assert abs(int(found[1]) - line) <= 2, message  # a comment more or less in the script is no reason to fail


def test_the_line_told_is_exactly_the_one_of_the_mistake() -> None:
    lines = DEFAULT_TEXT.splitlines()
    for number, text in enumerate(lines, start=1):
        if found := re.match(r"(?: *|  - )(seconds|action|prompt|mode|anchor|background|repetitions): ?", text):
            key = found[1]
            wrong = [*lines[: number - 1], text.replace(key, key + "zz", 1), *lines[number:]]
            assert refusal("\n".join(wrong)).startswith(f"mine.yaml, line {number}: unknown key '{key}zz'")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (with_step(0, prompt={"en": "Sit."}), "the prompt of step 'settle' lacks the language 'fr'"),
        (with_step(0, prompt={"en": "Sit.", "fr": "A", "de": "B"}), "has 'de', which languages does not list"),
        (with_step(0, prompt={"en": "", "fr": "A"}), "at least 1 character"),
        (data(languages=[]), "languages"),
        (data(languages=["en", "en", "fr"]), "one is listed twice"),
        (data(movement_names={"de": {"smile": "Lächeln"}}), "movement_names has 'de'"),
        (data(anchor="neutrall"), "anchor is 'neutrall', which is no step"),
        (data(anchor="countdown"), "the anchor step 'countdown' must have the start_mark 'paper_out'"),
        (with_step(1, start_mark=None), "must have the start_mark 'paper_in'"),
        (data(cue=None), "cue must name a step after the anchor"),
        (data(cue="settle"), "cue must name a step after the anchor"),
        (with_step(4, start_mark=None), "the cue step 'movement' must have the start_mark 'cue'"),
        (with_step(4, action="neutral"), "and the action 'move'"),
        (with_step(2, start_mark="stop"), "cannot start a step"),
        (with_step(2, start_mark="paper_in"), "two steps have the start_mark 'paper_in'"),
        (with_step(2, id="settle"), "two steps are called 'settle'"),
        (with_step(2, at_most_seconds=5), "at_most_seconds belongs to steps of free length only"),
        (with_step(2, seconds=None, at_most_seconds=5), "only the last step may be of free length"),
        (data(movements=[]), "movements must list at least one"),
        (data(movements=["smile", "smiling"]), "none twice"),
        (data(movements=[3]), "3 is not a movement"),
        (data(distance_mm=[400, 300]), "the nearest distance comes first"),
        (data(distance_mm=[300]), "distance_mm"),
        (data(kind="spontaneous"), "a spontaneous script asks for no movement"),
        (data(SPONTANEOUS_TEXT, movements=["smile"]), "a spontaneous script asks for no movement"),
        (with_step(3, SPONTANEOUS_TEXT, action="move"), "as step 'watch' does"),
        (data(steps=[]), "steps"),
        (data(steps="none"), "steps"),
    ],
)
def test_a_script_that_contradicts_itself_is_refused(text: str, words: str) -> None:
    assert words in refusal(text)


def test_a_script_of_a_newer_major_version_asks_for_an_update() -> None:
    assert "update Glimpse" in refusal(changed(DEFAULT_TEXT, '"1.0"', '"2.0"'))


def test_a_newer_minor_version_is_read_but_an_unknown_key_in_it_is_not() -> None:
    newer = changed(DEFAULT_TEXT, '"1.0"', '"1.7"')
    assert parse_script(newer, "mine.yaml").version == "1.7"
    assert "unknown key 'loudness'" in refusal(newer + "loudness: 3\n")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "hello", "3", "{}", "format: other\n", "name: default\n"])
def test_what_is_no_glimpse_script_is_refused(text: str) -> None:
    refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: 2024-99-99",
        "a: 0b",
        "a: !!int x",
        "? [a]\n: b",
        "? {a: b}\n: c",
        "<<: 3",
        "a: !!timestamp x",
        "a: " + "9" * 5000,
        "a: " + "[" * 3000,
        "\x00",
        "a: \x07",
        "---\na: 1\n---\nb: 2",
        "a: !!binary x",
        "format: glimpse-script\nformat: glimpse-script",
        "x" * 2_000_000,
        "&a [*a]",
    ],
)
def test_hostile_yaml_is_refused_in_one_sentence(text: str) -> None:
    refusal(text)


@given(st.text(alphabet="ab:- \n[]{}\"'&*!|>?#%@,01.~<=\t\\", max_size=60))
def test_no_text_makes_anything_but_a_script_error(text: str) -> None:
    for each in (text, DEFAULT_TEXT + text, DEFAULT_TEXT.replace("white", text)):
        with suppress(ScriptError):
            parse_script(each, "mine.yaml")


def test_a_fixed_order_goes_round_by_round() -> None:
    script = parse_script(data(movements=["smile", "blink"], repetitions=2, order={"mode": "fixed"}), "m")
    assert plan(script) == (
        PlannedTake("smile", 1),
        PlannedTake("blink", 1),
        PlannedTake("smile", 2),
        PlannedTake("blink", 2),
    )


def test_a_spontaneous_script_plans_spontaneous_takes() -> None:
    assert plan(SPONTANEOUS) == (PlannedTake("spontaneous", 1),)


@given(st.integers(0, 2**63 - 1))
def test_a_seed_gives_the_same_order_again_and_every_round_holds_every_movement(seed: int) -> None:
    takes = plan(DEFAULT, seed)
    assert takes == plan(DEFAULT, seed)
    assert Counter(takes) == Counter(PlannedTake(token, r) for token in DEFAULT.movements for r in range(1, 6))
    assert [take.repetition for take in takes] == sorted(take.repetition for take in takes)


def test_seeds_differ_and_so_do_rounds() -> None:
    orders = {tuple(take.movement_token for take in plan(DEFAULT, seed)[:7]) for seed in range(50)}
    assert len(orders) > 40
    takes = [take.movement_token for take in plan(DEFAULT, 1)]
    assert takes[:7] != takes[7:14]


def test_an_order_once_published_stays() -> None:
    order = "smile contractJaw openMouth noseWrinkle upperLidRaiser frown blink"
    assert [take.movement_token for take in plan(DEFAULT, 1)[:7]] == order.split()


def test_the_seed_in_the_script_goes_before_the_one_handed_in() -> None:
    seeded = parse_script(data(order={"mode": Mode.SHUFFLED.value, "seed": 5}), "m")
    assert plan(seeded, 6) == plan(seeded) == plan(DEFAULT, 5)


def test_shuffling_without_any_seed_is_refused() -> None:
    with pytest.raises(ScriptError, match="names no seed"):
        plan(DEFAULT)
