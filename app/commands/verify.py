"""`glimpse verify`: whether a data set, and its backup, are still what was recorded."""

from pathlib import Path
from typing import Any

import click

from app.output import done_or_failed, print_json, progress
from recorder.dataset import Dataset
from recorder.verify import Finding, backup_pairs, compare, verify_folders, verify_records, verify_take

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(
    epilog="""\b
Examples:
  glimpse verify recordings
  glimpse verify recordings --backup /media/backup/recordings
Exit codes: 0 nothing found, 1 something is wrong (listed), 2 wrong usage.""",
)
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--backup", type=FOLDER, help="Also compare every file with its copy in this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of lines.")
def verify(folder: Path, backup: Path | None, as_json: bool) -> int:
    """Check the data set DIR against its manifests: every file there, with its size, checksum and counts.

    Also told: files of no take, left-overs and locks of interrupted recordings, takes that were begun but have vanished,
    and, as a note, takes that have no manifest. Nothing is changed.
    """
    dataset = Dataset(folder)
    entries = dataset.takes()
    found = [finding for entry in progress(entries, "Verifying") for finding in verify_take(entry)]
    found += verify_records(dataset)
    found += verify_folders(dataset, entries)
    if backup is not None:
        pairs = backup_pairs(folder, backup)
        found += [finding for pair in progress(pairs, "Comparing") if (finding := compare(*pair))]
    findings = [finding for finding in found if not finding.is_note]
    notes = [finding for finding in found if finding.is_note]
    if as_json:
        print_json({"path": str(folder), "takes": len(entries), "findings": _rows(findings), "notes": _rows(notes)})
    else:
        _print(len(entries), findings, notes)
    return done_or_failed(bool(findings))


def _rows(findings: list[Finding]) -> list[dict[str, Any]]:
    return [{"path": str(one.path), "kind": one.kind.value, "message": one.message} for one in findings]


def _print(takes: int, findings: list[Finding], notes: list[Finding]) -> None:
    for note in notes:
        click.echo(f"note: {note.path} {note.message}")
    for finding in findings:
        click.echo(f"{finding.kind}: {finding.path} {finding.message}")
    click.echo(f"{takes} takes, {len(findings)} findings, {len(notes)} notes")
