"""The agreement of coders as JSON, as a table and as one page of HTML with plots. Knows no data set and no window."""

import base64
import io
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from app.cli import program_version
from app.i18n import spoken, tr
from protocol.agreement import LANDMARKS, LEAST_IOU, LIMITS, ONE_LABEL, Agreement, Difference, Kappa, Spread, spread
from protocol.movement import BY_TOKEN
from recorder.exchange.sheets import Cell

INCHES, DOTS = (7.6, 2.6), 100
COLOURS = {"onset": "#0072B2", "apex": "#D55E00", "offset": "#009E73"}  # Okabe and Ito, for the colour-blind
MARKS = {"onset": "o", "apex": "^", "offset": "s"}  # so that nothing is said by colour alone
BINS = 30
TITLES = (
    *("coder_1", "coder_2", "movement", "origin", "takes", "au_overlap", "kappa", "kappa_remark", "noise_kappa"),
    *(
        "intervals_1",
        "intervals_2",
        "matched",
        "f1",
        "landmark",
        "count",
        "median_ms",
        "p95_ms",
        "bias_ms",
        "low_ms",
        "high_ms",
    ),
    "identical_takes",
)
EVERYTHING = "all"
DIGITS = 6  # in tables


def as_json(report: Agreement) -> dict[str, Any]:
    """One pair of coders and movement (null: all), as `glimpse labels agree --json` prints it."""
    return {
        "coders": list(report.coders),
        "movement": report.movement,
        "takes": report.takes,
        "au_overlap": report.au_overlap,
        "kappa": asdict(report.movements),
        "noise_kappa": asdict(report.noise),
        "intervals": {**asdict(report.intervals), "f1": report.intervals.f1, "least_iou": LEAST_IOU},
        "landmarks": {name: asdict(one) for name, one in report.landmarks.items()},
        "by_origin": {origin: {name: asdict(one) for name, one in ones.items()} for origin, ones in report.by_origin.items()},
        "identical_takes": report.identical,
    }


def as_rows(reports: Sequence[Agreement]) -> list[list[Cell]]:
    """A table with titles: one row a pair of coders, movement, origin of landmarks ("all" first) and landmark."""
    rows: list[list[Cell]] = [list(TITLES)]
    for report in reports:
        for origin, spreads in ((EVERYTHING, report.landmarks), *report.by_origin.items()):
            for name, one in spreads.items():
                cells = {**_common(report), "origin": origin, "landmark": name, **_plain(asdict(one))}
                rows.append([cells[title] for title in TITLES])
    return rows


def _common(report: Agreement) -> dict[str, Cell]:
    values = {
        "au_overlap": report.au_overlap,
        "kappa": report.movements.value,
        "noise_kappa": report.noise.value,
        "f1": report.intervals.f1,
    }
    return {
        "coder_1": report.coders[0],
        "coder_2": report.coders[1],
        "movement": report.movement or EVERYTHING,
        "takes": report.takes,
        "kappa_remark": report.movements.remark,
        "intervals_1": report.intervals.first,
        "intervals_2": report.intervals.second,
        "matched": report.intervals.matched,
        "identical_takes": report.identical,
        **_plain(values),
    }


def _plain(values: dict[str, Any]) -> dict[str, Cell]:
    """Numbers stay numbers; what there is none of is an empty cell."""
    return {key: round(value, DIGITS) if isinstance(value, float) else value for key, value in values.items()}


def number(value: float | None) -> str:
    """Three decimals, as papers have it."""
    return "-" if value is None else f"{value:.3f}"


def kappa_text(kappa: Kappa) -> str:
    """The value; said where it is one by definition only."""
    return number(kappa.value) + (f" ({tr('one label only')})" if kappa.remark == ONE_LABEL else "")


def page(reports: Sequence[Agreement], name: str) -> str:
    """The report of a data set as HTML that holds everything it shows."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string(files("assets").joinpath("report", "agreement.html").read_text(encoding="utf-8"))
    made = tr("Made {when} UTC by Glimpse {version}.").format(
        when=f"{datetime.now(UTC):%Y-%m-%d %H:%M}", version=program_version()
    )
    pairs = list(dict.fromkeys(report.coders for report in reports))
    return template.render(
        language=spoken(),
        words=_words(),
        title=tr("Agreement of coders, {name}").format(name=name),
        pairs=[_pair([report for report in reports if report.coders == coders]) for coders in pairs],
        made=made,
    )


def _words() -> dict[str, str]:
    """The words of the page in the user's language; the table of numbers keeps its English titles, which programs read."""
    return {
        "nothing": tr("No take was labelled by two coders."),
        "movement": tr("movement"),
        "takes": tr("takes"),
        "overlap": tr("R (action units)"),
        "kappa": tr("kappa (movement)"),
        "noise": tr("kappa (noise)"),
        "matched": tr("matched intervals"),
        **{name: tr(name) for name in LANDMARKS},
        "medians": tr("Onset, apex, offset: median size of the difference in ms."),
        "picture": tr("Differences of landmarks: Bland-Altman plot and histogram"),
        "lines": tr("Solid: bias of all landmarks; dashed: limits of agreement; above zero {coder} is later."),
        "origin": tr("origin of landmarks"),
        "landmark": tr("landmark"),
        "count": tr("count"),
        "median": tr("median (ms)"),
        "most": tr("95 % below (ms)"),
        "bias": tr("bias (ms)"),
        "limits": tr("limits of agreement (ms)"),
        "identical": tr("Takes that are the same to the microsecond: {n}."),
        "copied": tr(
            "Two people do not mark the same microseconds: these landmarks were accepted from a suggestion, or copied."
        ),
        **_method_words(),
    }


