"""Contact sheet and comparison: the right thing at the right place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageColor

from clamr_select.errors import InputError, VideoNotFoundError
from clamr_select.figures import compare_sheet, contact_sheet, palette
from clamr_select.selection import Selection

MARGIN, GAP, CAPTION = 20, 16, 54


def rgb(color: str) -> tuple[int, ...]:
    return ImageColor.getrgb(color)


def has_color(image: Image.Image, color: str) -> bool:
    return bool((np.asarray(image) == rgb(color)).all(axis=-1).any())


def solid_frames(selection: Selection, *, height: int = 18, width: int = 32) -> list[np.ndarray]:
    """Frame i is (10 i, 0, 255 - 10 i) all over."""
    return [np.full((height, width, 3), (10 * i, 0, 255 - 10 * i), dtype=np.uint8) for i in range(len(selection))]


def first_frames(selection: Selection, count: int) -> Selection:
    return replace(
        selection,
        frame_indices=selection.frame_indices[:count],
        timestamps_seconds=selection.timestamps_seconds[:count],
        scores=selection.scores[:count],
        modality=selection.modality[:count],
        text=selection.text[:count],
        scores_by_modality={name: scores[:count] for name, scores in selection.scores_by_modality.items()},
    )


def grid_top(sheet: Image.Image, selection: Selection, *, rows: int, cell_height: int) -> int:
    """Where the grid starts, counted from the bottom: warnings have one line of 20 and 2 * 10 of padding."""
    warnings = GAP + 20 + 20 if selection.warnings else 0
    return sheet.height - MARGIN - warnings - rows * (cell_height + GAP) + GAP


def test_contact_sheet_puts_frames_in_order_with_their_badges(color_selection):
    sheet = contact_sheet(color_selection, frames=solid_frames(color_selection))
    assert sheet.width == 2 * MARGIN + 4 * 320 + 3 * GAP
    top = grid_top(sheet, color_selection, rows=2, cell_height=180 + CAPTION)
    for i, modality in enumerate(color_selection.modality):
        left, cell_top = MARGIN + i % 4 * (320 + GAP), top + i // 4 * (180 + CAPTION + GAP)
        for corner in ((0, 0), (319, 0), (0, 179), (319, 179)):
            assert sheet.getpixel((left + corner[0], cell_top + corner[1])) == (10 * i, 0, 255 - 10 * i)
        assert sheet.getpixel((left - 1, cell_top)) == rgb(palette.BACKGROUND)
        # the badge ends with the frame: its colour, and no other modality's, in the caption's right half
        badge = sheet.crop((left + 160, cell_top + 180, left + 320, cell_top + 180 + 34))
        assert badge.getpixel((160 - 12, 9)) == rgb(palette.modality_color(modality))
        assert [name for name in palette.MODALITY_COLORS if has_color(badge, palette.modality_color(name))] == [
            modality
        ]


def test_contact_sheet_decodes_the_video_itself(color_selection):
    sheet = contact_sheet(color_selection)
    top = grid_top(sheet, color_selection, rows=2, cell_height=180 + CAPTION)
    np.testing.assert_allclose(sheet.getpixel((MARGIN + 100, top + 50)), (200, 40, 40), atol=12)
    np.testing.assert_allclose(sheet.getpixel((MARGIN + 3 * 336 + 100, top + 300)), (60, 170, 180), atol=12)


def test_words_are_those_of_the_winning_modality(color_selection):
    frames = solid_frames(color_selection)
    sheet = contact_sheet(color_selection, frames=frames)
    top = grid_top(sheet, color_selection, rows=2, cell_height=180 + CAPTION)
    words = [
        has_color(sheet.crop((left, line, left + 320, line + 20)), palette.INK)
        for line in (top + 180 + 34, top + 180 + CAPTION + GAP + 180 + 34)
        for left in (MARGIN + column * (320 + GAP) for column in range(4))
    ]
    assert words == [modality != "video" for modality in color_selection.modality]
    other = replace(color_selection, text=tuple({**t, "description": "not shown"} for t in color_selection.text))
    assert contact_sheet(other, frames=frames).tobytes() == sheet.tobytes()


def test_line_of_words_is_left_out_where_there_are_none(color_selection):
    frames = solid_frames(color_selection)
    silent = replace(color_selection, text=({"description": "does not win"},) * 8)
    lower = contact_sheet(color_selection, frames=frames).height - contact_sheet(silent, frames=frames).height
    assert lower == 2 * 24


def test_warnings_are_at_the_bottom(color_selection):
    frames = solid_frames(color_selection)
    with_warning = contact_sheet(color_selection, frames=frames)
    without = contact_sheet(replace(color_selection, warnings=()), frames=frames)
    assert with_warning.getpixel((MARGIN, with_warning.height - MARGIN - 1)) == rgb(palette.WARNING_BACKGROUND)
    assert with_warning.height == without.height + GAP + 40
    assert not has_color(without, palette.WARNING_BACKGROUND)


@pytest.mark.parametrize(("columns", "rows"), [(1, 8), (3, 3), (8, 1), (10, 1)])
def test_columns_and_thumb_width(color_selection, columns, rows):
    frames = solid_frames(color_selection)
    sheet = contact_sheet(color_selection, frames=frames, columns=columns, thumb_width=208)
    content = max(480, columns * (208 + GAP) - GAP)
    assert sheet.width == content + 2 * MARGIN
    top = grid_top(sheet, color_selection, rows=rows, cell_height=117 + CAPTION)
    last = MARGIN + 7 % columns * (208 + GAP), top + 7 // columns * (117 + CAPTION + GAP)
    assert sheet.getpixel(last) == (70, 0, 185)


def test_other_aspect_is_fitted_not_stretched(color_selection):
    one = first_frames(color_selection, 1)
    sheet = contact_sheet(one, frames=[np.full((20, 20, 3), 200, dtype=np.uint8)])
    top = grid_top(sheet, one, rows=1, cell_height=180 + CAPTION)
    assert sheet.getpixel((MARGIN + 160, top + 90)) == (200, 200, 200)
    assert sheet.getpixel((MARGIN + 10, top + 90)) == rgb(palette.INK)


def test_long_question_wraps(color_selection):
    frames = solid_frames(color_selection)
    short = contact_sheet(color_selection, frames=frames)
    long = contact_sheet(replace(color_selection, question="why does it move " * 40), frames=frames)
    assert long.width == short.width
    assert long.height > short.height + 100
    # the right margin stays free
    assert not has_color(long.crop((long.width - MARGIN, 0, long.width, long.height)), palette.INK)


@pytest.mark.parametrize("question", ["首相は何と言いましたか？", "ماذا قال؟", "🎬 $x$ & \\frac", "a\x00b\u202ec", ""])
def test_any_text_can_be_drawn(color_selection, question):
    odd = replace(color_selection, question=question, text=({"asr": question},) * 8, modality=("asr",) * 8)
    assert contact_sheet(odd, frames=solid_frames(odd)).width > 1000


def test_empty_selection_is_a_heading(color_selection):
    sheet = contact_sheet(first_frames(color_selection, 0), frames=[])
    assert sheet.width == 480 + 2 * MARGIN


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"columns": 0}, "columns must be >= 1, got 0"),
        ({"thumb_width": 30}, "thumb_width must be >= 200, got 30"),
        ({"frames": []}, "got 0 frames for a selection of 8"),
    ],
)
def test_contact_sheet_fails(color_selection, arguments, message):
    with pytest.raises(InputError, match=message):
        contact_sheet(color_selection, **arguments)


def test_contact_sheet_of_a_missing_video_fails(color_selection):
    with pytest.raises(VideoNotFoundError):
        contact_sheet(replace(color_selection, video="gone.mp4"))


# --- comparison ---


def borders(sheet: Image.Image) -> list[str]:
    """Hit or miss of each frame in reading order, from runs of border colour along the grid's left edges."""
    pixels = np.asarray(sheet)
    found = []
    for name, color in (("hit", palette.HIT_COLOR), ("miss", palette.MISS_COLOR)):
        mask = (pixels == rgb(color)).all(axis=-1)
        # the top left corner of a 200 px wide border: 200 pixels of the colour, none above
        for y, x in zip(*np.nonzero(mask), strict=True):
            if mask[y, x : x + 200].sum() == 200 and not mask[y - 1, x] and not mask[y, x - 1]:
                found.append((int(y), int(x), name))
    return [name for _, _, name in sorted(found)]


