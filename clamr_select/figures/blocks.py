"""Pieces every figure is stacked from: heading, grid of cells, badge, warnings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from PIL import Image, ImageDraw

from clamr_select.figures import palette
from clamr_select.figures.fonts import load_font
from clamr_select.figures.text_layout import ellipsize, wrap_text
from clamr_select.selection import Selection, SelectionWarning
from clamr_select.time_format import format_time

MARGIN = 20
"""Pixels left and right of everything, and above and below the whole figure."""
GAP = 16
"""Pixels between cells, and between blocks."""
HEADING_SIZE = 21
SMALL_SIZE = 13
BADGE_HEIGHT = 20


def stack(blocks: Sequence[Image.Image], *, width: int) -> Image.Image:
    """The blocks from top to bottom, left-aligned inside the margin; the figure is ``width`` pixels wide."""
    height = 2 * MARGIN + sum(block.height for block in blocks) + GAP * (len(blocks) - 1)
    figure = Image.new("RGB", (width, height), palette.BACKGROUND)
    top = MARGIN
    for block in blocks:
        figure.paste(block, (MARGIN, top))
        top += block.height + GAP
    return figure


def heading(question: str, *, subtitle: str, width: int) -> Image.Image:
    """The question in bold, wrapped, and one faint line below it."""
    bold, small = load_font(HEADING_SIZE, bold=True), load_font(SMALL_SIZE)
    lines = wrap_text(question, font=bold, max_width=width)
    line_height, gap = round(HEADING_SIZE * 1.3), 6
    height = line_height * len(lines) + gap + round(SMALL_SIZE * 1.4)
    block = Image.new("RGB", (width, height), palette.BACKGROUND)
    draw = ImageDraw.Draw(block)
    for number, line in enumerate(lines):
        draw.text((0, number * line_height), line, font=bold, fill=palette.INK)
    draw.text(
        (0, line_height * len(lines) + gap),
        ellipsize(subtitle, font=small, max_width=width),
        font=small,
        fill=palette.FAINT_INK,
    )
    return block


def describe(selection: Selection) -> str:
    """What was selected from what, on one line: ``talk.mp4 · 8 frames of 12:30.0 · policy topk_gap``."""
    facts = selection.video_facts
    frames = "1 frame" if len(selection) == 1 else f"{len(selection)} frames"
    parts = [PurePath(selection.video).name, f"{frames} of {format_time(facts.duration_seconds)}"]
    for name in ("policy", "model"):
        if isinstance(selection.method.get(name), str):
            parts.append(f"{name} {selection.method[name]}")
    return " · ".join(parts)


def warnings_block(warnings: Sequence[SelectionWarning], *, width: int) -> Image.Image:
    """All warnings on a pale yellow ground, each on its own wrapped line."""
    font, padding = load_font(SMALL_SIZE), 10
    lines = [
        line
        for warning in warnings
        for line in wrap_text(f"⚠ {warning.code}: {warning.message}", font=font, max_width=width - 2 * padding)
    ]
    line_height = round(SMALL_SIZE * 1.5)
    block = Image.new("RGB", (width, line_height * len(lines) + 2 * padding), palette.WARNING_BACKGROUND)
    draw = ImageDraw.Draw(block)
    for number, line in enumerate(lines):
        middle = padding + number * line_height + line_height // 2
        draw.text((padding, middle), line, font=font, fill=palette.WARNING_INK, anchor="lm")
    return block


def grid(cells: Sequence[Image.Image], *, columns: int) -> Image.Image:
    """Cells of one size in rows from left to right."""
    width, height = cells[0].size
    rows = -(-len(cells) // columns)
    block = Image.new("RGB", (columns * (width + GAP) - GAP, rows * (height + GAP) - GAP), palette.BACKGROUND)
    for number, cell in enumerate(cells):
        row, column = divmod(number, columns)
        block.paste(cell, (column * (width + GAP), row * (height + GAP)))
    return block


def badge(modality: str, *, max_width: int) -> Image.Image:
    """The modality's name on its colour, in a rounded box."""
    font, padding, smooth = load_font(SMALL_SIZE - 1, bold=True), 8, 4
    label = ellipsize(modality, font=font, max_width=max_width - 2 * padding)
    color = palette.modality_color(modality)
    width = round(font.getlength(label)) + 2 * padding
    # Pillow draws round corners without smoothing, so the box is drawn larger and scaled down
    box = Image.new("RGB", (width * smooth, BADGE_HEIGHT * smooth), palette.BACKGROUND)
    ImageDraw.Draw(box).rounded_rectangle((0, 0, box.width - 1, box.height - 1), radius=box.height // 2, fill=color)
    box = box.resize((width, BADGE_HEIGHT), Image.Resampling.BOX)
    ImageDraw.Draw(box).text(
        (width / 2, BADGE_HEIGHT / 2), label, font=font, fill=palette.text_color_on(color), anchor="mm"
    )
    return box
