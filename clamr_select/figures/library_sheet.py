"""The videos that a search of a library found, under each other, each with its best moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image, ImageDraw

from clamr_select.errors import InputError, VideoError
from clamr_select.figures import blocks, palette
from clamr_select.figures.fonts import load_font
from clamr_select.figures.text_layout import ellipsize
from clamr_select.figures.thumbnails import thumbnails
from clamr_select.selection import Selection
from clamr_select.time_format import format_time

THUMB_SIZE = (208, 117)
MAX_MOMENTS = 6
"""Of a video; the best of more are shown, in time order."""
CAPTION_HEIGHT = 44
NAME_HEIGHT = 28


@dataclass(frozen=True)
class FoundVideo:
    """A row of the sheet."""

    name: str
    score: float
    modality: str
    moments: Selection | None
    """None where none are known."""


def library_sheet(question: str, *, videos: Sequence[FoundVideo], subtitle: str) -> Image.Image:
    """One row a video: name, score, winning modality, and its best moments with their times and words. A video that
    cannot be read has its reason in place of pictures.

    Raises:
        InputError: there is no video to show.
    """
    if not videos:
        raise InputError("there is no video to show")
    shown = [0 if video.moments is None else min(len(video.moments), MAX_MOMENTS) for video in videos]
    columns = max(3, *shown)
    width = columns * (THUMB_SIZE[0] + blocks.GAP) - blocks.GAP
    parts = [blocks.heading(question, subtitle=subtitle, width=width)]
    for number, video in enumerate(videos, start=1):
        parts += [_name(number, video, width=width), _moments(video, columns=columns, width=width)]
    return blocks.stack(parts, width=width + 2 * blocks.MARGIN)


def _name(number: int, video: FoundVideo, *, width: int) -> Image.Image:
    bold, small = load_font(16, bold=True), load_font(blocks.SMALL_SIZE)
    block = Image.new("RGB", (width, NAME_HEIGHT), palette.BACKGROUND)
    draw = ImageDraw.Draw(block)
    draw.line((0, 0, width, 0), fill=palette.HAIRLINE)
    middle = NAME_HEIGHT // 2 + 2
    score = f"score {video.score:.3f}"
    badge = blocks.badge(video.modality, max_width=width // 4)
    room = width - badge.width - round(small.getlength(score)) - 40
    name = ellipsize(f"{number}. {video.name}", font=bold, max_width=room)
    draw.text((0, middle), name, font=bold, fill=palette.INK, anchor="lm")
    draw.text((width - badge.width - 12, middle), score, font=small, fill=palette.FAINT_INK, anchor="rm")
    block.paste(badge, (width - badge.width, middle - blocks.BADGE_HEIGHT // 2))
    return block


def _moments(video: FoundVideo, *, columns: int, width: int) -> Image.Image:
    if video.moments is None:
        return _note("no moments: its frames are not in the store, or what answers has no time", width=width)
    best = _best(video.moments)
    try:
        pictures = thumbnails(best, size=THUMB_SIZE)
    except (VideoError, OSError) as error:
        return _note(f"the video cannot be read: {error}", width=width)
    cells = [_cell(best, position, picture) for position, picture in enumerate(pictures)]
    return blocks.grid(cells, columns=columns) if cells else _note("it has no frame to show", width=width)


def _best(moments: Selection) -> Selection:
    """The highest scores, in time order."""
    order = sorted(range(len(moments)), key=lambda position: -moments.scores[position])[:MAX_MOMENTS]
    kept = sorted(order)
    return replace(
        moments,
        frame_indices=tuple(moments.frame_indices[i] for i in kept),
        timestamps_seconds=tuple(moments.timestamps_seconds[i] for i in kept),
        scores=tuple(moments.scores[i] for i in kept),
        modality=tuple(moments.modality[i] for i in kept),
        scores_by_modality={
            name: tuple(values[i] for i in kept) for name, values in moments.scores_by_modality.items()
        },
        text=tuple(moments.text[i] for i in kept),
    )


def _cell(moments: Selection, position: int, picture: Image.Image) -> Image.Image:
    cell = Image.new("RGB", (THUMB_SIZE[0], THUMB_SIZE[1] + CAPTION_HEIGHT), palette.BACKGROUND)
    cell.paste(picture, (0, 0))
    draw = ImageDraw.Draw(cell)
    bold, small = load_font(blocks.SMALL_SIZE, bold=True), load_font(blocks.SMALL_SIZE)
    top = THUMB_SIZE[1] + 13
    time = format_time(moments.timestamps_seconds[position])
    draw.text((0, top), time, font=bold, fill=palette.INK, anchor="lm")
    score = f"{moments.scores[position]:.3f}"
    draw.text((THUMB_SIZE[0], top), score, font=small, fill=palette.FAINT_INK, anchor="rm")
    words = " ".join(moments.text[position].get(moments.modality[position], "").split())
    line = ellipsize(words, font=small, max_width=THUMB_SIZE[0])
    draw.text((0, top + 19), line, font=small, fill=palette.INK, anchor="lm")
    return cell


def _note(text: str, *, width: int) -> Image.Image:
    font = load_font(blocks.SMALL_SIZE)
    block = Image.new("RGB", (width, 22), palette.BACKGROUND)
    line = ellipsize(text, font=font, max_width=width)
    ImageDraw.Draw(block).text((0, 11), line, font=font, fill=palette.FAINT_INK, anchor="lm")
    return block
