"""What writes queries: a server that speaks OpenAI's chat completions, or a model in this process."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from PIL import Image

from clamr_select.errors import (
    InputError,
    ModelNotFoundError,
    ServerError,
    ServerUnreachableError,
    UnsafeWeightsError,
    missing_dependency,
)
from clamr_select.training.queries.prompts import Message

if TYPE_CHECKING:
    from openai import OpenAI

JPEG_QUALITY = 85
SEED_BITS = 31


@dataclass(frozen=True)
class Written:
    """An answer."""

    text: str
    cut_off: bool
    """The token limit ended it, so its last line may not be whole."""


class QueryWriter(Protocol):
    name: str
    """Of the model."""
    settings: Mapping[str, Any]
    """What decides its answers, recorded with them."""
    takes_images: bool
    parallel: bool
    """Several threads may call at once."""

    def write(self, messages: Sequence[Message], *, seed: int) -> Written: ...


class OpenAIWriter:
    """Asks a server.

    Args:
        client: an ``openai.OpenAI``; it retries by itself.
        model: the server's name of the model.
        temperature: 0 takes the likeliest words; the seed is sent along, and servers may ignore it.
        max_tokens: of an answer.
        takes_images: the model reads pictures; without, queries about ``video`` cannot be written.
    """

    parallel = True

    def __init__(
        self,
        client: OpenAI,
        *,
        model: str,
        temperature: float = 0.7,
        max_tokens: int = 256,
        takes_images: bool = True,
    ) -> None:
        self.name = model
        self.settings: Mapping[str, Any] = {"model": model, "temperature": temperature, "max_tokens": max_tokens}
        self.takes_images = takes_images
        self._client = client
        self._temperature = temperature
        self._max_tokens = max_tokens

    @classmethod
    def connect(cls, base_url: str, *, model: str, api_key: str = "none", **options: Any) -> OpenAIWriter:
        """A writer at an address.

        Raises:
            MissingDependencyError: the package ``openai`` is not installed.
        """
        try:
            from openai import OpenAI
        except ImportError as error:
            raise missing_dependency("openai", extra="openai", purpose="asking a server for queries") from error
        return cls(OpenAI(base_url=base_url, api_key=api_key, max_retries=4), model=model, **options)

    def write(self, messages: Sequence[Message], *, seed: int) -> Written:
        """Raises:
        ServerUnreachableError: nothing answers, or not in time.
        ServerError: the server answered with an error, or with no choice.
        """
        from openai import APIConnectionError, APIError

        try:
            completion = self._client.chat.completions.create(
                model=self.name,
                messages=[_openai_message(message) for message in messages],  # type: ignore[misc]
                temperature=self._temperature,
                max_tokens=self._max_tokens,
                seed=seed,
            )
        except APIConnectionError as error:
            raise ServerUnreachableError(f"no answer from {self._client.base_url}: {error}") from error
        except APIError as error:
            raise ServerError(f"the server at {self._client.base_url} answered with an error: {error}") from error
        choice = completion.choices[0] if completion.choices else None
        if choice is None:
            raise ServerError(f"the server at {self._client.base_url} answered without a choice")
        # a model that refuses, or a filter, leaves no text: no answer about this video, and the others have theirs
        return Written(choice.message.content or "", cut_off=choice.finish_reason == "length")


class LocalWriter:
    """A chat model of transformers in this process, with or without eyes. Build it with :meth:`from_pretrained`."""

    parallel = False

    def __init__(
        self, model: Any, processor: Any, *, name: str, takes_images: bool, temperature: float, max_tokens: int
    ) -> None:
        if not getattr(processor, "chat_template", None):
            raise InputError(f"{name} has no chat template; take an instruction-tuned model")
        self.name = name
        self.settings: Mapping[str, Any] = {"model": name, "temperature": temperature, "max_tokens": max_tokens}
        self.takes_images = takes_images
        self._model = model
        self._processor = processor
        self._temperature = temperature
        self._max_tokens = max_tokens

    @classmethod
    def from_pretrained(
        cls, name_or_path: str, *, temperature: float = 0.7, max_tokens: int = 256, device_map: str = "auto"
    ) -> LocalWriter:
        """Load a hub id or a directory: safetensors only, and no remote code.

        Raises:
            ModelNotFoundError: it is not there, or cannot be read.
            UnsafeWeightsError: its weights are not safetensors.
            InputError: it has no chat template.
        """
        from transformers import (
            AutoConfig,
            AutoModelForCausalLM,
            AutoModelForImageTextToText,
            AutoProcessor,
            AutoTokenizer,
        )
        from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

        safe: dict[str, Any] = {"trust_remote_code": False}
        try:
            sees = type(AutoConfig.from_pretrained(name_or_path, **safe)) in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
            processor = (AutoProcessor if sees else AutoTokenizer).from_pretrained(name_or_path, **safe)
            model_class: Any = AutoModelForImageTextToText if sees else AutoModelForCausalLM
            model = model_class.from_pretrained(
                name_or_path, use_safetensors=True, dtype="auto", device_map=device_map, **safe
            )
        except (OSError, ValueError) as error:
            if "safetensors" in str(error):
                raise UnsafeWeightsError(f"{name_or_path} has no safetensors; no other weights are read") from error
            raise ModelNotFoundError(f"cannot load {name_or_path!r}: {error}") from error
        return cls(
            model.eval(),
            processor,
            name=name_or_path,
            takes_images=sees,
            temperature=temperature,
            max_tokens=max_tokens,
        )

    def write(self, messages: Sequence[Message], *, seed: int) -> Written:
        import torch

        chat = [{"role": m.role, "content": _local_content(m, as_parts=self.takes_images)} for m in messages]
        inputs = self._processor.apply_chat_template(
            chat, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
        ).to(self._model.device)
        sampling = (
            {"do_sample": True, "temperature": self._temperature} if self._temperature > 0 else {"do_sample": False}
        )
        length = inputs["input_ids"].shape[1]
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(seed)
            output = self._model.generate(**inputs, max_new_tokens=self._max_tokens, **sampling)
        ids = output[0, length:]
        text = self._processor.decode(ids, skip_special_tokens=True)
        return Written(text, cut_off=len(ids) >= self._max_tokens)


def _local_content(message: Message, *, as_parts: bool) -> Any:
    if not as_parts:
        return message.text
    images = [{"type": "image", "image": Image.fromarray(image)} for image in message.images]
    return [*images, {"type": "text", "text": message.text}]


def _openai_message(message: Message) -> dict[str, Any]:
    if not message.images:
        return {"role": message.role, "content": message.text}
    images = [{"type": "image_url", "image_url": {"url": _data_url(image)}} for image in message.images]
    return {"role": message.role, "content": [*images, {"type": "text", "text": message.text}]}


def _data_url(image: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="JPEG", quality=JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
