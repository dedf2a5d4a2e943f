"""A selection as the ``sample_indices_fn`` of transformers' own readers."""

from __future__ import annotations

import numpy as np
import pytest
from transformers.utils import is_cv2_available, is_decord_available
from transformers.video_utils import VideoMetadata, load_video

from clamr_select.errors import InputError, TimestampWarning

READERS = [
    "pyav",
    pytest.param("opencv", marks=pytest.mark.skipif(not is_cv2_available(), reason="needs opencv")),
    pytest.param("decord", marks=pytest.mark.skipif(not is_decord_available(), reason="needs decord")),
    "torchcodec",
]


def load(selection, backend):
    if backend == "torchcodec":
        try:
            from torchcodec.decoders import VideoDecoder

            VideoDecoder(selection.video)
        except (ImportError, RuntimeError) as error:
            if "libtorchcodec" not in str(error):
                raise
            pytest.skip("torchcodec does not load here: it needs FFmpeg, and a torch of its own build")
    frames, metadata = load_video(selection.video, backend=backend, sample_indices_fn=selection)
    frames = np.asarray(frames)
    return frames.transpose(0, 2, 3, 1) if frames.shape[1] == 3 else frames, metadata


@pytest.mark.parametrize("name", ["constant", "odd_count", "one_frame", "all_frames", "ntsc"])
@pytest.mark.parametrize("backend", READERS)
def test_readers_of_transformers_load_the_selected_frames(scene, read_barcode, backend, name):
    selection = scene(name)

    frames, metadata = load(selection, backend)

    assert [read_barcode(frame) for frame in frames] == list(selection.frame_indices)
    np.testing.assert_allclose(metadata.timestamps, selection.timestamps_seconds, atol=0.05)


@pytest.mark.parametrize("backend", READERS)
def test_of_variable_rate_the_frames_are_right_and_the_times_are_said_to_be_wrong(scene, read_barcode, backend):
    selection = scene("variable")

    with pytest.warns(TimestampWarning, match="load_video computes times as index"):
        frames, _ = load(selection, backend)

    assert [read_barcode(frame) for frame in frames] == list(selection.frame_indices)


def test_indices_are_sorted_unique_integers(scene):
    indices = scene("constant")(metadata=VideoMetadata(total_num_frames=96, fps=25.0), num_frames=5, fps=None)

    assert indices.dtype == np.int64
    assert indices.tolist() == [2, 11, 30, 47]


def test_a_reader_that_does_not_know_the_length_is_trusted(scene):
    """Matroska headers count 0 frames."""
    assert scene("constant")(VideoMetadata(total_num_frames=0)).tolist() == [2, 11, 30, 47]


def test_a_reader_that_counts_other_frames_is_refused(scene):
    with pytest.raises(InputError, match=r"counts 97 frames, .* has 96"):
        scene("constant")(VideoMetadata(total_num_frames=97, fps=25.0))


def test_an_empty_selection_is_refused(scene):
    with pytest.raises(InputError, match="no frame"):
        scene("constant", ())(VideoMetadata(total_num_frames=96, fps=25.0))
