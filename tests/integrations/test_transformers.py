"""A patched processor loads the selected frames with their seconds, and is itself again afterwards."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from transformers.video_utils import VideoMetadata

from clamr_select.errors import InputError
from clamr_select.integrations.transformers import patch

MAX_ERROR_SECONDS = 0.05 + 1e-6  # times are written in tenths


def ask(processor, *videos, **processor_kwargs):
    """(inputs, the seconds in the prompt) of a chat that names videos by path."""
    content = [*({"type": "video", "path": str(video)} for video in videos), {"type": "text", "text": "What?"}]
    inputs = processor.apply_chat_template(
        [{"role": "user", "content": content}],
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        processor_kwargs=processor_kwargs,
    )
    prompt = processor.tokenizer.decode(inputs["input_ids"][0])
    return inputs, [float(found) for found in re.findall(r"<(\d+\.\d) seconds>", prompt)]


@pytest.mark.parametrize("sampling", [{}, {"fps": 2}, {"num_frames": 4}, {"do_sample_frames": False}], ids=str)
def test_the_prompt_holds_the_selected_seconds(build, numbered_video, selection_of, sampling):
    processor = build("Qwen3-VL")
    selection = selection_of(numbered_video, 1, 5, 14)
    with patch(processor, selection):
        inputs, seconds = ask(processor, numbered_video, **sampling)

    assert seconds == pytest.approx(selection.timestamps_seconds, abs=MAX_ERROR_SECONDS)
    assert inputs["video_grid_thw"][0, 0] == 3


def test_the_pixels_are_those_of_the_selection(build, constant_video, selection_of, read):
    processor = build("InternVL")
    with patch(processor, selection_of(constant_video, 3, 77)), pytest.warns(UserWarning, match="no place for times"):
        pixels = processor.video_processor(
            [str(constant_video)], return_tensors="np", do_normalize=False, do_rescale=False
        )["pixel_values_videos"]

    assert [read(frame.transpose(1, 2, 0)) for frame in pixels.reshape(-1, *pixels.shape[-3:])] == [3, 77]


def test_several_videos_are_told_apart(build, constant_video, variable_video, selection_of):
    processor = build("Qwen3-VL")
    first, second = selection_of(constant_video, 10), selection_of(variable_video, 5, 11)
    with patch(processor, second, first):
        _, seconds = ask(processor, constant_video, variable_video)

    assert seconds == pytest.approx([0.5, 2.5, 20.0], abs=MAX_ERROR_SECONDS)


def test_an_array_of_the_whole_video_is_sampled(build, constant_video, selection_of, read):
    processor = build("Qwen3-VL")
    whole = np.stack(selection_of(constant_video, *range(120)).frames())
    metadata = VideoMetadata(total_num_frames=120, fps=20.0)
    with patch(processor, selection_of(constant_video, 8, 90)):
        made = processor.video_processor(
            [whole], video_metadata=[metadata], do_sample_frames=True, return_metadata=True, return_tensors="pt"
        )

    assert list(made["video_metadata"][0].frames_indices) == [8, 8, 90, 90]


def test_an_array_without_a_rate_has_no_times(build, constant_video, selection_of):
    processor = build("Qwen3-VL")
    with patch(processor, selection_of(constant_video, 1)), pytest.raises(InputError, match="needs video_metadata"):
        processor.video_processor([np.zeros((120, 64, 64, 3), np.uint8)], do_sample_frames=True)


def test_an_array_may_be_of_either_video(build, constant_video, variable_video, selection_of):
    processor = build("Qwen3-VL")
    whole, metadata = np.zeros((16, 64, 64, 3), np.uint8), VideoMetadata(total_num_frames=16, fps=1.0)
    both = (selection_of(constant_video, 1), selection_of(variable_video, 1))
    with patch(processor, *both), pytest.raises(InputError, match="which video"):
        processor.video_processor([whole], video_metadata=[metadata], do_sample_frames=True)


def test_afterwards_the_processor_is_what_it_was(build, constant_video, selection_of):
    processor = build("Qwen3-VL")
    video_processor = processor.video_processor
    before = type(video_processor), dict(vars(video_processor)), video_processor.to_json_string()
    with patch(processor, selection_of(constant_video, 1)):
        assert type(video_processor) is not before[0]
        assert isinstance(video_processor, before[0])
        assert json.loads(video_processor.to_json_string()) == json.loads(before[2])

    assert (type(video_processor), dict(vars(video_processor)), video_processor.to_json_string()) == before


def test_also_after_an_error(build, constant_video, variable_video, selection_of):
    processor = build("Qwen3-VL")
    before = type(processor.video_processor)
    with (
        pytest.raises(InputError, match=r"no selection of .*variable\.mp4"),
        patch(processor, selection_of(constant_video, 1)),
    ):
        ask(processor, variable_video)

    assert type(processor.video_processor) is before


def test_nested_the_inner_one_counts(build, constant_video, selection_of):
    processor = build("Qwen3-VL")
    with patch(processor, selection_of(constant_video, 20)):
        with patch(processor, selection_of(constant_video, 60)):
            assert ask(processor, constant_video)[1] == [3.0]
        assert ask(processor, constant_video)[1] == [1.0]


def test_a_video_processor_alone_may_be_patched(build, constant_video, selection_of):
    processor = build("Qwen3-VL")
    alone = processor.video_processor
    with patch(alone, selection_of(constant_video, 20, 21)), pytest.warns(UserWarning, match="no place for times"):
        made = alone([str(constant_video)], return_metadata=True, return_tensors="pt")

    assert [index / made["video_metadata"][0].fps for index in made["video_metadata"][0].frames_indices][::2] == [
        1.0,
        1.05,
    ]


def test_what_cannot_be_patched(build, constant_video, selection_of):
    processor = build("Qwen3-VL")
    one = selection_of(constant_video, 1)
    for bad in ((), (one, one)):
        with pytest.raises(InputError, match="one selection a video"), patch(processor, *bad):
            pass
    with pytest.raises(InputError, match="no video processor"), patch(processor.tokenizer, one):
        pass
    omni = build("Qwen2.5-Omni")
    with pytest.raises(InputError, match="times from its call alone"), patch(omni, one):
        pass


def test_a_list_of_selections_is_refused(build, constant_video, selection_of):
    with pytest.raises(InputError, match="one by one"), patch(build("Qwen3-VL"), [selection_of(constant_video, 1)]):
        pass
