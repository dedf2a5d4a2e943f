"""Still text counts once: runs by hand, and the promise against a naive check."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clamr_select.indexing.still_text import repeats_text, same_text, text_runs


def test_runs_by_hand():
    lines = [["a", "b"], ["A ", "b"], ["b", "c", "d"], [], [], ["x"], ["x"], ["y"]]
    assert [[candidate for candidate, _ in run] for run in text_runs(lines)] == [[0, 1], [5, 6]]


def test_the_best_of_a_run_stands_for_it_and_the_earlier_of_equals():
    lines = [["contents", "one", "two"]] * 4 + [["other"]] * 2
    scores = np.array([0.1, 0.9, 0.9, 0.2, 0.3, 0.1])
    assert repeats_text(text_runs(lines), ocr_scores=scores).tolist() == [True, False, True, True, False, True]


def test_a_page_that_scrolls_is_several_texts():
    lines = [[f"line {n}" for n in range(top, top + 4)] for top in range(6)]
    (run,) = text_runs(lines)
    assert len(run) == 6
    repeats = repeats_text([run], ocr_scores=np.array([0.0, 0.0, 1.0, 0.0, 0.0, 0.0]))
    assert not repeats[2]
    assert repeats.tolist() == [False, True, False, True, False, True]


@given(
    lines=st.lists(st.lists(st.sampled_from("abcd"), max_size=4), min_size=1, max_size=12),
    seed=st.integers(0, 99),
)
def test_every_repeat_has_a_better_candidate_with_its_text(lines, seed):
    scores = np.random.default_rng(seed).normal(size=len(lines))
    repeats = repeats_text(text_runs(lines), ocr_scores=scores)
    shown = [frozenset(entry) for entry in lines]
    for candidate in np.flatnonzero(repeats):
        better = [c for c in range(len(lines)) if scores[c] >= scores[candidate] and c != candidate]
        assert any(same_text(shown[c], shown[candidate]) and not repeats[c] for c in better)
    assert not repeats[[not entry for entry in lines]].any()
