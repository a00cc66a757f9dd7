"""The script's prompts on their way to actor, ring and parent; marks that mean nothing are said and change nothing."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recording_helpers import FREE_SCRIPT, SCRIPT, short_script

from protocol.manifest import FinishReason, How
from protocol.script import ScriptError
from recorder.prompter import PROMPT_DTYPE, PromptBoard, ScriptRunner
from recorder.ring import RingReader, RingWriter
from recorder.sources.base import Prompt

S = 1_000_000
START_US = 1_700_000_000_000_000


class Stage:
    """A script runner and all that it tells."""

    def __init__(self, text=SCRIPT, board=None):
        self.board = board or PromptBoard()
        self.announced, self.said = [], []
        self.runner = ScriptRunner(
            short_script(text), "frown", "en", self.board, lambda p, s: self.announced.append((p, s)), self.said.append
        )

    def steps(self):
        return [prompt.step for prompt, _ in self.announced]


def test_before_the_script_begins_nothing_is_shown_and_nothing_is_known():
    stage = Stage()
    stage.runner.advance(START_US)
    stage.runner.mark("paper_out", START_US, How.PRESSED)
    assert (stage.board.current(), stage.announced, stage.said) == (None, [], [])
    assert (stage.runner.step, stage.runner.steps(), stage.runner.finished) == (None, (), None)
    assert (stage.runner.t0_us, stage.runner.t0_scheduled_us, stage.runner.cue_us, stage.runner.stop_us) == (None,) * 4
    assert stage.runner.remaining_us(START_US) is None


def test_every_step_is_shown_and_announced_at_its_time():
    stage = Stage()
    stage.runner.begin(START_US)
    for seconds in range(1, 5):
        shown = stage.board.current()
        assert (shown.index, shown.at_us) == (seconds - 1, START_US + (seconds - 1) * S)
        stage.runner.advance(START_US + seconds * S)
    assert stage.steps() == ["settle", "paper", "neutral", "movement"]
    assert [seconds for _, seconds in stage.announced] == [1, 1, 1, 1]
    prompt, _ = stage.announced[-1]
    assert (prompt.action, prompt.movement, prompt.text) == ("move", "frown", "Frown now")
    assert [p.movement for p, _ in stage.announced[:-1]] == [None] * 3


def test_a_script_that_is_over_takes_its_prompt_down():
    stage = Stage()
    stage.runner.begin(START_US)
    stage.runner.advance(START_US + 4 * S)
    assert stage.board.current() is None
    assert stage.runner.finished is FinishReason.SCRIPT_ENDED
    assert stage.runner.stop_us == START_US + 4 * S
    assert stage.runner.remaining_us(START_US + 4 * S) == 0


def test_several_steps_at_once_are_all_announced_in_order():
    stage = Stage()
    stage.runner.begin(START_US)
    stage.runner.advance(START_US + 3_500_000)
    assert stage.steps() == ["settle", "paper", "neutral", "movement"]
    assert stage.board.current().step == "movement"


def test_a_mark_moves_the_script():
    stage = Stage()
    stage.runner.begin(START_US)
    stage.runner.mark("paper_out", START_US + 1_400_000, How.DETECTED)
    assert stage.runner.t0_us == START_US + 1_400_000
    assert stage.runner.t0_scheduled_us == START_US + 2 * S
    assert stage.board.current().step == "neutral"
    assert stage.runner.remaining_us(START_US + 1_400_000) == 2 * S


@pytest.mark.parametrize("mark", ["paper_away", "", "PAPER_OUT"])
def test_what_is_no_mark_is_said(mark):
    stage = Stage()
    stage.runner.begin(START_US)
    stage.runner.mark(mark, START_US, How.PRESSED)
    assert stage.said == [f"{mark!r} is no mark of a script; there are paper_in, paper_out, cue, stop."]


def test_a_mark_out_of_place_is_said_with_its_reason():
    stage = Stage()
    stage.runner.begin(START_US)
    stage.runner.mark("cue", START_US + 1, How.PRESSED)
    (said,) = stage.said
    assert said.startswith("The mark cue was ignored: ")
    assert stage.steps() == ["settle"]


def test_a_step_of_free_length_lasts_until_the_stop():
    stage = Stage(FREE_SCRIPT)
    stage.runner.begin(START_US)
    assert not stage.runner.is_free
    stage.runner.advance(START_US + 30 * S)
    assert stage.runner.is_free
    assert stage.announced[-1][1] is None
    stage.runner.mark("stop", START_US + 31 * S, How.PRESSED)
    assert (stage.runner.finished, stage.runner.stop_us) == (FinishReason.STOPPED, START_US + 31 * S)


@pytest.mark.parametrize(("movement", "language"), [("frown", "fr"), ("spontaneous", "en"), ("dance", "en")])
def test_what_cannot_run_is_refused_before_anything_is_recorded(movement, language):
    with pytest.raises(ScriptError, match=r"^The script 'short' (has no|cannot record) .*\.$"):
        ScriptRunner(short_script(), movement, language, PromptBoard(), lambda *_: None, lambda _: None)


@pytest.fixture
def ring(tmp_path):
    with RingWriter(tmp_path / "prompts.ring", PROMPT_DTYPE, 8) as ring:
        yield ring


def test_readers_of_the_ring_see_every_prompt(ring):
    stage = Stage(board=PromptBoard(ring))
    with RingReader(ring.path) as reader:
        stage.runner.begin(START_US)
        stage.runner.advance(START_US + 4 * S)
        records = reader.read().records
    assert records["index"].tolist() == [0, 1, 2, 3, -1]  # the last says that nothing is asked for any more
    assert records["at_us"].tolist()[:4] == [START_US + n * S for n in range(4)]
    assert json.loads(records["json"][3]) == {"step": "movement", "action": "move", "movement": "frown", "text": "Frown now"}


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=()), min_size=1, max_size=1000), st.booleans())
def test_no_prompt_is_too_long_or_too_strange_for_the_ring(tmp_path_factory, text, repeat):
    text = (text * 1000)[:1000] if repeat else text
    path = tmp_path_factory.mktemp("ring") / "r"
    with RingWriter(path, PROMPT_DTYPE, 2) as ring, RingReader(path) as reader:
        PromptBoard(ring).show(Prompt(0, START_US, "a" * 32, "hold_paper", "upperLidRaiser", text))
        found = json.loads(reader.read().records["json"][0])
    assert found["text"] == text[:300].encode(errors="replace").decode()
