"""The FlatBuffers of IMU, trigger and table packets: as the reference library packs them; damage gives FlatError."""

import flatbuffers
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.aedat4.flat import Field, FlatError, empty_table, pack_tables, unpack_tables

LAYOUTS = {
    "imu": (Field(0, "i8"), *(Field(slot, "f4") for slot in range(1, 11))),
    "trigger": (Field(0, "i8"), Field(1, "i1")),
    "table": (Field(0, "i8"), Field(1, "i4", 2), Field(2, "i8"), Field(3, "i8"), Field(4, "i8")),
    "mixed": (Field(0, "i1"), Field(1, "i2"), Field(2, "f4"), Field(3, "i8"), Field(5, "i2")),
}
STRUCTS = {"table": 0b10}
NUMBERS = {
    "i8": st.sampled_from([0, 0, 1, -5, 2**62]),
    "i4": st.integers(-(2**31), 2**31 - 1),
    "i2": st.sampled_from([0, 0, 7, -7]),
    "i1": st.sampled_from([0, 0, 9]),
    "f4": st.sampled_from([0.0, 0.0, 0.5, -2.25]),
}


@st.composite
def columns(draw, fields):
    count = draw(st.integers(1, 12))
    result = []
    for field in fields:
        values = draw(st.lists(NUMBERS[field.code], min_size=count * field.count, max_size=count * field.count))
        column = np.array(values, "<" + field.code)
        result.append(column.reshape(count, field.count) if field.count > 1 else column)
    return result


PREPEND = {"i8": "PrependInt64Slot", "i4": "PrependInt32Slot", "i2": "PrependInt16Slot", "i1": "PrependInt8Slot"}


def add_field(builder, field, value):
    if field.count > 1:
        builder.Prep(4, 8)
        builder.PrependInt32(value[1])
        builder.PrependInt32(value[0])
        builder.PrependStructSlot(field.slot, builder.Offset(), 0)
    else:
        getattr(builder, PREPEND.get(field.code, "PrependFloat32Slot"))(field.slot, value, 0)


def with_the_reference_library(fields, rows):
    builder, tables = flatbuffers.Builder(64), []
    for row in rows:
        builder.StartObject(11)
        for index in sorted(range(len(fields)), key=lambda i: (-fields[i].alignment, -fields[i].slot)):
            add_field(builder, fields[index], row[index])
        tables.append(builder.EndObject())
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    vector = builder.EndVector()
    builder.StartObject(1)
    builder.PrependUOffsetTRelativeSlot(0, vector, 0)
    builder.FinishSizePrefixed(builder.EndObject(), b"TEST")
    return bytes(builder.Output())


@pytest.mark.parametrize("name", LAYOUTS)
@given(data=st.data())
def test_tables_are_packed_into_the_bytes_of_the_reference_library(name, data):
    fields = LAYOUTS[name]
    values = data.draw(columns(fields))
    rows = list(zip(*(column.tolist() for column in values), strict=True))
    assert pack_tables(b"TEST", fields, values, STRUCTS.get(name, 0)) == with_the_reference_library(fields, rows)


@pytest.mark.parametrize("name", LAYOUTS)
@given(data=st.data())
def test_what_was_packed_is_unpacked(name, data):
    values = data.draw(columns(LAYOUTS[name]))
    packed = pack_tables(b"TEST", LAYOUTS[name], values, STRUCTS.get(name, 0))
    for again, value in zip(unpack_tables(packed, b"TEST", LAYOUTS[name]), values, strict=True):
        np.testing.assert_array_equal(again, value)


@given(st.data())
def test_damaged_tables_give_flat_errors_or_numbers(data):
    packed = bytearray(pack_tables(b"TEST", LAYOUTS["imu"], data.draw(columns(LAYOUTS["imu"]))))
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    raw = bytes(packed[: data.draw(st.integers(0, len(packed)))])
    try:
        result = unpack_tables(raw, b"TEST", LAYOUTS["imu"])
    except FlatError:
        return
    assert len(result) == len(LAYOUTS["imu"])


def test_an_empty_table_has_no_rows():
    assert [len(column) for column in unpack_tables(empty_table(b"TEST"), b"TEST", LAYOUTS["imu"])] == [0] * 11


def test_a_foreign_identifier_is_refused():
    with pytest.raises(FlatError, match="expected"):
        unpack_tables(empty_table(b"TEST"), b"IMUS", LAYOUTS["imu"])
