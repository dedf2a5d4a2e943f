"""``generate`` as a generator: pieces of text as they are made, and an end when nobody reads on."""

from __future__ import annotations

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import BatchFeature, ProcessorMixin

_DONE = object()


def generate_pieces(
    model: Any, processor: ProcessorMixin, *, inputs: BatchFeature, max_new_tokens: int, stream: bool
) -> Generator[str, None, tuple[str, torch.Tensor]]:
    """Greedy decoding of one prompt by a transformers model.

    With ``stream`` the model runs in a thread of its own. It is asked to stop, and waited for, when the generator
    is closed; an error of the model is raised here.

    Returns:
        The whole text without special tokens, and the new tokens, (num_new_tokens,) int64.
    """
    options = {"max_new_tokens": max_new_tokens, "do_sample": False, "num_beams": 1}
    if stream:
        tokens = yield from _generate_in_thread(model, processor, inputs=inputs, options=options)
        return _decode(processor, tokens), tokens
    sequences = model.generate(**inputs, **options)
    tokens = sequences[0, inputs["input_ids"].shape[1] :]
    text = _decode(processor, tokens)
    yield text
    return text, tokens


def _generate_in_thread(
    model: Any, processor: ProcessorMixin, *, inputs: BatchFeature, options: dict[str, Any]
) -> Generator[str, None, torch.Tensor]:
    from transformers import TextStreamer

    pieces: SimpleQueue[Any] = SimpleQueue()
    nobody_reads = threading.Event()

    class Pieces(TextStreamer):
        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
            if text:
                pieces.put(text)

    def stop(input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.Tensor:
        return input_ids.new_full((len(input_ids),), nobody_reads.is_set()).bool()

    streamer = Pieces(processor.tokenizer, skip_prompt=True, skip_special_tokens=True)
    with ThreadPoolExecutor(1, thread_name_prefix="clamr-select-generate") as pool:
        made = pool.submit(model.generate, **inputs, **options, streamer=streamer, stopping_criteria=[stop])
        made.add_done_callback(lambda _: pieces.put(_DONE))
        try:
            yield from iter(pieces.get, _DONE)
        finally:
            nobody_reads.set()
    return made.result()[0, inputs["input_ids"].shape[1] :]


def _decode(processor: ProcessorMixin, tokens: torch.Tensor) -> str:
    return processor.tokenizer.decode(tokens, skip_special_tokens=True)
