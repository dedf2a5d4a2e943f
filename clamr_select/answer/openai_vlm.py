"""A VLM behind an OpenAI-compatible server: vLLM, SGLang, ``transformers serve``, llama.cpp, a hosted service."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from clamr_select.answer.answer import Usage
from clamr_select.answer.openai_client import (
    OnRefusal,
    Style,
    check_choice,
    import_openai,
    send_chat,
    server_error,
    unreachable,
)
from clamr_select.answer.prompt import with_placeholders
from clamr_select.answer.vlm import Reply, Turn
from clamr_select.errors import InputError, ServerError

NO_KEY = "none"
"""Sent where no key is given. The environment is not read: a key in it may be meant for another server."""
MaxTokensField = Literal["max_tokens", "max_completion_tokens"]


class OpenAIVlm:
    """Asks a server through the ``openai`` package.

    Args:
        base_url: up to and with the version, e.g. ``http://localhost:8000/v1``.
        model: the server's name of the model; None takes the only one it serves.
        api_key: sent to this server alone.
        style: ``images`` with written times works everywhere; ``video_url`` is vLLM's native video.
        on_refusal: where the server refuses ``video_url``: raise, or send ``images`` and record it in the answer.
        max_side: frames are scaled down to this many pixels on their longer side.
        max_tokens_field: newer models of OpenAI take only ``max_completion_tokens``.
        timeout_seconds: of one request.
        **request_options: further arguments of ``chat.completions.create``, e.g. ``temperature``, ``seed``,
            ``extra_body``. ``temperature`` is 0 if not given, and not sent if None.

    Raises:
        MissingDependencyError: ``openai`` is not installed.
        InputError: ``base_url`` is no http(s) address.
        UnknownNameError: no such ``style``, ``on_refusal`` or ``max_tokens_field``.
        ServerUnreachableError, ServerError: ``model`` is None, and the server could not be asked for its models,
            or has several.
    """

    def __init__(
        self,
        base_url: str,
        *,
        model: str | None = None,
        api_key: str | None = None,
        style: Style = "images",
        on_refusal: OnRefusal = "error",
        max_side: int = 768,
        max_tokens_field: MaxTokensField = "max_tokens",
        timeout_seconds: float = 600.0,
        **request_options: Any,
    ) -> None:
        check_choice("style", style, get_args(Style))
        check_choice("on_refusal", on_refusal, get_args(OnRefusal))
        check_choice("max_tokens_field", max_tokens_field, get_args(MaxTokensField))
        if not _is_address(base_url):
            raise InputError(f"base_url must be an address like http://localhost:8000/v1, got {base_url!r}")
        self.client = import_openai().OpenAI(base_url=base_url, api_key=api_key or NO_KEY, timeout=timeout_seconds)
        self.name = self._only_model() if model is None else model
        self.style, self.on_refusal, self.max_side = style, on_refusal, max_side
        self.max_tokens_field = max_tokens_field
        given = {"temperature": 0.0, **request_options}
        self.request_options = {name: value for name, value in given.items() if value is not None}

    def reply(self, turns: Sequence[Turn], *, max_new_tokens: int, stream: bool = False) -> Generator[str, None, Reply]:
        """See :class:`clamr_select.answer.vlm.Vlm`.

        Raises:
            ServerUnreachableError, ServerError: nothing answers, or with an error.
        """
        sent = send_chat(
            self.client,
            lambda style: self._request(turns, style),
            model=self.name,
            style=self.style,
            on_refusal=self.on_refusal,
            stream=stream,
            **({"stream_options": {"include_usage": True}} if stream else {}),
            **{self.max_tokens_field: max_new_tokens},
            **self.request_options,
        )
        said = self._streamed(sent.response) if stream else self._whole(sent.response)
        text, usage, finish_reason = yield from said
        return Reply(text, with_placeholders(sent.messages), usage, finish_reason, fallback=sent.fallback)

    def _request(self, turns: Sequence[Turn], style: Style) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Messages, and arguments for vLLM: those hold for all videos of a request, so only the last is one."""
        shown = [turn for turn in turns if turn.selection is not None]
        messages: list[dict[str, Any]] = []
        media_arguments: dict[str, Any] = {}
        for turn in turns:
            if turn.selection is None:
                messages.append({"role": "user", "content": turn.text})
            else:
                own: Style = style if turn is shown[-1] else "images"
                messages += turn.selection.to_openai_messages(
                    turn.text, style=own, subtitles=turn.subtitles, max_side=self.max_side
                )
                media_arguments = turn.selection.vllm_extra_body() if own == "video_url" else {}
            if turn.reply is not None:
                messages.append({"role": "assistant", "content": turn.reply})
        return messages, media_arguments

    def _whole(self, completion: Any) -> Generator[str, None, tuple[str, Usage | None, str | None]]:
        if not completion.choices:
            raise ServerError(f"the server at {self.client.base_url} sent no choices: {completion}")
        (choice,) = completion.choices
        text = choice.message.content or ""
        yield text
        return text, _usage(completion.usage), choice.finish_reason

    def _streamed(self, chunks: Any) -> Generator[str, None, tuple[str, Usage | None, str | None]]:
        openai = import_openai()
        pieces, usage, finish_reason = [], None, None
        try:
            for chunk in chunks:
                usage = _usage(chunk.usage) or usage
                for choice in chunk.choices:
                    finish_reason = choice.finish_reason or finish_reason
                    if choice.delta.content:
                        pieces.append(choice.delta.content)
                        yield choice.delta.content
        except openai.APIConnectionError as error:
            raise unreachable(self.client, error) from error
        except openai.APIError as error:
            raise server_error(self.client, error) from error
        except json.JSONDecodeError as error:
            raise ServerError(f"the server at {self.client.base_url} sent a broken stream: {error}") from error
        finally:
            chunks.close()  # the server stops generating for a reader who has left
        if finish_reason is None:
            raise ServerError(f"the server at {self.client.base_url} broke off its answer after {len(pieces)} pieces")
        return "".join(pieces), usage, finish_reason

    def _only_model(self) -> str:
        openai = import_openai()
        try:
            names = [model.id for model in self.client.models.list()]
        except openai.APIConnectionError as error:
            raise unreachable(self.client, error) from error
        except openai.APIError as error:
            raise server_error(self.client, error) from error
        if len(names) != 1:
            some = ", ".join(names[:8]) or "none"
            raise ServerError(f"the server at {self.client.base_url} offers {len(names)} models ({some}); name one")
        return names[0]


def _is_address(base_url: str) -> bool:
    try:
        address = urlsplit(base_url)
        return address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:  # a host in brackets that are not closed, a port that is no number
        return False


def _usage(usage: Any) -> Usage | None:
    return Usage(usage.prompt_tokens, usage.completion_tokens) if usage else None
