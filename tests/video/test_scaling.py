from __future__ import annotations

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clamr_select.errors import InputError
from clamr_select.video.orientation import UPRIGHT, Orientation
from clamr_select.video.scaling import FrameScaler, check_max_side, scaled_size


@settings(deadline=None)
@given(width=st.integers(1, 8192), height=st.integers(1, 8192), max_side=st.none() | st.integers(1, 9000))
def test_scaled_size(width: int, height: int, max_side: int | None) -> None:
    new_width, new_height = scaled_size(width, height, max_side)
    if max_side is None or max(width, height) <= max_side:
        assert (new_width, new_height) == (width, height)
        return
    assert max(new_width, new_height) == max_side
    assert min(new_width, new_height) >= 1
    scale = max_side / max(width, height)
    assert abs(new_width - width * scale) <= 1
    assert abs(new_height - height * scale) <= 1


@pytest.mark.parametrize("max_side", [0, -1, 2.5, True, "64"])
def test_wrong_max_side(max_side: object) -> None:
    with pytest.raises(InputError, match="max_side"):
        check_max_side(max_side)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="max_side"):
        FrameScaler(8, 8, max_side=max_side, orientation=UPRIGHT)  # type: ignore[arg-type]


MATRICES = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 9: (0.2627, 0.0593)}
"""FFmpeg's number of a colour matrix (BT.709, BT.601, BT.2020) to its weights of red and blue."""


def to_rgb(y: float, u: float, v: float, *, matrix: int, full_range: bool) -> list[float]:
    """ITU-R BT.601/709/2020 by the book."""
    if full_range:
        u, v = u - 128, v - 128
    else:
        y, u, v = (y - 16) / 219 * 255, (u - 128) / 224 * 255, (v - 128) / 224 * 255
    red_weight, blue_weight = MATRICES[matrix]
    red, blue = y + 2 * (1 - red_weight) * v, y + 2 * (1 - blue_weight) * u
    green = (y - red_weight * red - blue_weight * blue) / (1 - red_weight - blue_weight)
    return [min(255.0, max(0.0, channel)) for channel in (red, green, blue)]


@pytest.mark.parametrize("values", [(63, 102, 240), (120, 90, 160), (40, 140, 110)])
@pytest.mark.parametrize("tag", [1, 2, 5, 9])
@pytest.mark.parametrize("colour_range", [0, 1, 2])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuvj420p", "yuv444p"])
def test_colours_follow_the_tags_of_the_frame(
    values: tuple[int, int, int], tag: int, colour_range: int, pixels: str
) -> None:
    """Untagged (2) is taken for BT.601 and unspecified range for limited, as FFmpeg does."""
    frame = av.VideoFrame(64, 48, pixels)
    for plane, value in zip(frame.planes, values, strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    frame.colorspace, frame.color_range = tag, colour_range
    full_range = colour_range == 2 or pixels == "yuvj420p"
    expected = to_rgb(*values, matrix=5 if tag == 2 else tag, full_range=full_range)
    for max_side in (None, 32, 20):
        image = FrameScaler(64, 48, max_side=max_side, orientation=UPRIGHT).from_frame(frame)
        np.testing.assert_allclose(image[image.shape[0] // 2, image.shape[1] // 2], expected, atol=3)


@pytest.mark.parametrize(("tag", "matrix"), [(3, 5), (8, 5), (10, 9), (11, 5), (12, 5), (13, 5), (14, 5), (15, 5)])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuvj420p"])
def test_a_matrix_that_ffmpeg_cannot_convert_has_one_that_stands_in(pixels: str, tag: int, matrix: int) -> None:
    values = (63, 102, 240)
    frame = av.VideoFrame(64, 48, pixels)
    for plane, value in zip(frame.planes, values, strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    frame.colorspace = tag
    expected = to_rgb(*values, matrix=matrix, full_range=pixels == "yuvj420p")
    image = FrameScaler(64, 48, max_side=None, orientation=UPRIGHT).from_frame(frame)
    np.testing.assert_allclose(image[24, 32], expected, atol=3)


@pytest.mark.parametrize("pixels", ["rgb24", "gbrp", "rgba", "gray", "nv12", "yuv420p10le"])
def test_other_pixel_formats(pixels: str) -> None:
    picture = np.full((48, 64, 3), (200, 30, 90), dtype=np.uint8)
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
    if pixels != "rgb24":
        frame = frame.reformat(format=pixels)
    image = FrameScaler(64, 48, max_side=32, orientation=UPRIGHT).from_frame(frame)
    assert image.shape == (24, 32, 3)
    np.testing.assert_allclose(image[12, 16], (88, 88, 88) if pixels == "gray" else (200, 30, 90), atol=3)


def test_arrays_of_other_decoders() -> None:
    picture = np.arange(48 * 64 * 3, dtype=np.uint32).astype(np.uint8).reshape(48, 64, 3)
    scaler = FrameScaler(64, 48, max_side=None, orientation=UPRIGHT)
    np.testing.assert_array_equal(scaler.from_array(picture), picture)
    flat = np.full((48, 64, 3), (10, 200, 30), dtype=np.uint8)
    small = FrameScaler(64, 48, max_side=16, orientation=UPRIGHT).from_array(flat[:, ::1])
    assert small.shape == (12, 16, 3)
    np.testing.assert_allclose(small, np.broadcast_to((10, 200, 30), small.shape), atol=1)


def test_turned_frames_are_scaled_and_turned() -> None:
    picture = np.zeros((48, 64, 3), dtype=np.uint8)
    picture[:, :16] = 255  # the left side comes to the top
    scaler = FrameScaler(64, 48, max_side=32, orientation=Orientation(rotation_degrees=90, mirrored=False))
    image = scaler.from_frame(av.VideoFrame.from_ndarray(picture, format="rgb24"))
    assert image.shape == (32, 24, 3)
    assert image[:6].min() == 255
    assert image[10:].max() == 0
