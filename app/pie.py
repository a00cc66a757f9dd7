"""A pie of shares: in colour blocks for a terminal, by matplotlib for a file. Knows no data set."""

import math
from collections.abc import Mapping
from pathlib import Path

from rich.console import Group
from rich.style import Style
from rich.table import Table
from rich.text import Text

# Okabe and Ito's palette for the colour-blind (jfly.uni-koeln.de/color), the eighth replaced by grey.
COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999")
RADIUS = 7.0  # in half character cells, which are about square


def pie_index(shares: list[float], x: float, y: float, radius: float) -> int | None:
    """Which slice covers the point (x right, y down, from the centre); clockwise from the top; None outside the disc."""
    if math.hypot(x, y) > radius or not sum(shares):
        return None
    turn = (math.atan2(x, -y) / math.tau) % 1.0 * sum(shares)
    for index, share in enumerate(shares):
        turn -= share
        if turn < 0:
            return index
    return max(index for index, share in enumerate(shares) if share)  # rounding, at the very end of the turn


def text_pie(counts: Mapping[str, int]) -> Group:
    """The pie and its legend with counts and shares; classes without a take stand in the legend only."""
    total = sum(counts.values())
    legend = Table.grid(padding=(0, 2))
    for index, (name, count) in enumerate(counts.items()):
        share = f"{100 * count / total:.1f} %" if total else "-"
        legend.add_row(Text("██", style=_colour(index)), name, Text(str(count), justify="right"), Text(share, justify="right"))
    row = Table.grid(padding=(0, 4))
    row.add_row(_disc([float(count) for count in counts.values()]), legend)
    return Group(row)


def _disc(shares: list[float]) -> Text:
    """Two picture rows in a line of text: the upper one in the block's own colour, the lower one in the background's."""
    size = int(2 * RADIUS) + 1
    text = Text()
    for line in range(0, size, 2):
        for column in range(size):
            above = pie_index(shares, column - RADIUS, line - RADIUS, RADIUS)
            below = pie_index(shares, column - RADIUS, line + 1 - RADIUS, RADIUS)
            text.append(*_cell(above, below))
        text.append("\n")
    return text


def _cell(above: int | None, below: int | None) -> tuple[str, Style]:
    if above is None and below is None:
        return " ", Style()
    if above is None and below is not None:
        return "▄", Style(color=_colour(below))
    assert above is not None
    return "▀", Style(color=_colour(above), bgcolor=None if below is None else _colour(below))


def _colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def save_pie(counts: Mapping[str, int], path: Path, title: str) -> None:
    """Draw the pie to `path` (.png, .svg or .pdf). Raises OSError where it cannot be written."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = {name: count for name, count in counts.items() if count}
    colours = [_colour(index) for index, count in enumerate(counts.values()) if count]
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.pie(list(shown.values()), labels=list(shown), colors=colours, autopct="%.1f %%", startangle=90, counterclock=False)
    axes.set_title(f"{title} ({sum(shown.values())} takes)")
    figure.savefig(path)
