"""A model for lmms-eval that reads the numbers off the frames it gets, and knows nothing else.

It answers with the option whose stretch most of its frames are of; where it saw none of them, with the first. It takes
its frames as Qwen-VL's adapters do (``oracle``) or decodes a file evenly (``oracle_file``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from lmms_eval.api.model import lmms
from lmms_eval.models.registry_v2 import ModelManifest
from lmms_eval.protocol import ChatMessages
from qwen_vl_utils import process_vision_info

from clamr_select.eval.longvideo.smoke import barcodes

_OPTION = re.compile(r"([A-Z])\. numbers (\d+) to (\d+)")


def answer(numbers: Sequence[int], prompt: str) -> str:
    """The letter of an option of the prompt."""
    options = [(letter, range(int(first), int(last) + 1)) for letter, first, last in _OPTION.findall(prompt)]
    if not options:
        raise ValueError(f"no options like 'A. numbers 10 to 29' in {prompt!r}")
    return max(options, key=lambda option: sum(number in option[1] for number in numbers))[0]


class _Oracle(lmms):
    def __init__(self, *, max_num_frames: int = 8, batch_size: int = 1, device: str = "cpu") -> None:
        super().__init__()
        self.max_num_frames, self.batch_size = max_num_frames, int(batch_size)
        self.accelerator = Accelerator()
        self.device = torch.device("cpu")
        self._rank, self._world_size = self.accelerator.process_index, self.accelerator.num_processes

    # abstract in lmms-eval's class; the tasks here only ask for answers in words
    def loglikelihood(self, requests: Any) -> Any:
        raise NotImplementedError

    def generate_until_multi_round(self, requests: Any) -> Any:
        raise NotImplementedError


class Oracle(_Oracle):
    is_simple = False
    clamr_reads = ("handle", "images", "frames", "clip")

    def generate_until(self, requests: Any) -> list[str]:
        return [self._answer(*request.args) for request in requests]

    def _answer(
        self, _: str, doc_to_messages: Any, gen_kwargs: dict[str, Any], doc_id: int, task: str, split: str
    ) -> str:
        gen_kwargs["top_p"] = None  # as many of lmms-eval's models do
        chat = ChatMessages(messages=doc_to_messages(self.task_dict[task][split][doc_id]))
        messages = chat.to_hf_messages(
            {"nframes": self.max_num_frames, "min_pixels": 28 * 28, "max_pixels": 32 * 32 * 32}
        )
        images, videos = process_vision_info(messages)
        pictures = [np.asarray(image) for image in images or []]
        pictures += [frame.permute(1, 2, 0).numpy() for video in videos or [] for frame in video]
        text = "\n".join(
            block["text"] for message in messages for block in message["content"] if block["type"] == "text"
        )
        return answer([barcodes.read(picture) for picture in pictures], text)


class OracleFile(_Oracle):
    is_simple = True

    def generate_until(self, requests: Any) -> list[str]:
        return [self._answer(*request.args) for request in requests]

    def _answer(
        self, context: str, gen_kwargs: dict[str, Any], doc_to_visual: Any, doc_id: int, task: str, split: str
    ) -> str:
        visuals = doc_to_visual(self.task_dict[task][split][doc_id])
        pictures = [picture for visual in visuals for picture in self._pictures(visual)]
        return answer([barcodes.read(np.asarray(picture)) for picture in pictures], context)

    def _pictures(self, visual: Any) -> list[Any]:
        if not isinstance(visual, str):
            return [visual]
        import decord

        reader = decord.VideoReader(visual)
        taken = np.linspace(0, len(reader) - 1, self.max_num_frames, dtype=int)
        return list(reader.get_batch(taken).asnumpy())


def manifests() -> list[ModelManifest]:
    """Payload of the entry point that the small world puts on the path."""
    return [
        ModelManifest("oracle", chat_class_path=f"{__name__}.Oracle"),
        ModelManifest("oracle_file", simple_class_path=f"{__name__}.OracleFile"),
    ]
