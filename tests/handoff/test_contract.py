"""The seconds that each consumer writes into its prompt or positions are those of the selection."""

from __future__ import annotations

import re

import numpy as np
import pytest

from clamr_select.errors import TimestampWarning

SCENES = (
    "constant",
    "odd_count",
    "one_frame",
    "first_frame",
    "adjacent",
    "all_frames",
    "ntsc",
    "variable",
    "variable_all",
    "sparse",
    "sparse_constant",
    "late_start",
)
WRITES_TENTHS = ("Qwen3-VL", "GLM-4.6V", "GLM-5", "VideoLLaMA3", "Molmo2", "Kimi-K2.5", "Nemotron-Omni")
WRITES_WHOLE_SECONDS = ("SmolVLM", "Gemma4", "GLM-4.1V")
WRITES_NOTHING = ("InternVL", "LLaVA-OneVision")
KNOWS_ONE_INTERVAL = ("Qwen2.5-VL", "Qwen2.5-Omni")
READS_IMAGES = ("Qwen2.5-VL", "Qwen3-VL", "InternVL", "LLaVA-OneVision", "SmolVLM", "GLM-4.6V", "GLM-4.1V")
TOLERANCE = 0.05 + 1e-9

# some processors of transformers convert arrays in ways that numpy 2 deprecates
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array_wrap__ must:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("model", WRITES_TENTHS)
def test_the_seconds_in_the_prompt_are_those_of_the_frames(consumer, scene, model, name):
    selection = scene(name)
    reader = consumer(model)

    _, prompt = reader.watch(selection)

    written = reader.seconds(prompt)
    np.testing.assert_allclose(written, selection.timestamps_seconds, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("model", ["Qwen3-VL", "GLM-4.6V"])
def test_an_unknown_consumer_gets_what_is_right_for_models_that_fuse(consumer, scene, model, name):
    selection, reader = scene(name), consumer(model)
    video = selection.to_transformers()

    _, prompt = reader.prompt([{"type": "video", "video": video.pop("videos")[0]}], **video)

    written = reader.seconds(prompt)
    np.testing.assert_allclose(written, selection.timestamps_seconds, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("model", READS_IMAGES)
def test_images_stand_behind_their_written_times(consumer, scene, model, name):
    selection, reader = scene(name), consumer(model)
    content = [*selection.to_chat_content(), {"type": "text", "text": "What?"}]

    _, prompt = reader.prompt(content)

    before, *parts = re.split(r"<(-?\d+\.\d+) seconds>", prompt)
    assert reader.image not in before
    np.testing.assert_allclose(
        [float(part) for part in parts[::2]], selection.timestamps_seconds, atol=TOLERANCE, rtol=0
    )
    assert all(reader.image in part for part in parts[1::2])  # an image after every time


@pytest.mark.parametrize("name", ["variable", "late_start"])
@pytest.mark.parametrize("model", WRITES_WHOLE_SECONDS)
def test_consumers_of_whole_seconds_cut_the_true_time_and_that_is_said(consumer, scene, model, name):
    selection, reader = scene(name), consumer(model)

    with pytest.warns(TimestampWarning, match="s off"):
        _, prompt = reader.watch(selection)

    assert reader.seconds(prompt) == [int(seconds) for seconds in selection.timestamps_seconds]


@pytest.mark.parametrize("model", WRITES_WHOLE_SECONDS)
def test_whole_seconds_of_a_constant_rate_are_not_one_less(consumer, scene, model):
    selection, reader = scene("sparse_constant"), consumer(model)

    _, prompt = reader.watch(selection)

    assert reader.seconds(prompt) == [10, 300, 950]


@pytest.mark.parametrize("model", WRITES_NOTHING)
def test_consumers_without_times_are_said_to_have_none(consumer, scene, model):
    reader = consumer(model)

    with pytest.warns(TimestampWarning, match=r"no place for times .* to_chat_content"):
        _, prompt = reader.watch(scene("constant"))

    assert "seconds" not in prompt


@pytest.mark.parametrize("model", KNOWS_ONE_INTERVAL)
def test_one_interval_is_right_where_frames_are_even_and_start_at_zero(consumer, scene, model):
    inputs, _ = consumer(model).watch(scene("constant", (0, 20, 40, 60)))

    interval = inputs["second_per_grid_ts" if model == "Qwen2.5-VL" else "video_second_per_grid"]
    assert inputs["video_grid_thw"][0, 0] == 4
    np.testing.assert_allclose(interval, [0.8], atol=1e-6)


@pytest.mark.parametrize("model", KNOWS_ONE_INTERVAL)
@pytest.mark.parametrize("name", ["variable", "late_start", "constant"])
def test_one_interval_for_uneven_frames_is_said_to_be_wrong(consumer, scene, model, name):
    with pytest.warns(TimestampWarning, match=r"as 0\.00 s|more than 0\.05 s off"):
        consumer(model).watch(scene(name))


def test_positions_of_qwen2_5_are_the_seconds_in_its_own_unit(consumer, scene, tiny_model):
    reader, model = consumer("Qwen2.5-VL"), tiny_model("Qwen2.5-VL")
    selection = scene("constant", (0, 25, 50, 75))
    inputs, _ = reader.watch(selection)

    positions, _ = model.model.get_rope_index(
        inputs["input_ids"],
        mm_token_type_ids=inputs["mm_token_type_ids"],
        video_grid_thw=inputs["video_grid_thw"],
        second_per_grid_ts=inputs["second_per_grid_ts"],
    )

    visual = inputs["input_ids"][0] == model.config.video_token_id
    steps = np.unique(positions[0, 0][visual].numpy())
    seconds = (steps - steps[0]) / model.config.vision_config.tokens_per_second
    np.testing.assert_allclose(seconds, selection.timestamps_seconds, atol=TOLERANCE)


@pytest.mark.parametrize(("model", "seen"), [("Qwen3-VL", [2.54, 180.7]), ("GLM-4.6V", [0.04, 61.35])])
def test_without_pairing_the_model_sees_what_it_makes_of_two_times(consumer, scene, model, seen):
    selection, reader = scene("variable", (1, 4, 8, 11)), consumer(model)  # 0.04, 5.04, 61.35 and 300.001 s

    with pytest.warns(TimestampWarning, match=r"[24] of 4 frames .* pair='repeat' shows every frame at its own"):
        _, prompt = reader.watch(selection, pair="none")

    np.testing.assert_allclose(reader.seconds(prompt), seen, atol=TOLERANCE)


def test_a_neighbor_shifts_the_time_by_half_a_frame(consumer, scene):
    reader, selection = consumer("Qwen3-VL"), scene("constant")

    _, prompt = reader.watch(selection, pair="neighbor")  # 25 fps: 0.02 s

    exact = [seconds + 0.02 for seconds in selection.timestamps_seconds]
    np.testing.assert_allclose(reader.seconds(prompt), exact, atol=TOLERANCE)


def test_a_distant_neighbor_is_said_to_shift_the_time(consumer, scene):
    reader = consumer("Qwen3-VL")

    with pytest.warns(TimestampWarning, match=r"of 0\.08 s as 2\.54 s with pair='neighbor'"):
        _, prompt = reader.watch(scene("variable", (2,)), pair="neighbor")

    assert reader.seconds(prompt) == [2.5]
