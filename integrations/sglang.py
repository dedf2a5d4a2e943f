"""SGLang: messages for its server, arguments for its offline ``Engine``.

SGLang's server has no way to say when frames are: a video is sampled again, evenly, and arrays lose their metadata.
So a client sends images with their times written before them, and the ``Engine`` gets what the model's own processor
makes. A server plugin is left out: it would replace private functions of SGLang, model family by model family.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clamr_select.selection import Pair, Selection

if TYPE_CHECKING:
    from transformers import ProcessorMixin

SEVERAL_IMAGES = "multi-images"
"""SGLang's word for images of one request that belong together; some models cut a lone image into tiles."""


def chat_messages(
    selection: Selection, question: str | None = None, *, subtitles: bool = False, max_side: int | None = 768
) -> list[dict[str, Any]]:
    """``messages`` of a chat completion of SGLang's server: ``<12.3 seconds>`` before each image.

    Args:
        question, subtitles, max_side: as :meth:`Selection.to_openai_messages`, whose errors apply.
    """
    messages = selection.to_openai_messages(question, style="images", subtitles=subtitles, max_side=max_side)
    for message in messages:
        for part in message["content"]:
            if part["type"] == "image_url":
                part["modalities"] = SEVERAL_IMAGES
    return messages


def generate_arguments(
    selection: Selection,
    processor: ProcessorMixin,
    *,
    question: str | None = None,
    pair: Pair | None = None,
    max_side: int | None = None,
    **sampling_params: Any,
) -> dict[str, Any]:
    """Arguments of the offline ``Engine``: ``engine.generate(**generate_arguments(selection, processor))``.

    Args:
        processor: the model's, with a chat template, from ``AutoProcessor``.
        question, pair, max_side: as :meth:`Selection.to_sglang`, whose errors and warnings apply.
        **sampling_params: SGLang's, e.g. ``max_new_tokens=64``; none leaves its own.
    """
    arguments = selection.to_sglang(processor, question=question, pair=pair, max_side=max_side)
    return {**arguments, "sampling_params": sampling_params} if sampling_params else arguments