def _method_words() -> dict[str, str]:
    return {
        "how": tr("How it is computed"),
        "how_overlap": tr("over the takes that both coded."),
        "how_kappa": tr(
            "Cohen's kappa of what was made in a take: noise, the movement that was asked for, else the longest, else neutral. "
            "Where one label alone occurs it is 1 by definition, which is said."
        ),
        "how_f1": tr(
            "F1: intervals of the same label are matched one to one, the largest overlap first, at an overlap over union of "
            "{least} or more."
        ).format(least=LEAST_IOU),
        "how_landmarks": tr(
            "Landmarks are compared on intervals of the same label that overlap at all, the second coder's minus the first's. "
            "Limits of agreement: bias ± {limits} standard deviations (Bland & Altman 1986)."
        ).format(limits=LIMITS),
        "how_origins": tr(
            "Origins: placed by hand, suggestion accepted, suggestion adjusted. Only what both placed was found by both coders "
            "on their own."
        ),
    }


def _origin(origin: str) -> str:
    """Where the landmarks of both coders come from: `all`, `placed`, `adjusted/placed`."""
    words = {EVERYTHING: tr("every origin"), "placed": tr("placed"), "accepted": tr("accepted"), "adjusted": tr("adjusted")}
    return " / ".join(words.get(one, one) for one in origin.split("/"))


def _movement(token: str | None) -> str:
    movement = BY_TOKEN.get(token or "")
    return tr(movement.display) if movement else token or tr("every movement")


def _pair(reports: Sequence[Agreement]) -> dict[str, Any]:
    whole = reports[0]
    return {
        "coders": tr("{first} and {second}").format(first=whole.coders[0], second=whole.coders[1]),
        "later": whole.coders[1],
        "rows": [_row(report) for report in reports],
        "spreads": [_spreads(EVERYTHING, whole.landmarks), *(_spreads(*one) for one in whole.by_origin.items())],
        "plot": picture(whole.differences),
        "identical": whole.identical,
    }


def _row(report: Agreement) -> dict[str, Any]:
    return {
        "movement": _movement(report.movement),
        "takes": report.takes,
        "au_overlap": number(report.au_overlap),
        "kappa": kappa_text(report.movements),
        "noise": kappa_text(report.noise),
        "f1": number(report.intervals.f1),
        "intervals": tr("{n} of {first} and {second}").format(
            n=report.intervals.matched, first=report.intervals.first, second=report.intervals.second
        ),
        "medians": [number(report.landmarks[name].median_ms) for name in LANDMARKS],
    }


def _spreads(origin: str, spreads: Any) -> dict[str, Any]:
    return {"origin": _origin(origin), "landmarks": [{"name": tr(name), **_shown(one)} for name, one in spreads.items()]}


def _shown(one: Spread) -> dict[str, Any]:
    return {key: value if isinstance(value, int) else number(value) for key, value in asdict(one).items()}


def picture(differences: Sequence[Difference]) -> str | None:
    """A PNG in base64: differences against the length of the movement (after Bland & Altman), and how many are how large."""
    if not differences:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=INCHES, dpi=DOTS, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2), sharey=True)
    _bland_altman(left, differences)
    groups = {name: [one.ms for one in differences if one.landmark == name] for name in LANDMARKS}
    told = {name: values for name, values in groups.items() if values}
    colours = [COLOURS[name] for name in told]
    right.hist(list(told.values()), BINS, orientation="horizontal", stacked=True, color=colours)
    right.set_xlabel(tr("landmarks"))
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return base64.b64encode(out.getvalue()).decode()


def _bland_altman(axes: Any, differences: Sequence[Difference]) -> None:
    """The mean of two event times says nothing, its zero being arbitrary: the length of the movement takes its place."""
    for name in LANDMARKS:
        ones = [one for one in differences if one.landmark == name]
        lengths, ms = [one.length_us / 1000 for one in ones], [one.ms for one in ones]
        axes.scatter(lengths, ms, s=14, marker=MARKS[name], color=COLOURS[name], alpha=0.7, label=tr(name))
    whole = spread([one.ms for one in differences])
    for value, style in ((whole.bias_ms, "-"), (whole.low_ms, "--"), (whole.high_ms, "--")):
        if value is not None:
            axes.axhline(value, color="#444444", linestyle=style, linewidth=1)
    axes.set_xlabel(tr("length of the movement, mean of both (ms)"))
    axes.set_ylabel(tr("second - first (ms)"))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=len(LANDMARKS), fontsize="small", frameon=False)
