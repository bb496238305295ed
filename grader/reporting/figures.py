"""The figures of a class's page, as SVG in the page's own fonts and colours."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from grader.dates import local
from grader.reporting.statistics import Summary

_BARS = 24  # of a histogram, about
_AROUND = timedelta(days=10)  # dates of handing in further away are drawn at this edge
# A figure's colours are the page's, light or dark: each stands for one of its CSS variables.
_COLOURS = {"#000001": "ink", "#000002": "soft", "#000003": "bar", "#000004": "band"}
_INK, _SOFT, _BAR, _BAND = _COLOURS


def distribution(totals: Sequence[float], summary: Summary) -> Markup:
    """The number of students by total; the middle half of the class on a band."""
    width = max(1, round(summary.most / _BARS))
    edges = np.arange(-width / 2, max(summary.most, *totals) + width, width).tolist()
    figure, axes = _figure("points")
    low, high = summary.quartiles
    axes.axvspan(low, high, color=_BAND, lw=0, zorder=0)
    axes.hist(totals, bins=edges, color=_BAR, rwidth=0.9)
    _draw_line(axes, summary.median, f"median {summary.median:.3g}")
    axes.set_xlim(edges[0], edges[-1])
    return _svg(figure, "Distribution of the totals")


def timeline(dates: Sequence[datetime], due: datetime | None, zone: tzinfo | None) -> Markup | None:
    """The moments when the class handed in, in the course's zone."""
    if not dates:
        return None
    centre = due or dates[len(dates) // 2]
    kept = [min(max(date, centre - _AROUND), centre + _AROUND) for date in dates]
    moments = [local(date, zone) for date in kept]
    figure, axes = _figure("")
    axes.hist(date2num(moments), bins=2 * _BARS, color=_BAR, rwidth=0.9)
    if due:
        _draw_line(axes, date2num(local(due, zone)), "due", before=True)
    shown_zone = moments[0].tzinfo
    locator = AutoDateLocator(tz=shown_zone)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=shown_zone, show_offset=False))
    return _svg(figure, "When the class handed in")


def spark(shares: Sequence[float | None]) -> Markup:
    """A line through the term, with gaps where nothing was handed in."""
    step = 60 / max(len(shares) - 1, 1)
    runs: list[list[tuple[float, float]]] = [[]]
    for i, share in enumerate(shares):
        if share is None:
            runs.append([])
        else:
            runs[-1].append((3 + step * i, 21 - 18 * min(share, 1.0)))
    lines = "".join(
        f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in run)}"/>'
        for run in runs
        if run
    )
    ends = (run[-1] for run in runs if run)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2"/>' for x, y in ends)
    return Markup(f'<svg class="spark" viewBox="0 0 66 24" aria-hidden="true">{lines}{dots}</svg>')


def _figure(x: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7.2, 2.5), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(_SOFT)
    axes.tick_params(colors=_SOFT, labelcolor=_SOFT, length=3)
    axes.tick_params(axis="y", length=0)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.set_xlabel(x, color=_SOFT)
    axes.set_ylabel("students", color=_SOFT)
    return figure, axes


def _draw_line(axes: Axes, x: float, text: str, before: bool = False) -> None:
    """A line from the bottom to the top, its name beside it."""
    axes.axvline(x, color=_INK, lw=1.5)
    top = axes.set_ylim(top=1.18 * axes.get_ylim()[1])[1]
    axes.annotate(
        text,
        (x, top),
        xytext=(-4 if before else 4, -2),
        textcoords="offset points",
        va="top",
        ha="right" if before else "left",
        color=_INK,
    )


def _svg(figure: Figure, title: str) -> Markup:
    """The figure as part of the page, in the page's fonts and colours."""
    stream = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": title, "svg.id": None}):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    text = "<svg" + stream.getvalue().partition("<svg")[2]
    for colour, name in _COLOURS.items():
        text = text.replace(colour, f"var(--{name})")
    return Markup(f'<div class="figure" role="img" aria-label="{title}">{text}</div>')
