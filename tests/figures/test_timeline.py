from __future__ import annotations

from dataclasses import replace

import matplotlib.style
import numpy as np
import pytest
from PIL import ImageColor

from clamr_select.errors import InputError
from clamr_select.figures import timeline
from clamr_select.figures.palette import modality_color
from clamr_select.selection import CandidateScores


def columns_of(image, color: str) -> np.ndarray:
    """x of all pixels of a colour below the legend."""
    pixels = np.asarray(image)[125:]
    return np.nonzero((pixels == ImageColor.getrgb(color)).all(axis=-1))[1]


def test_timeline_draws_each_modality_where_it_has_scores(color_selection):
    image = timeline(color_selection)
    assert image.size == (1200, 400)
    assert image.mode == "RGB"
    video, ocr, asr = (columns_of(image, modality_color(name)) for name in ("video", "ocr", "asr"))
    assert len(columns_of(image, modality_color("audio"))) == 0
    # the axis runs from 0 s at the left to 30 s at the right; ocr has 15..25 s, asr begins at 4 s
    second = (video.max() - video.min()) / 29
    zero = video.min()
    assert (ocr.min() - zero) / second == pytest.approx(15, abs=0.3)
    assert (ocr.max() - zero) / second == pytest.approx(25, abs=0.3)
    assert (asr.min() - zero) / second == pytest.approx(4, abs=0.3)
    assert video.min() < 110
    assert video.max() > 1050


def test_selected_frames_are_marked_in_their_modality(color_selection):
    plain = np.asarray(timeline(color_selection)).astype(int)
    other = np.asarray(timeline(replace(color_selection, modality=("description",) * 8))).astype(int)
    changed = (other == ImageColor.getrgb(modality_color("description"))).all(axis=-1) & (plain != other).any(axis=-1)
    marked = np.flatnonzero(changed.any(axis=0))
    assert len(np.split(marked, np.flatnonzero(np.diff(marked) > 4) + 1)) == 8


def test_style_of_the_caller_changes_nothing_and_is_kept(color_selection):
    plain = timeline(color_selection)
    with matplotlib.style.context("dark_background"):
        before = dict(matplotlib.rcParams)
        assert timeline(color_selection).tobytes() == plain.tobytes()
        assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("count", [1, 2, 500])
def test_any_number_of_candidates(color_selection, count):
    times = tuple(3600.0 + i for i in range(count))
    scores = tuple(float(np.sin(t)) for t in times)
    by_modality = {"video": scores, "asr": (None,) * count, "smell": scores}
    candidates = CandidateScores(tuple(range(count)), times, scores, by_modality)
    image = timeline(replace(color_selection, question="$a_b$ 日本 ~ \\", candidates=candidates))
    assert image.size == (1200, 400)
    assert len(columns_of(image, modality_color("asr"))) < 200  # only marks of selected frames


def test_long_question_makes_the_figure_taller(color_selection):
    image = timeline(replace(color_selection, question="what happens next " * 30))
    assert image.width == 1200
    assert image.height > 450


def test_timeline_without_candidates_fails(color_selection):
    with pytest.raises(InputError, match="carries no candidate scores"):
        timeline(replace(color_selection, candidates=None))
