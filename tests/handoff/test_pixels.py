"""The frames that reach a model's pixel values are the selected ones, and real models take them."""

from __future__ import annotations

import numpy as np
import pytest

from clamr_select.errors import TimestampWarning

# some processors of transformers convert arrays in ways that numpy 2 deprecates
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array_wrap__ must:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
PATCHED = ("Qwen3-VL", "Qwen2.5-VL", "GLM-4.6V", "GLM-4.1V")
WHOLE = ("InternVL", "LLaVA-OneVision", "SmolVLM")
MODELS = ("Qwen3-VL", "Qwen3.5", "Qwen2.5-VL", "InternVL", "LLaVA-OneVision", "SmolVLM")
CHOSEN = (2, 11, 30, 47, 80)
SAYS_NO_EXACT_TIME = pytest.mark.filterwarnings("ignore::clamr_select.errors.TimestampWarning")
"""Times are not what these tests are about."""


def frames_from_patches(patches: np.ndarray, grid: tuple[int, int, int], *, merge: int = 2) -> np.ndarray:
    """(num_frames, height, width, 3): the inverse of Qwen's patchify, frames fused by two taken apart."""
    steps, rows, columns = grid
    side = int((patches.shape[1] / 6) ** 0.5)
    parts = patches.reshape(steps, rows // merge, columns // merge, merge, merge, 3, 2, side, side)
    frames = parts.transpose(0, 6, 1, 3, 7, 2, 4, 8, 5)
    return frames.reshape(steps * 2, rows * side, columns * side, 3)


def barcodes(frames: np.ndarray, read) -> list[int]:
    """Numbers spelt by normalised pictures: what is brighter than the middle is a one."""
    return [read(255.0 * (frame > frame.mean())) for frame in frames]


@SAYS_NO_EXACT_TIME
@pytest.mark.parametrize("model", PATCHED)
def test_each_fused_patch_holds_one_frame_twice(consumer, scene, read_barcode, model):
    inputs, _ = consumer(model).watch(scene("constant", CHOSEN))

    grid = tuple(int(n) for n in inputs["video_grid_thw"][0])
    frames = frames_from_patches(inputs["pixel_values_videos"].numpy(), grid)

    assert barcodes(frames, read_barcode) == [number for number in CHOSEN for _ in range(2)]


@pytest.mark.parametrize("chosen", [(2, 30), (94, 95)])
def test_a_neighbor_is_the_frame_after_and_the_last_frame_its_own(consumer, scene, read_barcode, chosen):
    inputs, _ = consumer("Qwen3-VL").watch(scene("constant", chosen), pair="neighbor")

    grid = tuple(int(n) for n in inputs["video_grid_thw"][0])
    frames = frames_from_patches(inputs["pixel_values_videos"].numpy(), grid)

    assert barcodes(frames, read_barcode) == [n for first in chosen for n in (first, min(first + 1, 95))]


@SAYS_NO_EXACT_TIME
@pytest.mark.parametrize("model", WHOLE)
def test_models_that_do_not_fuse_get_each_frame_once(consumer, scene, read_barcode, model):
    inputs, _ = consumer(model).watch(scene("constant", CHOSEN))

    values = inputs["pixel_values_videos"] if model == "LLaVA-OneVision" else inputs["pixel_values"]
    frames = values.numpy().reshape(-1, *values.shape[-3:]).transpose(0, 2, 3, 1)

    assert barcodes(frames, read_barcode) == list(CHOSEN)


@SAYS_NO_EXACT_TIME
@pytest.mark.parametrize("style", ["video", "images"])
@pytest.mark.parametrize("model", MODELS)
def test_a_real_model_answers(consumer, scene, tiny_model, model, style):
    reader, selection = consumer(model), scene("variable", (1, 4, 9))
    if style == "video":
        inputs, _ = reader.watch(selection)
    else:
        inputs, _ = reader.prompt([*selection.to_chat_content(), {"type": "text", "text": "What?"}])

    answer = tiny_model(model).generate(**inputs, max_new_tokens=2, do_sample=False)

    assert answer.shape[1] == inputs["input_ids"].shape[1] + 2


def test_frames_of_the_unpaired_video_are_still_told_apart(consumer, scene, read_barcode):
    with pytest.warns(TimestampWarning):
        inputs, _ = consumer("Qwen3-VL").watch(scene("constant", (3, 60, 90)), pair="none")

    grid = tuple(int(n) for n in inputs["video_grid_thw"][0])
    frames = frames_from_patches(inputs["pixel_values_videos"].numpy(), grid)
    assert barcodes(frames, read_barcode) == [3, 60, 90, 90]
