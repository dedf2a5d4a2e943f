"""Sequences laid side by side."""

from __future__ import annotations

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from clamr_select.eval.alignment import align, num_errors


def test_alignment() -> None:
    assert align("abc", "abc") == [(0, 0), (1, 1), (2, 2)]
    assert align("abc", "ac") == [(0, 0), (1, None), (2, 1)]
    assert align("", "a") == [(None, 0)]
    assert num_errors("kitten", "sitting") == 3


@settings(max_examples=100, deadline=None)
@given(st.text("ab", max_size=7), st.text("ab", max_size=7))
def test_errors_are_the_fewest_possible(one: str, other: str) -> None:
    @cache
    def fewest(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        same = one[i - 1] == other[j - 1]
        return min(fewest(i - 1, j - 1) + (not same), fewest(i - 1, j) + 1, fewest(i, j - 1) + 1)

    pairs = align(one, other)

    assert num_errors(one, other) == fewest(len(one), len(other))
    assert [a for a, _ in pairs if a is not None] == list(range(len(one)))
    assert [b for _, b in pairs if b is not None] == list(range(len(other)))