def test_compare_sheet_marks_hits_and_misses(color_selection):
    early = first_frames(color_selection, 3)
    sheet = compare_sheet({"CLaMR": color_selection, "early": early}, truth=[(12.0, 14.0), (20.5, 22.0)])
    inside = [12.0 <= t <= 14.0 or 20.5 <= t <= 22.0 for t in color_selection.timestamps_seconds]
    expected = ["hit" if hit else "miss" for hit in inside]
    assert borders(sheet) == expected + expected[:3]
    assert sheet.width == 2 * MARGIN + 8 * 200 + 7 * GAP


def test_compare_sheet_without_truth_has_no_marks(color_selection):
    sheet = compare_sheet({"CLaMR": color_selection})
    assert not has_color(sheet, palette.HIT_COLOR)
    assert not has_color(sheet, palette.MISS_COLOR)


def test_compare_sheet_wraps_after_eight_frames(color_selection):
    many = replace(
        color_selection,
        frame_indices=tuple(range(0, 200, 10)),
        timestamps_seconds=tuple(float(s) for s in range(20)),
        scores=(0.1,) * 20,
        modality=("video",) * 20,
        text=({},) * 20,
        scores_by_modality={},
    )
    sheet = compare_sheet({"many": many}, truth=[(0.0, 100.0)])
    assert sheet.width == 2 * MARGIN + 8 * 200 + 7 * GAP
    assert borders(sheet) == ["hit"] * 20


def test_compare_sheet_fails(color_selection):
    with pytest.raises(InputError, match="selections is empty"):
        compare_sheet({})
    with pytest.raises(InputError, match="selections must share one question"):
        compare_sheet({"a": color_selection, "b": replace(color_selection, question="another")})
    with pytest.raises(InputError, match="selections must share one video"):
        compare_sheet({"a": color_selection, "b": replace(color_selection, video="another")})
    with pytest.raises(InputError, match="start <= end"):
        compare_sheet({"a": color_selection}, truth=[(5.0, 4.0)])
