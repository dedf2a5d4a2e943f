"""vLLM: a video loader that selects frames inside the server, and prompts for the offline ``LLM``.

The loader. Installing this package is enough for vLLM to know it, under the name ``clamr_select`` (entry point
``vllm.general_plugins``); no model uses it until it is named::

    vllm serve MODEL --trust-request-mm-kwargs --media-io-kwargs '{"video": {"video_backend": "clamr_select"}}'

The question must come with the request, since loaders do not see the chat::

    client.chat.completions.create(messages=…, extra_body=extra_body("who signs the treaty?", num_frames=16))

For times that are right by construction select on the client: :meth:`Selection.vllm_extra_body`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clamr_select.errors import InputError, missing_dependency

if TYPE_CHECKING:
    from transformers import ProcessorMixin

    from clamr_select.handoff.pairing import Pair
    from clamr_select.selection import Selection

VIDEO_BACKEND = "clamr_select"


def register() -> None:
    """Add the video loader to vLLM's registry; vLLM calls this itself. Calling it again changes nothing.

    Raises:
        MissingDependencyError: vLLM is not installed.
    """
    try:
        from vllm.multimodal.video import VIDEO_LOADER_REGISTRY
    except ImportError as error:
        raise missing_dependency("vllm", extra="vllm", purpose="the video loader for vLLM") from error
    from clamr_select.integrations.vllm.backend import ClamrVideoBackend

    # without video_processor=…, which would make it some models' default
    VIDEO_LOADER_REGISTRY.register(VIDEO_BACKEND)(ClamrVideoBackend)


def extra_body(question_or_selection: str | Selection, *, num_frames: int = 8, **options: Any) -> dict[str, Any]:
    """``extra_body`` of a request whose video the server shall load with ``clamr_select``.

    Args:
        question_or_selection: what the server selects by; or a selection made before, of the same video file:
            its frames are loaded and nothing is selected.
        num_frames: moments to select by a question.
        **options: the other arguments of :meth:`ClamrVideoBackend.load_bytes`, e.g. ``max_side=640``.

    Raises:
        InputError: an empty question, or ``num_frames`` below 1; the server would refuse them too.
    """
    if question_or_selection == "" or num_frames < 1:
        raise InputError(
            f"a question and num_frames of at least 1 are needed, got {question_or_selection!r}, {num_frames}"
        )
    chosen: dict[str, Any]
    if isinstance(question_or_selection, str):
        chosen = {"question": question_or_selection, "num_frames": num_frames}
    else:
        indices = list(question_or_selection.frame_indices)
        times = list(question_or_selection.timestamps_seconds)
        # num_frames makes vLLM drop an fps that the server was started with, for its other loaders
        chosen = {"plan": {"frame_indices": indices, "timestamps_seconds": times}, "num_frames": len(indices)}
    return {
        "media_io_kwargs": {"video": {"video_backend": VIDEO_BACKEND, **chosen, **options}},
        "mm_processor_kwargs": {"do_sample_frames": False},
    }


def text_prompt(
    selection: Selection,
    prompt: str,
    *,
    processor: ProcessorMixin | None = None,
    pair: Pair | None = None,
    max_side: int | None = None,
) -> dict[str, Any]:
    """One prompt for the offline ``LLM.generate``: the text, the frames with their times, and no resampling.

    Args:
        prompt: with the model's video placeholder in it, as its chat template writes.
        processor, pair, max_side: as :meth:`Selection.to_vllm`, whose errors and warnings apply.
    """
    return {
        "prompt": prompt,
        "multi_modal_data": selection.to_vllm(processor, pair=pair, max_side=max_side),
        "mm_processor_kwargs": {"do_sample_frames": False},
    }
