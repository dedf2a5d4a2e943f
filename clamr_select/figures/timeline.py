"""Scores of all candidates over time: where the video answers, and by which modality."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from clamr_select.errors import InputError
from clamr_select.figures import blocks, palette
from clamr_select.selection import CandidateScores, Selection
from clamr_select.time_format import format_time

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 1200
PLOT_HEIGHT = 293
"""With a question of one line the figure is 1200 x 400."""
DOTS_PER_INCH = 100
TICK_STEPS_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
MAX_TICKS = 13
MAX_MARKED_CANDIDATES = 120
"""More candidates than this are a thinner line without a dot each."""


def timeline(selection: Selection) -> Image.Image:
    """One line a modality, the total on top, the selected frames marked in their winning modality's colour.

    Raises:
        InputError: the selection carries no candidates (saved without them).
    """
    if selection.candidates is None:
        raise InputError(
            "this selection carries no candidate scores, so there is no timeline; "
            "it was written with include_candidates=False"
        )
    content_width = WIDTH - 2 * blocks.MARGIN
    heading = blocks.heading(selection.question, subtitle=blocks.describe(selection), width=content_width)
    return blocks.stack([heading, _plot(selection, selection.candidates, width=content_width)], width=WIDTH)


def tick_step_seconds(span_seconds: float) -> float:
    """A round number of seconds that puts at most ``MAX_TICKS`` ticks on the axis."""
    for step in TICK_STEPS_SECONDS:
        if span_seconds / step < MAX_TICKS:
            return step
    return math.ceil(span_seconds / MAX_TICKS / TICK_STEPS_SECONDS[-1]) * TICK_STEPS_SECONDS[-1]


def _plot(selection: Selection, candidates: CandidateScores, *, width: int) -> Image.Image:
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # the caller's own style (dark ground, LaTeX text) would fight with the fixed colours
    with matplotlib.style.context("default"):
        figure = Figure(
            figsize=(width / DOTS_PER_INCH, PLOT_HEIGHT / DOTS_PER_INCH),
            dpi=DOTS_PER_INCH,
            facecolor=palette.BACKGROUND,
            layout="constrained",
        )
        canvas = FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        _draw_scores(axes, candidates)
        _draw_selected(axes, selection)
        _draw_axes(axes, selection, candidates)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", ncols=8, fontsize=9, frameon=False)
        canvas.draw()
        return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def _draw_scores(axes: Axes, candidates: CandidateScores) -> None:
    sparse = len(candidates.scores) <= MAX_MARKED_CANDIDATES
    for modality, scores in candidates.scores_by_modality.items():
        if all(score is None for score in scores):
            continue
        axes.plot(
            candidates.timestamps_seconds,
            [math.nan if score is None else score for score in scores],
            color=palette.modality_color(modality),
            label=modality,
            linewidth=2.6 if sparse else 1.4,
            marker="." if sparse else None,
            markersize=7,
        )
    axes.plot(
        candidates.timestamps_seconds,
        candidates.scores,
        color=palette.INK,
        label="total",
        linewidth=1.2 if sparse else 0.8,
        zorder=3,
    )


def _draw_selected(axes: Axes, selection: Selection) -> None:
    for seconds in selection.timestamps_seconds:
        axes.axvline(seconds, color=palette.HAIRLINE, linewidth=1, zorder=0)
    axes.scatter(
        selection.timestamps_seconds,
        selection.scores,
        s=70,
        c=[palette.modality_color(modality) for modality in selection.modality],
        edgecolors=palette.INK,
        linewidths=1.2,
        zorder=4,
    )
    # only for the legend: white, as a selected frame has the colour of its modality
    axes.plot([], [], "o", markersize=8, markerfacecolor="white", markeredgecolor=palette.INK, label="selected")


def _draw_axes(axes: Axes, selection: Selection, candidates: CandidateScores) -> None:
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    facts = selection.video_facts
    start, end = facts.start_seconds, facts.start_seconds + facts.duration_seconds
    times = (*candidates.timestamps_seconds, start, end)
    span = max(max(times) - min(times), 1e-3)
    axes.set_xlim(min(times) - 0.01 * span, max(times) + 0.01 * span)
    axes.xaxis.set_major_locator(MultipleLocator(tick_step_seconds(span)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: format_time(seconds, decimals=0)))
    axes.margins(y=0.12)
    axes.set_ylabel("score", color=palette.FAINT_INK)
    axes.tick_params(colors=palette.FAINT_INK, labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(palette.HAIRLINE)
