"""A VLM in this process: any image-text-to-text model of transformers."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from clamr_select.answer.answer import Usage
from clamr_select.answer.generation import generate_pieces
from clamr_select.answer.prompt import with_placeholders
from clamr_select.answer.vlm import Reply, Turn
from clamr_select.errors import CheckpointError, InputError, ModelNotFoundError, UnsafeWeightsError, unknown_name

if TYPE_CHECKING:
    import numpy as np
    import torch
    from transformers import PreTrainedModel, ProcessorMixin

    from clamr_select.handoff.chat import ChatStyle
    from clamr_select.selection import Selection

FrameStyle = Literal["auto", "images", "video"]


class TransformersVlm:
    """Asks a model and its processor.

    Args:
        model: an image-text-to-text model, ready on its device.
        processor: the model's own, with a chat template.
        style: ``images`` writes the time before each frame, ``video`` hands over one video with metadata; ``auto``
            takes ``video`` where the class writes each frame's second from the metadata to a tenth (Qwen3-VL,
            GLM-4.6V, …), else ``images``.
        max_side: frames are scaled down to this many pixels on their longer side; the processor has its own
            limits beside.
        processor_options: arguments of the processor's call, e.g. ``{"do_image_splitting": False}``.

    Raises:
        InputError: the processor has no chat template.
        UnknownNameError: no such style.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        processor: ProcessorMixin,
        *,
        style: FrameStyle = "auto",
        max_side: int = 768,
        processor_options: Mapping[str, Any] | None = None,
    ) -> None:
        if style not in get_args(FrameStyle):
            raise unknown_name("style", style, get_args(FrameStyle))
        if not getattr(processor, "chat_template", None):
            raise InputError(f"{type(processor).__name__} has no chat template; take an instruction-tuned model")
        self.model, self.processor, self.max_side = model, processor, max_side
        self.processor_options = dict(processor_options or {})
        self.style: ChatStyle = best_style(processor) if style == "auto" else style
        self.name = str(model.name_or_path or type(model).__name__)

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path,
        *,
        dtype: str | torch.dtype = "auto",
        device_map: str | dict[str, Any] = "auto",
        style: FrameStyle = "auto",
        max_side: int = 768,
        processor_options: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> TransformersVlm:
        """Load a hub id or a directory: safetensors only, and no remote code.

        Args:
            dtype, device_map: as transformers has them; ``auto`` takes a GPU where there is one.
            style, max_side, processor_options: as the class has them.
            **options: for both ``from_pretrained``s: ``revision``, ``token``, ``cache_dir``, ``local_files_only``;
                and for the model's, e.g. ``attn_implementation``.

        Raises:
            ModelNotFoundError: no such directory or hub id, or files that cannot be read.
            UnsafeWeightsError: the weights are pickles.
            CheckpointError: not an image-text-to-text model, or weights that do not fit it.
        """
        from transformers import AutoModelForImageTextToText, AutoProcessor

        if options.pop("trust_remote_code", False):
            raise InputError("trust_remote_code is never used here; take a model whose class is in transformers")
        location = str(name_or_path)
        _refuse_pickles(location)
        hub = {k: v for k, v in options.items() if k in ("revision", "token", "cache_dir", "local_files_only")}
        try:
            processor = AutoProcessor.from_pretrained(location, trust_remote_code=False, **hub)
            loaded: Any = AutoModelForImageTextToText.from_pretrained(
                location,
                dtype=dtype,
                device_map=device_map,
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
                **options,
            )
        except OSError as error:
            raise ModelNotFoundError(f"cannot load the VLM {location!r}: {_first_line(error)}") from error
        except (ValueError, RuntimeError) as error:
            raise CheckpointError(f"{location} is no usable image-text-to-text model: {_first_line(error)}") from error
        model, report = loaded  # a pair, since the loading info was asked for
        if report["missing_keys"]:
            missing = sorted(report["missing_keys"])
            raise CheckpointError(f"{location} lacks {len(missing)} weights of its model, e.g. {missing[0]}")
        return cls(model.eval(), processor, style=style, max_side=max_side, processor_options=processor_options)

    def reply(self, turns: Sequence[Turn], *, max_new_tokens: int, stream: bool = False) -> Generator[str, None, Reply]:
        """See :class:`clamr_select.answer.vlm.Vlm`. Decoding is greedy."""
        messages, videos = self._messages(turns)
        encoded: Any = self.processor.apply_chat_template(
            messages,
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={**self.processor_options, **videos},
        )
        inputs = encoded.to(self.model.device, self.model.dtype)
        pieces = generate_pieces(
            self.model, self.processor, inputs=inputs, max_new_tokens=max_new_tokens, stream=stream
        )
        text, tokens = yield from pieces
        finished = len(tokens) < max_new_tokens or int(tokens[-1]) in self._end_tokens()
        usage = Usage(inputs["input_ids"].shape[1], len(tokens))
        return Reply(text, with_placeholders(messages), usage, "stop" if finished else "length")

    def _end_tokens(self) -> set[int]:
        ends = self.model.generation_config.eos_token_id
        return set(ends) if isinstance(ends, list) else {ends}

    def _messages(self, turns: Sequence[Turn]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Chat messages, and the processor's arguments for the videos in them."""
        messages: list[dict[str, Any]] = []
        metadata: list[dict[str, Any]] = []
        for turn in turns:
            content: list[dict[str, Any]] = []
            if turn.selection is not None:
                content = turn.selection.to_chat_content(
                    style=self.style,
                    processor=self.processor if self.style == "video" else None,
                    subtitles=turn.subtitles,
                    max_side=self.max_side,
                )
                metadata += [self._metadata(turn.selection, b["video"]) for b in content if b["type"] == "video"]
            text = f"\n{turn.text}" if content else turn.text  # templates put nothing between the blocks
            messages.append({"role": "user", "content": [*content, {"type": "text", "text": text}]})
            if turn.reply is not None:
                messages.append({"role": "assistant", "content": [{"type": "text", "text": turn.reply}]})
        return messages, {"video_metadata": [metadata], "do_sample_frames": False} if metadata else {}

    def _metadata(self, selection: Selection, frames: np.ndarray) -> dict[str, Any]:
        from clamr_select.handoff.consumers import time_channel
        from clamr_select.handoff.pairing import plan_emission
        from clamr_select.handoff.transformers import video_metadata

        channel = time_channel(self.processor)
        height, width = frames.shape[1:3]
        return video_metadata(plan_emission(selection, channel, pair=None), channel, size=(height, width))


def best_style(processor: ProcessorMixin) -> ChatStyle:
    """``video`` where the class writes each frame's time from the metadata to a tenth of a second, else ``images``."""
    from clamr_select.handoff.consumers import time_channel

    channel = time_channel(processor)
    return "video" if channel.shown in ("each", "first", "mean") and channel.unit == "tenths" else "images"


def _refuse_pickles(location: str) -> None:
    directory = Path(location)
    if directory.is_dir() and not any(directory.glob("*.safetensors")):
        pickled = sorted(path.name for path in directory.glob("*.bin"))
        if pickled:
            raise UnsafeWeightsError(
                f"{location} holds {', '.join(pickled)} and no safetensors; only safetensors are read, since pickled "
                "weights can run code"
            )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
