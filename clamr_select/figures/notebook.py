"""A selection as HTML for notebooks: self-contained, nothing is loaded from elsewhere."""

from __future__ import annotations

import base64
import io
from html import escape

import numpy as np
from PIL import Image

from clamr_select.errors import VideoError
from clamr_select.figures import blocks, palette
from clamr_select.handoff.frames import decode_frames
from clamr_select.selection import Selection
from clamr_select.time_format import format_time

THUMB_SIDE = 200
JPEG_QUALITY = 80
MAX_CHARACTERS = 300
"""Of the words of one frame and modality; the rest is in the selection."""

_CELL = "padding:6px 10px;text-align:left;vertical-align:top"


def selection_html(selection: Selection) -> str:
    """A table of the selected frames: picture, time, score, winning modality, words.

    All text of the user or of the video is escaped. Where the video cannot be read the pictures are left out
    and the reason is written under the table.
    """
    notes = [f"{warning.code}: {warning.message}" for warning in selection.warnings]
    try:
        pictures = [_picture(frame) for frame in decode_frames(selection, max_side=THUMB_SIDE)]
    except VideoError as error:
        pictures = [""] * len(selection)
        notes.append(f"no pictures: {error}")
    header = "".join(f'<th style="{_CELL}">{name}</th>' for name in ("frame", "time", "score", "modality", "words"))
    rows = "".join(_row(selection, position, picture) for position, picture in enumerate(pictures))
    footer = "".join(
        f'<div style="color:{palette.WARNING_INK};background:{palette.WARNING_BACKGROUND};padding:4px 10px">'
        f"⚠ {escape(note)}</div>"
        for note in notes
    )
    return (
        f'<div><div style="font-weight:bold;font-size:115%">{escape(selection.question)}</div>'
        f'<div style="opacity:0.7">{escape(blocks.describe(selection))}</div>'
        f'<table style="border-collapse:collapse"><thead><tr>{header}</tr></thead>'
        f"<tbody>{rows}</tbody></table>{footer}</div>"
    )


def _row(selection: Selection, position: int, picture: str) -> str:
    words = "<br>".join(
        f"<b>{escape(modality)}</b> {escape(_shortened(text))}"
        for modality, text in selection.text[position].items()
        if text
    )
    cells = (
        picture,
        format_time(selection.timestamps_seconds[position]),
        f"{selection.scores[position]:.3f}",
        _badge(selection.modality[position]),
        words,
    )
    return "<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells) + "</tr>"


def _badge(modality: str) -> str:
    color = palette.modality_color(modality)
    style = f"background:{color};color:{palette.text_color_on(color)};border-radius:9px;padding:1px 8px"
    return f'<span style="{style}">{escape(modality)}</span>'


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1].rstrip() + "…"


def _picture(frame: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, format="JPEG", quality=JPEG_QUALITY)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img alt="" src="data:image/jpeg;base64,{data}">'
