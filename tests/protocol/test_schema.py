import json
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.manifest import Manifest
from protocol.schema import MAX_DEPTH, Day, Instant, Migration, Part, SchemaError, Versioned


class Lens(Part):
    focal_mm: float


def metres_to_millimetres(data: dict[str, Any]) -> dict[str, Any]:
    """1.0 had one lens with its focal length in metres."""
    rest = {key: value for key, value in data.items() if key != "focal_m"}
    return {**rest, "version": "2.0", "lenses": [{"focal_mm": data["focal_m"] * 1000}]}


class Camera(Versioned):
    """A record with a history: 1.0 -> 2.0 renamed a key, 2.1 added one with a default."""

    SCHEMA: ClassVar[str] = "test.camera"
    VERSION: ClassVar[tuple[int, int]] = (2, 1)
    MIGRATIONS: ClassVar[Mapping[str, Migration]] = {"1.0": metres_to_millimetres}

    name: str
    lenses: tuple[Lens, ...] = ()
    colour: str = "black"
    built: Day | None = None
    seen: Instant | None = None


def stored(**changes: Any) -> str:
    return json.dumps({"schema": "test.camera", "version": "2.1", "name": "a", "lenses": [{"focal_mm": 8.0}], **changes})


def refusal(text: str | bytes) -> str:
    with pytest.raises(SchemaError) as caught:
        Camera.parse(text, "camera.json")
    assert str(caught.value).startswith("camera.json: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_record_is_written_with_its_schema_and_version_and_read_back() -> None:
    camera = Camera(name="a", lenses=(Lens(focal_mm=8),), colour="red")
    assert json.loads(camera.to_json())["schema"] == "test.camera"
    assert json.loads(camera.to_json())["version"] == "2.1"
    assert camera.to_json().endswith("}\n")
    assert Camera.parse(camera.to_json(), "camera.json") == camera


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Camera(name="a").name = "b"  # type: ignore[misc]


def test_a_newer_major_version_asks_for_an_update() -> None:
    message = refusal(stored(version="3.0"))
    assert message == (
        "camera.json: written by a newer Glimpse (test.camera 3.0, this program reads up to 2.x); update Glimpse to open it."
    )


def test_a_newer_minor_version_keeps_what_it_does_not_know() -> None:
    text = stored(version="2.7", shutter={"kind": "global"}, lenses=[{"focal_mm": 8.0, "coating": "T*"}])
    camera = Camera.parse(text, "camera.json")
    assert camera.lenses[0].focal_mm == 8
    written = json.loads(camera.to_json())
    assert written["version"] == "2.7"
    assert written["shutter"] == {"kind": "global"}
    assert written["lenses"][0]["coating"] == "T*"
    assert Camera.parse(camera.to_json(), "again") == camera


def test_an_unknown_key_within_a_known_version_is_refused_by_name() -> None:
    assert "unknown key 'color'" in refusal(stored(color="red"))
    assert "unknown key 'lenses.0.focal'" in refusal(stored(lenses=[{"focal_mm": 8.0, "focal": 1}]))


def test_an_older_major_version_is_migrated() -> None:
    old = json.dumps({"schema": "test.camera", "version": "1.0", "name": "a", "focal_m": 0.008})
    camera = Camera.parse(old, "camera.json")
    assert camera.lenses == (Lens(focal_mm=8),)
    assert Camera.parse(camera.to_json(), "again") == camera


def test_an_older_minor_version_is_written_back_as_the_one_whose_keys_it_then_has() -> None:
    camera = Camera.parse(stored(version="2.0"), "camera.json")
    assert json.loads(camera.to_json())["colour"] == "black"
    assert json.loads(camera.to_json())["version"] == "2.1"


def test_an_old_record_that_lacks_what_its_migration_needs_is_refused() -> None:
    assert "focal_m" in refusal(json.dumps({"schema": "test.camera", "version": "1.0", "name": "a"}))
    refusal(json.dumps({"schema": "test.camera", "version": "1.0", "name": "a", "focal_m": {}}))


def test_an_old_version_without_a_migration_is_refused() -> None:
    assert "has no migration" in refusal(stored(version="0.9"))


def test_another_kind_of_record_is_refused() -> None:
    assert "'test.lamp', where 'test.camera' was expected" in refusal(stored(schema="test.lamp"))


@pytest.mark.parametrize("version", ["", "1", "1.0.0", "-1.0", "a.b", 2.1, None, [], "99999.0"])
def test_a_version_that_is_none_is_refused(version: object) -> None:
    refusal(stored(version=version))


def test_a_wrong_value_is_refused_by_its_place() -> None:
    assert "lenses.0.focal_mm: input should be a valid number" in refusal(stored(lenses=[{"focal_mm": "long"}]))


@pytest.mark.parametrize("built", [0, 1735776000, "1735776000", 1.5, "yesterday", "20250102", True])
def test_a_day_is_written_as_a_day(built: object) -> None:
    refusal(stored(built=built))


@pytest.mark.parametrize("seen", ["2026-01-12T09:00:00", 1735776000, "1735776000"])
def test_an_instant_without_its_offset_from_utc_is_refused(seen: object) -> None:
    refusal(stored(seen=seen))


def test_days_and_instants_are_read_back() -> None:
    camera = Camera.parse(stored(built="2026-01-12", seen="2026-01-12T09:00:00+01:00"), "camera.json")
    assert Camera.parse(camera.to_json(), "again") == camera
    assert json.loads(camera.to_json())["seen"] == "2026-01-12T09:00:00+01:00"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        "null",
        '{"schema": "test.camera", "version": "2.1", "name": NaN}',
        stored(version="2.2").replace("8.0", "1e999"),
        stored(version="2.2", note="\ud800"),
        stored(version="2.2").replace('"a"', "9" * 5000),
        "[" * 100_000,
        b"\xff\xfe\x00",
        b"\x80abc",
    ],
)
def test_what_is_no_sound_json_object_is_refused(text: str | bytes) -> None:
    refusal(text)


