"""`glimpse subjects`: who was recorded, as numbers, with consent and its withdrawal."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from app.output import print_json, print_table, say
from protocol.subjects import Purpose, SubjectRecord, may_record
from recorder.dataset import DATASET_FILE, Dataset, DatasetError
from recorder.subject_store import SubjectStore

DAY = click.DateTime(formats=["%Y-%m-%d"])
data_option = click.option(
    "--data", type=click.Path(path_type=Path), default=".", help="Folder of the data set; default: the current one."
)


@click.group(
    epilog="""\b
Examples:
  glimpse subjects add --data recordings --consent 2026-03-02 --purpose record --purpose share
  glimpse subjects add --data webcam-takes --simulated --consent 2026-03-02
  glimpse subjects list --data recordings
  glimpse subjects withdraw 4 --data recordings""",
)
def subjects() -> None:
    """Add, list and withdraw subjects (subjects.csv).

    A subject is a number; names are never stored. Keep the list of names and numbers elsewhere.
    """


@subjects.command(epilog="Example: glimpse subjects add --consent 2026-03-02 --person 3 --age-band 20-29")
@data_option
@click.option("--subject", type=click.IntRange(min=1), help="Number of the subject; default: the next free one.")
@click.option("--person", type=click.IntRange(min=1), help="The same for all subject numbers of one person.")
@click.option("--consent", type=DAY, required=True, help="Day on which the consent was signed, e.g. 2026-03-02.")
@click.option(
    "--purpose",
    "purposes",
    multiple=True,
    type=click.Choice([p.value for p in Purpose]),
    help="May be repeated; default: record.",
)
@click.option("--form-version", help="Version of the consent form.")
@click.option("--sex", type=click.Choice(["f", "m", "x"]))
@click.option("--age-band", help="For example 20-29.")
@click.option("--simulated", is_flag=True, help="A new data set is one for webcam-made and simulated takes.")
@click.option("--json", "as_json", is_flag=True, help="Print the new row as JSON.")
def add(data: Path, consent: datetime, purposes: tuple[str, ...], simulated: bool, as_json: bool, **fields: Any) -> int:
    """Add a subject with consent and print the number. A folder that is no data set yet becomes one."""
    _ensure_dataset(data, simulated)
    consents = {Purpose(purpose): consent.date() for purpose in purposes or ("record",)}
    record = SubjectStore(data).add(consents=consents, **fields)
    if as_json:
        print_json(_json(record))
    else:
        click.echo(record.subject)
    return 0


def _ensure_dataset(data: Path, simulated: bool) -> None:
    if not (data / DATASET_FILE).exists():
        Dataset.create(data, (data.resolve().name or "data")[:200], simulated=simulated)
        say(f"{data} is a {'simulated ' if simulated else ''}data set now ({DATASET_FILE}).")
        return
    info = Dataset(data).info
    if simulated and not (info and info.simulated):
        raise DatasetError(f"{data}: is a data set of real takes already; leave out --simulated or choose another folder.")


@subjects.command("list", epilog="Example: glimpse subjects list --data recordings --json")
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
def list_subjects(data: Path, as_json: bool) -> int:
    """List the subjects, and whether they may be recorded today."""
    records = SubjectStore(Dataset(data).path).records()
    if as_json:
        print_json([_json(record) for record in records])
        return 0
    table = Table()
    for column in ("subject", "person", "sex", "age", "consents", "form", "withdrawn", "may be recorded"):
        table.add_column(column)
    for record in records:
        table.add_row(*_cells(record))
    print_table(table)
    return 0


@subjects.command(epilog="Example: glimpse subjects withdraw 4 --date 2026-05-01")
@data_option
@click.argument("subject", type=click.IntRange(min=1))
@click.option("--date", "day", type=DAY, help="Day of the withdrawal; default: today.")
@click.option("--json", "as_json", is_flag=True, help="Print the changed row as JSON.")
def withdraw(data: Path, subject: int, day: datetime | None, as_json: bool) -> int:
    """Note that a subject withdrew the consent.

    From that day on the subject is not recorded any more. Recordings are not deleted: that is for you to decide and do.
    """
    record = SubjectStore(Dataset(data).path).withdraw(subject, day.date() if day else _today())
    if as_json:
        print_json(_json(record))
    else:
        say(f"Subject {record.subject} withdrew on {record.withdrawn_on}; {_takes_text(data, subject)}")
    return 0


def _takes_text(data: Path, subject: int) -> str:
    count = sum(entry.subject == subject for entry in Dataset(data).takes())
    return f"{count} takes of this subject are in the data set." if count else "no take of this subject is in the data set."


def _today() -> date:
    return datetime.now(UTC).astimezone().date()


def _json(record: SubjectRecord) -> dict[str, Any]:
    data: dict[str, Any] = record.model_dump(mode="json")
    return {**data, "may_record": may_record(record, _today())}


def _cells(record: SubjectRecord) -> tuple[str, ...]:
    consents = ", ".join(f"{purpose.value} {day}" for purpose, day in record.consents.items())
    optional = (record.person, record.sex, record.age_band, consents, record.form_version, record.withdrawn_on)
    may = "yes" if may_record(record, _today()) else "no"
    return (str(record.subject), *("" if value is None else str(value) for value in optional), may)
