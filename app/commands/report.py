"""`glimpse report`: a session on one page for the lab's book."""

from pathlib import Path

import click

from app.output import counting
from app.report import ReportError, session_report
from protocol.session import SessionError
from recorder.sessionstore import SubjectFolder


@click.command(
    "report",
    epilog="""\b
Examples:
  glimpse report recordings --subject 4
  glimpse report recordings --subject 4 --session 2026-11-21-b --out book/subject4.html""",
)
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--subject", required=True, type=click.IntRange(1, 999_999), help="Number of the subject.")
@click.option("--session", "label", help="Label of the session; default: the subject's last one.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; default: beside the session.")
@click.option("--force", is_flag=True, help="Replace the file of --out where it exists.")
def command(folder: Path, subject: int, label: str | None, out: Path | None, force: bool) -> int:
    """Write a report of a session of the data set DIR: plan, takes with verdict and picture, cameras, deviations.

    One file of HTML that holds everything it shows; the subject is a number in it. Prints its path.
    """
    if out is not None:
        _check_out(out, force)
    sessions = SubjectFolder(folder, subject)
    session = sessions.load(label or _last(sessions))
    with counting("Drawing", 1.0) as advance:
        path = session_report(folder, session, out, lambda _, total: advance(1 / total))
    click.echo(str(path))
    return 0


def _last(sessions: SubjectFolder) -> str:
    known = sessions.sessions()
    if not known:
        raise SessionError(f"{sessions.path}: there is no session of subject {sessions.subject}; record one first.")
    return known[-1].label


def _check_out(out: Path, force: bool) -> None:
    if out.suffix.lower() not in (".html", ".htm"):
        raise click.BadParameter(f"{out}: use a name ending in .html.", param_hint="--out")
    if out.exists() and not force:
        raise ReportError(f"{out}: exists already; give --force to replace it, or another name.")
