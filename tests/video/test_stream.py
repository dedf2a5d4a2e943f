from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from clamr_select.errors import FrameDecodeError, InputError
from clamr_select.video import open_video
from clamr_select.video.candidates import Candidates, sample_candidates
from clamr_select.video.stream import decode_candidates


def chosen(indices: list[int]) -> Candidates:
    return Candidates(np.array(indices, dtype=np.int64), np.array(indices) / 25)


@pytest.mark.parametrize("backend", ["pyav", "decord"])
@pytest.mark.parametrize("fps", [2.0, 25.0])
def test_candidates_and_neighbours(backend: str, fps: float, sample: Callable, read_barcode: Callable) -> None:
    with open_video(sample("h264.mp4"), backend=backend) as reader:  # type: ignore[arg-type]
        candidates = sample_candidates(reader.timestamps_seconds, candidate_fps=fps)
        alone = list(decode_candidates(reader, candidates))
        assert all(neighbor is None for _, neighbor in alone)
        assert [frame.frame_index for frame, _ in alone] == candidates.frame_indices.tolist()
        for (frame, neighbor), (single, _) in zip(
            decode_candidates(reader, candidates, with_neighbors=True), alone, strict=True
        ):
            assert neighbor is not None
            assert read_barcode(frame.image) == frame.frame_index == single.frame_index
            assert read_barcode(neighbor.image) == neighbor.frame_index == min(frame.frame_index + 1, 95)
            assert frame.image.shape == neighbor.image.shape


def test_pictures_are_reduced_by_default(make_video: Callable) -> None:
    with open_video(make_video("large.mp4", size=(448, 320), num_frames=3)) as reader:
        candidates = sample_candidates(reader.timestamps_seconds)
        assert [frame.image.shape for frame, _ in decode_candidates(reader, candidates)] == [(160, 224, 3)]
        full = decode_candidates(reader, candidates, max_side=None)
        assert [frame.image.shape for frame, _ in full] == [(320, 448, 3)]


def test_what_cannot_be_decoded_is_left_out_and_recorded(sample: Callable, truth: Callable) -> None:
    shown = set(truth("hole.mp4").barcodes)
    lost = sorted(set(range(96)) - shown)
    with open_video(sample("hole.mp4")) as reader:
        pairs = list(decode_candidates(reader, chosen([*range(0, 96, 3)]), with_neighbors=True))
        assert [frame.frame_index for frame, _ in pairs] == [i for i in range(0, 96, 3) if i in shown]
        for frame, neighbor in pairs:
            follows = frame.frame_index + 1
            assert neighbor is not None
            assert neighbor.frame_index == (follows if follows in shown else frame.frame_index)
        assert "undecodable_frames" in {code for code, _ in reader.warnings}

        reader.warnings.clear()
        with pytest.raises(FrameDecodeError, match=r"none of the candidate frames of .*hole\.mp4"):
            list(decode_candidates(reader, chosen(lost)))


def test_candidates_of_another_video(sample: Callable) -> None:
    with open_video(sample("one_frame.mp4")) as reader:
        with pytest.raises(InputError, match=r"0\.\.0"):
            decode_candidates(reader, chosen([0, 25]))
        with pytest.raises(InputError, match="max_side"):
            decode_candidates(reader, chosen([0]), max_side=0)


def test_memory_does_not_grow_with_the_length(make_video: Callable) -> None:
    """Frames are handed out and forgotten; numpy reports its arrays to tracemalloc."""
    with open_video(make_video("long.mp4", num_frames=300, size=(256, 192))) as reader:
        candidates = sample_candidates(reader.timestamps_seconds, candidate_fps=25)
        tracemalloc.start()
        try:
            for _ in decode_candidates(reader, candidates, with_neighbors=True):
                pass
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 8 * 224 * 168 * 3