def test_a_record_nested_too_deeply_to_be_written_back_is_refused() -> None:
    def nested(levels: int) -> Any:
        return [nested(levels - 1)] if levels else []

    assert "nested more than" in refusal(stored(version="2.2", extra=nested(MAX_DEPTH)))
    sound = Camera.parse(stored(version="2.2", extra=nested(MAX_DEPTH - 2)), "camera.json")
    assert Camera.parse(sound.to_json(), "again") == sound


@given(st.binary(max_size=200))
def test_garbage_bytes_are_refused(garbage: bytes) -> None:
    refusal(garbage)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
json_values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6)


@given(
    st.dictionaries(st.sampled_from(["name", "lenses", "colour", "built", "seen", "schema_name"]) | st.text(), json_values),
    st.booleans(),
)
def test_any_json_of_the_right_kind_is_read_and_written_back_or_refused(values: dict[str, Any], newer: bool) -> None:
    text = json.dumps({**values, "schema": "test.camera", "version": "2.9" if newer else "2.1"})
    try:
        camera = Camera.parse(text, "camera.json")
    except SchemaError:
        return
    assert Camera.parse(camera.to_json(), "again") == camera


@given(st.data())
def test_a_manifest_with_any_bytes_changed_is_read_or_refused(data: st.DataObject) -> None:
    text = MANIFEST.to_json().encode()
    at = data.draw(st.integers(0, len(text) - 1))
    broken = text[:at] + data.draw(st.binary(max_size=4)) + text[at + data.draw(st.integers(0, 5)) :]
    try:
        manifest = Manifest.parse(broken, "take.json")
    except SchemaError:
        return
    assert Manifest.parse(manifest.to_json(), "again") == manifest


MANIFEST = Manifest(
    movement="frown",
    subject=4,
    number=1,
    status="complete",
    finish_reason="script_ended",
    recorded_at="2026-01-12T09:00:05+01:00",
    script={"name": "default", "steps": [{"id": "settle"}]},
)
