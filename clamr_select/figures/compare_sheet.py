"""Selections for the same question under each other, with hits and misses where the truth is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw

from clamr_select.errors import InputError
from clamr_select.figures import blocks, palette
from clamr_select.figures.fonts import load_font
from clamr_select.figures.text_layout import ellipsize
from clamr_select.figures.thumbnails import thumbnail_size, thumbnails
from clamr_select.metrics import hit_at_k
from clamr_select.selection import Selection
from clamr_select.time_format import format_time

THUMB_WIDTH = 200
MAX_COLUMNS = 8
BORDER = 5
CAPTION_HEIGHT = 26
LABEL_SIZE = 17


def compare_sheet(
    selections: Mapping[str, Selection], *, truth: Sequence[tuple[float, float]] | None = None
) -> Image.Image:
    """One labelled row of frames a selection, e.g. ``{"CLaMR": …, "uniform": …}``.

    Args:
        selections: label to selection, all for one question about one video.
        truth: (start, end) seconds of the evidence, ends included. Frames inside get a green border and ✓,
            frames outside a red one and ✗.

    Raises:
        InputError: no selection, different questions or videos, or wrong intervals.
        VideoError: the video cannot be read.
    """
    if not selections:
        raise InputError("selections is empty; hand in one or more, label to selection")
    for name in ("question", "video"):
        values = sorted({getattr(selection, name) for selection in selections.values()})
        if len(values) > 1:
            raise InputError(f"selections must share one {name}, got {', '.join(map(repr, values))}")
    most_frames = max(len(selection) for selection in selections.values())
    columns = min(MAX_COLUMNS, max(most_frames, 3))
    width = columns * (THUMB_WIDTH + blocks.GAP) - blocks.GAP
    first = next(iter(selections.values()))
    parts = [blocks.heading(first.question, subtitle=_subtitle(first, truth), width=width)]
    for label, selection in selections.items():
        cells = _cells(selection, truth)
        parts.append(_label(label, selection, truth, width=width))
        if cells:
            parts.append(blocks.grid(cells, columns=columns))
    return blocks.stack(parts, width=width + 2 * blocks.MARGIN)


def _subtitle(selection: Selection, truth: Sequence[tuple[float, float]] | None) -> str:
    video = selection.video.replace("\\", "/").rsplit("/", 1)[-1]
    if truth is None:
        return video
    spans = ", ".join(f"{format_time(start)}–{format_time(end)}" for start, end in truth)
    return f"{video} · evidence at {spans}"


def _is_hit(seconds: float, truth: Sequence[tuple[float, float]]) -> bool:
    return hit_at_k([seconds], evidence_seconds=truth)


def _label(label: str, selection: Selection, truth: Sequence[tuple[float, float]] | None, *, width: int) -> Image.Image:
    bold, small = load_font(LABEL_SIZE, bold=True), load_font(blocks.SMALL_SIZE)
    block = Image.new("RGB", (width, 30), palette.BACKGROUND)
    draw = ImageDraw.Draw(block)
    draw.line((0, 0, width, 0), fill=palette.HAIRLINE)
    text = ellipsize(label, font=bold, max_width=width // 2)
    draw.text((0, 18), text, font=bold, fill=palette.INK, anchor="lm")
    if truth is not None:
        num_hits = sum(_is_hit(seconds, truth) for seconds in selection.timestamps_seconds)
        summary = f"{num_hits} of {len(selection)} frames inside the evidence"
        left = round(bold.getlength(text)) + 12
        draw.text((left, 19), summary, font=small, fill=palette.FAINT_INK, anchor="lm")
    return block


def _cells(selection: Selection, truth: Sequence[tuple[float, float]] | None) -> list[Image.Image]:
    border = 0 if truth is None else BORDER
    inner = thumbnail_size(selection, width=THUMB_WIDTH - 2 * border)
    font = load_font(blocks.SMALL_SIZE, bold=True)
    cells = []
    for seconds, thumbnail in zip(selection.timestamps_seconds, thumbnails(selection, size=inner), strict=True):
        color, mark = palette.INK, ""
        if truth is not None:
            hit = _is_hit(seconds, truth)
            color, mark = (palette.HIT_COLOR, "✓ ") if hit else (palette.MISS_COLOR, "✗ ")
        height = inner[1] + 2 * border
        cell = Image.new("RGB", (THUMB_WIDTH, height + CAPTION_HEIGHT), palette.BACKGROUND)
        cell.paste(color, (0, 0, THUMB_WIDTH, height))
        cell.paste(thumbnail, (border, border))
        ImageDraw.Draw(cell).text(
            (0, height + 14),
            mark + format_time(seconds),
            font=font,
            fill=color,
            anchor="lm",
        )
        cells.append(cell)
    return cells
