"""What is emitted for whom, and what is said when the seconds will not be right."""

from __future__ import annotations

import numpy as np
import pytest

from clamr_select.errors import FrameDecodeError, InputError, TimestampWarning, UnknownNameError
from clamr_select.handoff.consumers import TimeChannel, shown_seconds, time_channel
from clamr_select.handoff.pairing import plan_emission, resolve_pair

FUSES = TimeChannel("fuses", "mean", num_fused=2)
FUSES_FOUR = TimeChannel("fuses four", "first", num_fused=4)
FUSES_NONE = TimeChannel("one by one", "each")
LABELS_BOTH = TimeChannel("labels both", "each", num_fused=2)


@pytest.mark.parametrize(
    ("channel", "pair"), [(FUSES, "repeat"), (FUSES_FOUR, "repeat"), (FUSES_NONE, "none"), (LABELS_BOTH, "none")]
)
def test_the_default_is_what_keeps_the_seconds_right(channel, pair):
    assert resolve_pair(None, channel) == pair


def test_an_unknown_pairing_is_refused(scene):
    with pytest.raises(UnknownNameError, match="choose from neighbor, none, repeat"):
        scene("constant").to_transformers(pair="double")


def test_an_empty_selection_is_refused(scene):
    empty = scene("constant", ())

    for call in (empty.to_transformers, empty.to_chat_content, empty.to_openai_messages, empty.vllm_extra_body):
        with pytest.raises(InputError, match="no frame"):
            call()


@pytest.mark.parametrize(
    ("channel", "pair", "emitted"),
    [
        (FUSES, None, (2, 2, 11, 11, 30, 30)),
        (FUSES_FOUR, None, (2,) * 4 + (11,) * 4 + (30,) * 4),
        (FUSES_NONE, None, (2, 11, 30)),
        (FUSES_NONE, "repeat", (2, 2, 11, 11, 30, 30)),
        (LABELS_BOTH, None, (2, 11, 30)),
        (FUSES, "neighbor", (2, 3, 11, 12, 30, 31)),
    ],
)
def test_the_order_of_the_emitted_frames(scene, channel, pair, emitted):
    emission = plan_emission(scene("constant", (2, 11, 30)), channel, pair=pair)

    assert emission.frame_indices == emitted
    assert emission.timestamps_seconds == tuple(index / 25 for index in emitted)


def test_neighbors_of_adjacent_frames_are_decoded_once_each(scene, read_barcode):
    emission = plan_emission(scene("constant", (40, 41, 95)), FUSES, pair="neighbor")

    frames = emission.decode(max_side=64)

    assert emission.frame_indices == (40, 41, 41, 42, 95, 95)
    assert [read_barcode(frame) for frame in frames] == [40, 41, 41, 42, 95, 95]
    assert frames.shape == (6, 48, 64, 3)


def test_a_changed_video_is_noticed(scene):
    from dataclasses import replace

    selection = scene("constant", (2, 3))
    moved = replace(selection, timestamps_seconds=(0.08, 0.5))

    with pytest.raises(FrameDecodeError, match="the video changed since"):
        moved.to_transformers()


def test_without_pairing_an_unknown_consumer_is_warned_of(scene):
    with pytest.warns(TimestampWarning, match="a model that fuses two frames, as Qwen3-VL") as caught:
        scene("constant").to_transformers(pair="none")

    assert caught[0].filename == __file__  # the caller's line, not one of the package


@pytest.mark.parametrize(
    ("channel", "times", "shown"),
    [
        (FUSES, [10, 300, 400], [155, 155, 400]),
        (FUSES_FOUR, [1, 2, 3, 4, 9], [1, 1, 1, 1, 9]),
        (FUSES_NONE, [1.5, 2.5], [1.5, 2.5]),
        (TimeChannel("cuts", "each", unit="seconds_cut"), [1.9, 2.0], [1.0, 2.0]),
        (TimeChannel("rounds", "each", unit="seconds_rounded"), [1.9, 2.2], [2.0, 2.0]),
        (TimeChannel("interval", "interval", num_fused=2), [5, 5, 7, 7, 10, 10], [0, 0, 2.5, 2.5, 5, 5]),
        (TimeChannel("interval", "interval", num_fused=2), [5, 5], [0, 0]),
        (TimeChannel("blind", "nothing"), [1, 2], [None, None]),
    ],
)
def test_what_a_consumer_shows(channel, times, shown):
    assert shown_seconds(times, channel) == shown


def test_a_processor_of_an_unknown_class_is_judged_by_what_it_fuses():
    class Videos:
        temporal_patch_size = 3

    class SomeProcessor:
        video_processor = Videos()

    assert time_channel(SomeProcessor()) == TimeChannel("SomeProcessor", "nothing", num_fused=3)
    assert time_channel(None).mixes_times


def test_subclasses_of_a_known_processor_are_known(consumer):
    known = type(consumer("Qwen3-VL").processor)
    subclass = type("MyProcessor", (known,), {})
    processor = subclass.__new__(subclass)
    processor.video_processor = consumer("Qwen3-VL").processor.video_processor

    assert time_channel(processor) == TimeChannel("MyProcessor", "mean", num_fused=2)


def test_metadata_is_fresh_for_each_call(scene):
    """Qwen3-VL's processor lengthens the list it is given."""
    selection = scene("constant")
    first = selection.to_transformers()["video_metadata"][0]
    first["frames_indices"].append(99)

    assert 99 not in selection.to_transformers()["video_metadata"][0]["frames_indices"]


def test_metadata_is_what_transformers_takes(scene):
    from transformers.video_utils import VideoMetadata

    selection = scene("variable")
    video = selection.to_transformers(max_side=64)
    metadata = VideoMetadata(**video["video_metadata"][0])

    assert (metadata.height, metadata.width) == video["videos"][0].shape[1:3] == (48, 64)
    assert video["videos"][0].dtype == np.uint8
    assert metadata.timestamps[::2] == pytest.approx(selection.timestamps_seconds, abs=1e-3)
    assert all(type(index) is int for index in metadata.frames_indices)
