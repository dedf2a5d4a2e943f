from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from clamr_select.video.orientation import UPRIGHT, Orientation, orientation_from_matrix

PICTURE = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)


def naive_display(image: np.ndarray, a: int, b: int, c: int, d: int) -> np.ndarray:
    """Put every pixel where the matrix sends it: x' = ax + cy, y' = bx + dy, moved back into view."""
    height, width = image.shape[:2]
    places = {(a * x + c * y, b * x + d * y): image[y, x] for y in range(height) for x in range(width)}
    left, top = min(x for x, _ in places), min(y for _, y in places)
    right, bottom = max(x for x, _ in places), max(y for _, y in places)
    return np.array([[places[x, y] for x in range(left, right + 1)] for y in range(top, bottom + 1)])


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_picture_is_shown_as_the_matrix_says(degrees: int, mirrored: bool) -> None:
    a, b = round(math.cos(math.radians(degrees))), round(math.sin(math.radians(degrees)))
    matrix = (-a, -b, -b, a) if mirrored else (a, b, -b, a)
    orientation = orientation_from_matrix(*matrix)
    assert orientation == Orientation(rotation_degrees=degrees, mirrored=mirrored)
    shown = orientation.upright(PICTURE)
    np.testing.assert_array_equal(shown, naive_display(PICTURE, *matrix))
    assert shown.flags.c_contiguous
    assert orientation.swaps_sides == (shown.shape[:2] == (3, 2))


def test_ninety_degrees_is_clockwise() -> None:
    """What was left is up."""
    shown = Orientation(rotation_degrees=90, mirrored=False).upright(PICTURE)
    np.testing.assert_array_equal(shown[0], PICTURE[::-1, 0])


def test_upright_is_left_alone() -> None:
    np.testing.assert_array_equal(UPRIGHT.upright(PICTURE), PICTURE)


@settings(deadline=None)
@given(angle=st.floats(-179, 179), scale=st.floats(0.1, 10), mirrored=st.booleans())
def test_other_angles_are_rounded_to_a_quarter_turn(angle: float, scale: float, mirrored: bool) -> None:
    a, b = scale * math.cos(math.radians(angle)), scale * math.sin(math.radians(angle))
    orientation = orientation_from_matrix(*((-a, -b, -b, a) if mirrored else (a, b, -b, a)))
    assert orientation.rotation_degrees in (0, 90, 180, 270)
    off = (angle - orientation.rotation_degrees + 180) % 360 - 180
    assert abs(off) <= 45 + 1e-6
    assume(abs(abs(off) - 1) > 1e-6)
    assert orientation.is_exact == (abs(off) < 1)
    assert orientation.mirrored == mirrored
