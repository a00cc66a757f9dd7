import errno
import json
import os
import random
import threading
import time
import zlib
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from protocol.labels import LabelSet
from protocol.schema import SchemaError
from recorder.labeljournal import (
    Entry,
    JournalChanged,
    JournalWriter,
    entry_line,
    header_line,
    parse_journal,
    read_journal,
)

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
BASE = LabelSet(coder="anna", created_at=AT)


def entry(seq, note="é \u2028 \r\n", **keys):
    return Entry(seq=seq, what="noted", before={"note": ""}, after={"note": note}, at=AT, who="anna", **keys)


def journal(*entries):
    return header_line(BASE) + b"".join(map(entry_line, entries))


def test_a_line_is_json_that_ends_in_the_checksum_of_what_is_before_it():
    line = entry_line(entry(1))
    body, _, rest = line.rpartition(b',"crc":"')
    assert json.loads(line)["crc"] == f"{zlib.crc32(body):08x}" == rest[:8].decode()
    assert line.count(b"\n") == 1
    assert list(json.loads(line)) == ["seq", "deed", "what", "from", "to", "at", "who", "crc"]


def test_a_journal_is_read_as_it_was_written():
    entries = (entry(1), entry(2, note="x", deed="undo", of=1))
    text = parse_journal(journal(*entries), "x")
    assert (text.base, text.entries, text.damaged, text.torn, text.newer, text.whole) == (BASE, entries, (), 0, False, True)


def test_wherever_it_is_cut_the_whole_lines_before_are_read():
    content = journal(entry(1), entry(2))
    ends = [place + 1 for place, byte in enumerate(content) if byte == ord("\n")]
    for cut in range(1, len(content)):
        text = parse_journal(content[:cut], "x")
        whole = sum(end <= cut for end in ends)
        assert (len(text.entries), text.base is not None) == (max(whole - 1, 0), whole > 0)
        assert text.torn == cut - max([0, *(end for end in ends if end <= cut)])
        assert text.damaged == ()


def test_any_byte_that_changes_is_noticed():
    content = journal(entry(1), entry(2))
    for place in range(len(content)):
        text = parse_journal(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :], "x")
        assert text.damaged or text.torn
        assert not text.whole or text.torn


def test_missing_lines_are_noticed():
    assert not parse_journal(journal(entry(1), entry(3)), "x").whole
    assert not parse_journal(journal(entry(2)), "x").whole
    assert not parse_journal(entry_line(entry(1)), "x").whole


def resealed(line, **keys):
    body = json.dumps({name: value for name, value in {**json.loads(line), **keys}.items() if name != "crc"}).encode()[:-1]
    return body + f',"crc":"{zlib.crc32(body):08x}"}}\n'.encode()


def test_what_a_newer_version_wrote_is_not_taken_for_damage():
    assert parse_journal(resealed(header_line(BASE), version="1.9", mood="good"), "x").newer
    strange = resealed(entry_line(entry(1)), **{"from": {"mood": None}, "to": {"mood": "good"}})
    text = parse_journal(header_line(BASE) + strange, "x")
    assert (text.newer, text.damaged, text.entries) == (True, (), ())
    with pytest.raises(SchemaError, match="update Glimpse"):
        parse_journal(resealed(header_line(BASE), version="2.0"), "x")


def test_a_file_that_is_not_there_or_empty_is_no_journal(tmp_path):
    path = tmp_path / "anna.journal.jsonl"
    assert read_journal(path) is None
    path.touch()
    assert read_journal(path) is None


def test_a_file_that_somebody_else_has_written_to_is_not_appended_to(tmp_path):
    path = tmp_path / "anna.journal.jsonl"
    writer = JournalWriter(0, header_line(BASE))
    writer.append(path, entry_line(entry(1)))
    with path.open("ab") as file:
        file.write(b"x")
    with pytest.raises(JournalChanged):
        writer.append(path, entry_line(entry(2)))
    assert path.read_bytes() == journal(entry(1)) + b"x"


@pytest.mark.parametrize("failing", [0, 0.5])
def test_appending_and_syncing_at_once_on_a_bad_disk_leaves_every_line_once(tmp_path, failing):
    path = tmp_path / "anna.journal.jsonl"
    chance = random.Random(1)

    def fsync(handle):
        time.sleep(chance.random() / 1000)
        if chance.random() < failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    writer = JournalWriter(0, header_line(BASE), fsync)
    ended = threading.Event()

    def keep_syncing():
        while not ended.is_set():
            with suppress(OSError):
                writer.sync(path)

    lines = [entry_line(entry(seq)) for seq in range(1, 101)]
    writer.append(path, lines[0])
    thread = threading.Thread(target=keep_syncing)
    thread.start()
    for line in lines[1:]:
        written = False
        while not written:
            with suppress(OSError):
                writer.append(path, line)
                written = True
    ended.set()
    thread.join()
    assert path.read_bytes() == header_line(BASE) + b"".join(lines)
    while writer.waiting:
        with suppress(OSError):
            writer.sync(path)
    assert path.read_bytes() == header_line(BASE) + b"".join(lines)
