"""A client for OpenAI-compatible servers that sends selections: as a video with its times, else as images with theirs.

client = SelectionClient(openai.OpenAI(base_url="http://localhost:8000/v1", api_key="none"), model="qwen3-vl")
sent = client.ask(selector.select("talk.mp4", "Who signs?"))
sent.response.choices[0].message.content, sent.style, sent.fallback
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

from clamr_select.answer.openai_client import Fallback, OnRefusal, SentChat, Style, create_chat_completion
from clamr_select.errors import InputError, unknown_name

if TYPE_CHECKING:
    from openai import OpenAI

    from clamr_select.selection import Selection

__all__ = ["Fallback", "SelectionClient", "SentChat"]


class SelectionClient:
    """Asks one model of one server about selections.

    Frames go first as one native video with a time for each (``style="video_url"``), which vLLM takes when it runs
    with ``--trust-request-mm-kwargs``. Unlike the rest of this package this client falls back unasked: where the
    server refuses (HTTP 400, 415 or 422 that names the video or its arguments) the same frames go as images behind
    their written times. Every answer says so in ``fallback``, and the server is not asked for video again.

    Args:
        client: an ``openai.OpenAI``; its address, key, retries and timeouts hold.
        model: the server's name of the model.
        style: ``video_url``, or ``images`` from the start.
        on_refusal: ``images``; or ``error``, which raises what the server said.
        max_side: frames are scaled down to this many pixels on their longer side.

    Raises:
        UnknownNameError: no such ``style`` or ``on_refusal``.
    """

    def __init__(
        self,
        client: OpenAI,
        *,
        model: str,
        style: Style = "video_url",
        on_refusal: OnRefusal = "images",
        max_side: int = 768,
    ) -> None:
        for kind, name, allowed in (
            ("style", style, get_args(Style)),
            ("on_refusal", on_refusal, get_args(OnRefusal)),
        ):
            if name not in allowed:
                raise unknown_name(kind, name, allowed)
        if not hasattr(client, "chat"):
            raise InputError(f"client must be an openai.OpenAI(base_url=…), got {client!r}")
        self.client, self.model, self.style, self.on_refusal, self.max_side = client, model, style, on_refusal, max_side
        self._refusal: Fallback | None = None

    def ask(
        self, selection: Selection, question: str | None = None, *, subtitles: bool = False, **options: Any
    ) -> SentChat:
        """``client.chat.completions.create`` about the frames of a selection.

        Args:
            question: None takes the question of the selection.
            subtitles: quote the words around the frames, delimited as data.
            **options: for ``create``: ``stream``, ``temperature``, ``max_tokens``, …

        Returns:
            The response, the messages it is a response to, how the frames were sent, and the fallback, if any.

        Raises:
            ServerUnreachableError, ServerError: see :func:`clamr_select.answer.create_chat_completion`.
        """
        sent = create_chat_completion(
            self.client,
            selection,
            question,
            model=self.model,
            style="images" if self._refusal else self.style,
            on_refusal=self.on_refusal,
            subtitles=subtitles,
            max_side=self.max_side,
            **options,
        )
        if self._refusal:
            return replace(sent, fallback=self._refusal)
        self._refusal = sent.fallback
        return sent
