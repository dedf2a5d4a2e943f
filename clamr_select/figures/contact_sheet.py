"""The selected frames side by side, each with its time, score, winning modality and words."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from clamr_select.errors import InputError
from clamr_select.figures import blocks, palette
from clamr_select.figures.fonts import load_font
from clamr_select.figures.text_layout import ellipsize
from clamr_select.figures.thumbnails import thumbnail_size, thumbnails
from clamr_select.selection import Selection
from clamr_select.time_format import format_time

TIME_SIZE = 15
CAPTION_HEIGHT = 30
WORDS_HEIGHT = 24
MIN_THUMB_WIDTH = 200
WIDTH_FOR_SCORE_LABEL = 280
MIN_CONTENT_WIDTH = 480
"""So that the question of a single frame is not wrapped into a column of words."""


def contact_sheet(
    selection: Selection,
    *,
    frames: Sequence[np.ndarray] | None = None,
    columns: int | None = None,
    thumb_width: int = 320,
) -> Image.Image:
    """A grid of the selected frames under the question, warnings at the bottom.

    Args:
        frames: (height, width, 3) uint8 RGB, one a selected frame, where they are decoded already; None
            decodes them from the video.
        columns: 1 or more; None takes about as many as rows, with few empty cells.
        thumb_width: pixels a frame, 200 or more.

    Raises:
        InputError: an argument is out of its range, or ``frames`` does not fit the selection.
        VideoError: the video cannot be read (only without ``frames``).
    """
    if columns is not None and columns < 1:
        raise InputError(f"columns must be >= 1, got {columns}")
    if thumb_width < MIN_THUMB_WIDTH:
        raise InputError(f"thumb_width must be >= {MIN_THUMB_WIDTH}, got {thumb_width}")
    pictures = thumbnails(selection, size=thumbnail_size(selection, width=thumb_width), frames=frames)
    words = [text.get(best, "") for text, best in zip(selection.text, selection.modality, strict=True)]
    # a line for words only if a frame of this sheet has any
    caption_height = CAPTION_HEIGHT + (WORDS_HEIGHT if any(words) else 0)
    cells = [
        _cell(selection, position, picture, words=words[position], caption_height=caption_height)
        for position, picture in enumerate(pictures)
    ]
    columns = columns or balanced_columns(len(cells))
    content_width = max(MIN_CONTENT_WIDTH, columns * (thumb_width + blocks.GAP) - blocks.GAP)
    parts = [blocks.heading(selection.question, subtitle=blocks.describe(selection), width=content_width)]
    if cells:
        parts.append(blocks.grid(cells, columns=columns))
    if selection.warnings:
        parts.append(blocks.warnings_block(selection.warnings, width=content_width))
    return blocks.stack(parts, width=content_width + 2 * blocks.MARGIN)


def balanced_columns(num_cells: int) -> int:
    """Columns of a grid that is a little wider than tall, with as few empty cells as possible."""
    if num_cells <= 4:
        return max(1, num_cells)
    square = math.ceil(math.sqrt(num_cells))
    return min(range(square, square + 3), key=lambda columns: (-num_cells % columns, columns))


def _cell(selection: Selection, position: int, picture: Image.Image, *, words: str, caption_height: int) -> Image.Image:
    """One frame and its caption."""
    width, top = picture.size
    cell = Image.new("RGB", (width, top + caption_height), palette.BACKGROUND)
    cell.paste(picture, (0, 0))
    draw = ImageDraw.Draw(cell)
    bold, small = load_font(TIME_SIZE, bold=True), load_font(blocks.SMALL_SIZE)

    middle = top + 18
    time = format_time(selection.timestamps_seconds[position])
    draw.text((0, middle), time, font=bold, fill=palette.INK, anchor="lm")
    after_time = round(bold.getlength(time)) + 10
    label = "score " if width >= WIDTH_FOR_SCORE_LABEL else ""
    score = f"{label}{selection.scores[position]:.3f}"
    draw.text((after_time, middle), score, font=small, fill=palette.FAINT_INK, anchor="lm")
    room = width - after_time - round(small.getlength(score)) - 10
    badge = blocks.badge(selection.modality[position], max_width=room)
    cell.paste(badge, (width - badge.width, middle - blocks.BADGE_HEIGHT // 2))
    line = ellipsize(words, font=small, max_width=width)
    draw.text((0, middle + WORDS_HEIGHT), line, font=small, fill=palette.INK, anchor="lm")
    return cell
