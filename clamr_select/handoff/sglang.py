"""The selection as SGLang's offline ``Engine`` takes it: the output of the model's own processor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clamr_select.errors import InputError
from clamr_select.handoff.transformers import to_transformers
from clamr_select.selection import Pair, Selection

if TYPE_CHECKING:
    from transformers import ProcessorMixin


def to_sglang(
    selection: Selection,
    processor: ProcessorMixin,
    *,
    question: str | None = None,
    pair: Pair | None = None,
    max_side: int | None = None,
) -> dict[str, Any]:
    """See :meth:`Selection.to_sglang`."""
    if processor is None:
        raise InputError("to_sglang() runs the model's own processor: pass AutoProcessor.from_pretrained(…)")
    video = to_transformers(selection, processor=processor, pair=pair, max_side=max_side)
    asked = selection.question if question is None else question
    content = [{"type": "video", "video": video.pop("videos")[0]}, {"type": "text", "text": asked}]
    conversation: list[Any] = [{"role": "user", "content": content}]
    inputs: Any = processor.apply_chat_template(  # annotated as str, whatever return_dict says
        conversation,
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        processor_kwargs=video,
    )
    return {
        "input_ids": inputs["input_ids"][0].tolist(),
        "video_data": [{**inputs, "format": "processor_output"}],
    }
