"""qwen-vl-utils itself, with our drop-in and with our reader in its registry."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest
import qwen_vl_utils
import torch
from PIL import Image
from qwen_vl_utils import vision_process

from clamr_select.errors import ClamrSelectError, InputError, TimestampWarning, VideoNotFoundError
from clamr_select.integrations.qwen import process_vision_info, register, unregister
from clamr_select.integrations.serving import use_selector
from clamr_select.selector import FrameSelector

QUESTION = "which number?"
EXACT = {"ocr": "off", "candidate_fps": 30}
ALL = {"return_video_kwargs": True, "return_video_metadata": True}
MAX_ERROR_SECONDS = 0.05


@pytest.fixture(scope="module")
def selector() -> FrameSelector:
    return FrameSelector.from_pretrained("clamr-nano", device="cpu")


@pytest.fixture
def registered(selector) -> Iterator[None]:
    register(selector)
    yield
    unregister()
    use_selector(None)


def ask(*blocks, text: str | None = QUESTION):
    """One user message."""
    return [{"role": "user", "content": [*blocks, *([{"type": "text", "text": text}] if text else [])]}]


def video(path, **keys):
    return {"type": "video", "video": str(path), **keys}


def seconds(metadata) -> list[float]:
    return [index / metadata["fps"] for index in metadata["frames_indices"]]


def test_the_signature_is_theirs_and_a_selector():
    theirs = list(inspect.signature(qwen_vl_utils.process_vision_info).parameters.values())
    ours = list(inspect.signature(process_vision_info).parameters.values())

    def said(parameter):
        return parameter.name, parameter.kind, parameter.default

    assert [said(p) for p in ours[: len(theirs)]] == [said(p) for p in theirs]


@pytest.mark.parametrize("indices", [(3,), (0, 1, 2), (0, 5, 9, 14, 15), tuple(range(16))], ids=len)
def test_frames_come_with_their_seconds(selector, numbered_video, selection_of, read, indices):
    selection = selection_of(numbered_video, *indices)
    messages = ask(video(numbered_video, selection=selection))
    images, videos, kwargs = process_vision_info(messages, selector=selector, image_patch_size=16, **ALL)
    ((frames, metadata),) = videos

    assert images is None
    assert kwargs == {"do_sample_frames": False}
    assert [read(frame.permute(1, 2, 0).numpy()) for frame in frames] == [i for i in indices for _ in range(2)]
    assert seconds(metadata)[::2] == pytest.approx(selection.timestamps_seconds, abs=MAX_ERROR_SECONDS)
    assert all(type(number) is int for number in (metadata["total_num_frames"], *metadata["frames_indices"]))


def test_the_text_of_the_message_is_the_question(selector, variable_video, read):
    expected = selector.select(variable_video, QUESTION, num_frames=4, **EXACT)
    messages = ask(video(variable_video, nframes=8))
    _, videos = process_vision_info(messages, return_video_metadata=True, selector=selector, **EXACT)

    assert [read(frame.permute(1, 2, 0).numpy()) for frame in videos[0][0][::2]] == list(expected.frame_indices)
    assert messages == ask(video(variable_video, nframes=8))


def test_a_question_in_the_block_comes_first(selector, variable_video):
    asked: list[tuple[str, int]] = []

    class Recorder:
        def select(self, path, question, *, num_frames, **options):
            asked.append((question, num_frames))
            return selector.select(path, question, num_frames=num_frames, **options)

    for keys in ({"question": "mine?"}, {"fps": 0.2, "max_frames": 8}, {}):
        process_vision_info(ask(video(variable_video, **keys)), selector=Recorder(), return_video_metadata=True)

    # 16 frames in 60 s: qwen-vl-utils takes 12 at 0.2 a second, 8 at most
    assert asked == [("mine?", 8), (QUESTION, 4), (QUESTION, 8)]


def test_the_budget_of_pixels_holds(selector, constant_video, selection_of):
    block = video(constant_video, selection=selection_of(constant_video, 1), min_pixels=28 * 28, max_pixels=9600)
    _, ((frames, metadata),) = process_vision_info(ask(block), selector=selector, return_video_metadata=True)

    assert frames.shape[2] * frames.shape[3] <= 9600
    assert (metadata["height"], metadata["width"]) == tuple(frames.shape[2:])


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    "keys",
    [{}, {"max_pixels": 9600, "min_pixels": 784}, {"total_pixels": 40_000, "min_pixels": 784},
     {"resized_height": 64, "resized_width": 96}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("patch_size", [14, 16])
def test_pixels_are_those_of_a_video_that_qwen_vl_utils_reads(selector, variable_video, selection_of, keys, patch_size):
    messages = ask(video(variable_video, selection=selection_of(variable_video, 1, 5, 9), **keys))
    how = {"return_video_metadata": True, "image_patch_size": patch_size}
    ours = process_vision_info(messages, selector=selector, **how)[1][0][0]
    theirs = qwen_vl_utils.process_vision_info(messages, **how)[1][0][0]

    assert torch.equal(ours, theirs)


def test_qwen2_5_is_told_the_mean_interval_and_the_user_that_it_is_one(selector, variable_video, selection_of):
    block = video(variable_video, selection=selection_of(variable_video, 0, 3, 5))
    with pytest.warns(TimestampWarning, match="Qwen2.5-VL will show"):
        _, videos, kwargs = process_vision_info(ask(block), return_video_kwargs=True, selector=selector)

    assert isinstance(videos[0], torch.Tensor)
    assert kwargs == {"do_sample_frames": False, "fps": [pytest.approx(2 / 1.25)]}


def test_images_and_lists_of_frames_go_through_as_theirs(selector):
    pictures = [Image.new("RGB", (64, 64), color) for color in ("red", "blue")]
    messages = ask({"type": "image", "image": pictures[0]}, {"type": "video", "video": pictures, "sample_fps": 1.0})
    ours = process_vision_info(messages, selector=selector, **ALL)
    theirs = qwen_vl_utils.process_vision_info(messages, **ALL)

    assert ours[0] == theirs[0]
    assert torch.equal(ours[1][0][0], theirs[1][0][0])
    assert ours[1][0][1] == theirs[1][0][1]
    assert process_vision_info([{"role": "user", "content": "hello"}], selector=selector) == (None, None)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"question": ""}, "selected by a question"),
        ({"question": QUESTION, "video_start": 1.0}, "video_start and video_end"),
        ({"question": QUESTION, "nframes": 1}, "nframes must be"),
        ({"question": QUESTION, "nframes": 8.0}, "nframes must be"),
    ],
)
def test_what_cannot_be_selected_is_an_error_in_both_ways(selector, registered, constant_video, keys, message):
    messages = ask(video(constant_video, **keys), text=None)
    with pytest.raises(InputError, match=message):
        process_vision_info(messages, selector=selector)
    with pytest.raises(InputError, match=message):
        qwen_vl_utils.process_vision_info(messages)


def test_a_selection_of_another_video(selector, constant_video, variable_video, selection_of):
    messages = ask(video(constant_video, selection=selection_of(variable_video, 1)))
    with pytest.raises(InputError, match="the block's selection is of"):
        process_vision_info(messages, selector=selector)


@pytest.mark.usefixtures("registered")
def test_the_reader_serves_qwen_vl_utils(selector, numbered_video, read):
    expected = selector.select(numbered_video, QUESTION, num_frames=3, **EXACT)
    messages = ask(video(numbered_video, question=QUESTION, nframes=6, select_options=EXACT))
    _, videos, _ = qwen_vl_utils.process_vision_info(messages, image_patch_size=16, **ALL)
    ((frames, metadata),) = videos

    assert [read(frame.permute(1, 2, 0).numpy()) for frame in frames[::2]] == list(expected.frame_indices)
    assert seconds(metadata)[::2] == pytest.approx(expected.timestamps_seconds, abs=MAX_ERROR_SECONDS)
    assert len(frames) == 6


@pytest.mark.usefixtures("registered")
def test_a_file_that_is_not_there_is_our_error(tmp_path):
    with pytest.raises(VideoNotFoundError):
        qwen_vl_utils.process_vision_info(ask(video(f"file://{tmp_path}/none.mp4", question=QUESTION)))


def test_registering_twice_and_back(selector, monkeypatch):
    own = dict(vision_process.VIDEO_READER_BACKENDS)
    register(selector)
    register()
    assert vision_process.get_video_reader_backend() == "clamr_select"
    assert set(vision_process.VIDEO_READER_BACKENDS) == {*own, "clamr_select"}
    unregister()
    unregister()

    assert own == vision_process.VIDEO_READER_BACKENDS
    assert vision_process.get_video_reader_backend() != "clamr_select"
    use_selector(None)


def test_the_error_of_one_video_is_not_raised_for_the_next(registered, constant_video):
    bad = video(constant_video)
    with pytest.raises(ClamrSelectError):
        vision_process.fetch_video(bad)
    # torchvision's reader is reached for another block, and fails by itself where torchvision reads no video
    with pytest.raises(Exception) as caught:
        vision_process.VIDEO_READER_BACKENDS["torchvision"](video(constant_video))
    assert not isinstance(caught.value, ClamrSelectError)


def test_an_exported_selection_keeps_the_shape_of_its_pictures(selection_of, constant_video, read):
    pytest.importorskip("qwen_vl_utils")
    _, ((frames, _),), _ = selection_of(constant_video, 3, 50, 119).to_qwen_vl_utils()

    height, width = frames.shape[2:]
    assert abs(height / width - 96 / 128) < 0.05  # whole patches, but not bent to a square
    assert [read(frame.permute(1, 2, 0).numpy()) for frame in frames] == [3, 3, 50, 50, 119, 119]
