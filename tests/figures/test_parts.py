"""Palette, text layout and grid arithmetic."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clamr_select.figures import blocks
from clamr_select.figures.contact_sheet import balanced_columns
from clamr_select.figures.fonts import load_font
from clamr_select.figures.palette import MODALITY_COLORS, OTHER_MODALITY_COLOR, modality_color, text_color_on
from clamr_select.figures.text_layout import ellipsize, wrap_text
from clamr_select.figures.timeline import MAX_TICKS, tick_step_seconds


def luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("modality", [*MODALITY_COLORS, "smell"])
def test_text_on_a_badge_is_readable(modality):
    color = modality_color(modality)
    dark, light = sorted((luminance(color), luminance(text_color_on(color))))
    assert (light + 0.05) / (dark + 0.05) >= 4.5  # WCAG 2 AA


def test_modalities_have_colors_of_their_own():
    assert set(MODALITY_COLORS) == {"video", "ocr", "asr", "description", "audio"}
    assert len({*MODALITY_COLORS.values(), OTHER_MODALITY_COLOR}) == 6
    assert modality_color("smell") == OTHER_MODALITY_COLOR


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=120), st.integers(40, 300))
def test_wrapped_lines_fit_and_keep_every_character(text, width):
    font = load_font(13)
    lines = wrap_text(text, font=font, max_width=width)
    assert lines
    assert all(font.getlength(line) <= width for line in lines if len(line) > 1)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_wrap_keeps_the_lines_of_answer_options():
    font = load_font(13)
    assert wrap_text("Which?\nA. one\n\nB.  two ", font=font, max_width=500) == ["Which?", "A. one", "B. two"]
    assert wrap_text("  \n", font=font, max_width=500) == [""]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80), st.integers(30, 200))
def test_ellipsized_text_fits_and_is_as_long_as_it_can_be(text, width):
    font = load_font(13)
    folded = " ".join(text.split())
    got = ellipsize(text, font=font, max_width=width)
    assert "\n" not in got
    if got != folded:
        assert font.getlength(got) <= width
        assert got.endswith("…")
        assert folded.startswith(got[:-1])


def test_ellipsize_cuts_no_more_than_needed():
    font = load_font(13)
    text = "the mass resists the force"
    width = int(font.getlength("the mass res…")) + 1
    assert ellipsize(text, font=font, max_width=width) == "the mass res…"


@pytest.mark.parametrize(
    ("num_cells", "columns"),
    [(0, 1), (1, 1), (3, 3), (4, 4), (5, 5), (6, 3), (7, 4), (8, 4), (16, 4), (32, 8), (64, 8)],
)
def test_balanced_columns(num_cells, columns):
    assert balanced_columns(num_cells) == columns


@pytest.mark.parametrize("span", [0.001, 0.5, 12.9, 13.0, 30, 61, 3600, 7200, 86400, 10**6])
def test_ticks_are_round_and_not_too_many(span):
    step = tick_step_seconds(span)
    assert span / step <= MAX_TICKS
    assert step in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200) or step % 14400 == 0


def test_badge_is_as_wide_as_its_word_and_no_wider_than_allowed():
    narrow, wide = (blocks.badge(name, max_width=400) for name in ("asr", "description"))
    assert narrow.width < wide.width
    assert blocks.badge("description", max_width=60).width <= 60
    colors = {wide.getpixel(at) for at in itertools.product((12, wide.width - 12), (1, wide.height - 2))}
    assert colors == {(0xCC, 0x79, 0xA7)}
