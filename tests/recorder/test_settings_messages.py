"""Settings and messages: what is written is read, and what is misspelt is refused with a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from recording_helpers import short_script

from protocol.manifest import Device, FinishReason, How, Person, TakeStatus
from recorder.messages import (
    Arm,
    Armed,
    ArmedStream,
    Disarm,
    Hello,
    Mark,
    Notice,
    PromptReport,
    Record,
    Refused,
    RigSpec,
    SetBias,
    Shutdown,
    State,
    Status,
    Stop,
    StreamStatus,
    TakeDone,
    TakeRequest,
    parse_command,
    parse_report,
)
from recorder.settings import RecorderSettings, SettingsError, parse_settings

RIG = RigSpec(camera="sim:7", rgb="sim", speed="max")
TAKE = TakeRequest(
    data="/d\u00e9j\u00e0 vu", movement="frown", subject=4, script=short_script(), person=Person(subject=4, glasses=True)
)

COMMANDS = [
    Arm(rig=RIG),
    Arm(rig=RIG, data="/somewhere"),
    Record(rig=RIG, take=TAKE, settings=RecorderSettings(stall_ms=700)),
    Mark(mark="paper_out", how=How.DETECTED, at_us=1_700_000_000_000_001),
    Mark(mark="stop"),
    Stop(),
    SetBias(preset="low_light"),
    SetBias(preset="sensitive", biases={"On": (5, 200), "Refractory": (4, 25)}),
    Disarm(),
    Shutdown(),
]
REPORTS = [
    Hello(pid=3, runtime="/dev/shm/glimpse-0/3-4"),
    Status(
        state=State.RECORDING, step="neutral", streams={"events": StreamStatus(received=3, written=2, rate=1.5)}, queue_s=0.1
    ),
    Armed(
        rig=RIG,
        devices=(Device(kind="sim", name="Simulated rig", spec="sim:7", settings={"biases": {"On": [6, 200]}}),),
        streams={"frames": ArmedStream(device=0, resolution=(346, 260), fps=25.0), "imu": ArmedStream(device=0)},
        started_ns=2**40,
    ),
    Notice(text="line\nbreak and \u00e9"),
    PromptReport(step="s", action="move", movement=None, text="t", at_us=1, seconds=None),
    TakeDone(path=None, manifest=None, status=TakeStatus.FAILED, finish_reason=FinishReason.NO_FIRST_DATA, message=""),
    Refused(text="no"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.kind)
def test_every_command_survives_the_pipe_on_one_line(command):
    line = command.model_dump_json()
    assert "\n" not in line
    assert parse_command(line) == command
    assert parse_command(line.encode()) == command


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.kind)
def test_every_report_survives_the_pipe_on_one_line(report):
    line = report.model_dump_json()
    assert "\n" not in line
    assert parse_report(line) == report


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{}",
        "null",
        '{"kind": "explode"}',
        '{"kind": "stop", "now": true}',
        '{"kind": "mark"}',
        '{"kind": "set_bias", "preset": "lowlight"}',
        '{"kind": "set_bias", "biases": {"PadFollower": [5, 200]}}',
        '{"kind": "set_bias", "biases": {"On": [8, 200]}}',
        '{"kind": "set_bias", "biases": {"On": [5, 256]}}',
        '{"kind": "set_bias", "biases": {"On": [5]}}',
        '{"kind": "arm", "rig": {}}',
    ],
)
def test_what_is_no_command_is_refused(line):
    with pytest.raises(ValidationError):
        parse_command(line)


def test_a_report_is_no_command():
    with pytest.raises(ValidationError):
        parse_command(Notice(text="x").model_dump_json())


@given(st.text())
def test_no_line_brings_the_parser_down(line):
    for parse in (parse_command, parse_report):
        with pytest.raises(ValidationError):
            parse(line)


# --- settings


def test_an_empty_file_means_the_defaults():
    assert parse_settings("", "s.yaml") == parse_settings("# nothing\n", "s.yaml") == RecorderSettings()


@given(
    st.builds(
        RecorderSettings,
        stall_ms=st.integers(10, 10**6),
        queue_s=st.floats(0.001, 1e6),
        takes_free=st.integers(1, 100),
        compression=st.sampled_from(["none", "lz4", "zstd"]),
        rgb_lossless=st.booleans(),
    )
)
def test_settings_survive_their_file(settings):
    assert parse_settings(settings.model_dump_json(), "s.yaml") == settings  # JSON is YAML


@pytest.mark.parametrize("name", list(RecorderSettings.model_fields))
def test_every_misspelt_key_is_refused_by_name(name):
    with pytest.raises(
        SettingsError, match=rf"^s\.yaml: {name}x: extra inputs are not permitted; correct the line or remove it\.$"
    ):
        parse_settings(f"{name}x: 1\n", "s.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "stall_ms: 1",
        "queue_s: 0",
        "queue_s: .inf",
        "queue_s: .nan",
        "compression: gzip",
        "rgb_crf: 52",
        "stall_ms: soon",
        "[1]",
        "7",
    ],
)
def test_illegal_settings_are_one_sentence(text):
    with pytest.raises(SettingsError, match=r"^s\.yaml: [^\n]+; correct the line or remove it\.$"):
        parse_settings(text, "s.yaml")


def test_broken_yaml_is_one_sentence():
    with pytest.raises(SettingsError, match=r"^s\.yaml: not valid YAML \([^\n]+\); correct it or remove the file\.$"):
        parse_settings("a: [\n", "s.yaml")
