"""A selection sent to an OpenAI-compatible server, with a recorded fallback where the server refuses video.

Only vLLM takes frames with their own times as one native video (``style="video_url"``): a ``video_url`` part of
JPEG frames, and ``media_io_kwargs`` beside it that say when each frame is. It refuses those unless it was started
with ``--trust-request-mm-kwargs``, and other servers refuse them as unknown fields. ``style="images"``, times
written before each image, works on every server that takes images.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from clamr_select.errors import ServerError, ServerUnreachableError, missing_dependency, unknown_name

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAI

    from clamr_select.selection import Selection

Style = Literal["images", "video_url"]
OnRefusal = Literal["error", "images"]
Build = Callable[[Style], tuple[list[dict[str, Any]], dict[str, Any]]]
"""Style to (messages, extra_body)."""

REFUSAL_STATUS_CODES = (400, 415, 422)
REFUSED_NAMES = ("media_io_kwargs", "mm_processor_kwargs", "video_url", "video/jpeg", "trust-request-mm-kwargs")
"""One of these is named where a server refuses frames sent as a video; another refusal would refuse images too."""
MAX_REASON_CHARACTERS = 300


@dataclass(frozen=True)
class Fallback:
    """What was asked for could not be had; what was asked for in its place was used."""

    asked: str
    used: str
    reason: str
    """What the server said, at most 300 characters."""


@dataclass(frozen=True)
class SentChat:
    """The server's response (a ``ChatCompletion``, or a stream of chunks) and what it is a response to."""

    response: Any
    messages: list[dict[str, Any]]
    style: Style
    fallback: Fallback | None


def create_chat_completion(
    client: OpenAI,
    selection: Selection,
    question: str | None = None,
    *,
    model: str,
    style: Style = "video_url",
    on_refusal: OnRefusal = "error",
    subtitles: bool = False,
    max_side: int = 768,
    **options: Any,
) -> SentChat:
    """``client.chat.completions.create`` about the frames of a selection.

    Args:
        client: an ``openai.OpenAI``, for any server that speaks its chat completions.
        question: what is asked after the frames; None asks ``selection.question``.
        model: the server's name of the model.
        style: how the frames are sent.
        on_refusal: where the server refuses ``video_url``: raise, or send ``images`` and record it.
        subtitles: quote the words around the frames, delimited as data.
        max_side: frames are scaled down to this many pixels on their longer side.
        **options: for ``create``: ``stream``, ``max_tokens``, ``temperature``, ``extra_body``, …

    Raises:
        ServerUnreachableError, ServerError: as :func:`send_chat`.
        UnknownNameError: no such style or ``on_refusal``.
    """
    text = selection.question if question is None else question

    def build(style: Style) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        messages = selection.to_openai_messages(text, style=style, subtitles=subtitles, max_side=max_side)
        return messages, selection.vllm_extra_body() if style == "video_url" else {}

    return send_chat(client, build, model=model, style=style, on_refusal=on_refusal, **options)


def send_chat(
    client: OpenAI,
    build: Build,
    *,
    model: str,
    style: Style = "images",
    on_refusal: OnRefusal = "error",
    **options: Any,
) -> SentChat:
    """Send what ``build(style)`` makes; where the server refuses video and it was asked for, ``build("images")``.

    Raises:
        ServerUnreachableError: nothing answers at the client's address, or not in time.
        ServerError: the server answered with an error.
        UnknownNameError: no such style or ``on_refusal``.
    """
    check_choice("style", style, get_args(Style))
    check_choice("on_refusal", on_refusal, get_args(OnRefusal))
    openai = import_openai()
    messages, extra_body = build(style)
    try:
        response = _create(client, media_arguments=extra_body, model=model, messages=messages, **options)
    except openai.APIStatusError as error:
        if style != "video_url" or not is_refusal_of_video(error):
            raise server_error(client, error) from error
        if on_refusal == "error":
            raise _refused(client, error) from error
        fallback = Fallback(asked=style, used="images", reason=_reason(error))
    else:
        return SentChat(response, messages=messages, style=style, fallback=None)
    sent = send_chat(client, build, model=model, style="images", **options)
    return SentChat(sent.response, messages=sent.messages, style="images", fallback=fallback)


def import_openai() -> Any:
    """The ``openai`` package.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import openai
    except ImportError as error:
        raise missing_dependency("openai", extra="openai", purpose="talking to an OpenAI-compatible server") from error
    return openai


def check_choice(kind: str, name: str, allowed: Sequence[str]) -> None:
    if name not in allowed:
        raise unknown_name(kind, name, allowed)


def is_refusal_of_video(error: APIStatusError) -> bool:
    """Whether a server refused frames sent as a video, or the arguments that give their times."""
    said = f"{error.message} {error.body}"
    return error.status_code in REFUSAL_STATUS_CODES and any(name in said for name in REFUSED_NAMES)


def unreachable(client: OpenAI, error: Exception) -> ServerUnreachableError:
    """A connection error or timeout of the ``openai`` package, as one of ours."""
    return ServerUnreachableError(f"no answer from {client.base_url}: {_reason(error)} Is the server running there?")


def no_completion(client: OpenAI) -> ServerError:
    """For an answer that is no chat completion, as of a login page."""
    return ServerError(
        f"what answers at {client.base_url} is no OpenAI-compatible server: expected a chat completion, got something "
        "else. Does the address end in /v1, and is it the port of the model server?"
    )


def server_error(client: OpenAI, error: Exception) -> ServerError:
    """An error of the ``openai`` package, as one of ours."""
    return ServerError(f"the server at {client.base_url} answered with an error: {_reason(error)}")


def _create(client: OpenAI, *, media_arguments: dict[str, Any], **request: Any) -> Any:
    openai = import_openai()
    extra_body = {**(request.pop("extra_body", None) or {}), **media_arguments}
    try:
        response = client.chat.completions.create(**request, extra_body=extra_body or None)
    except openai.APIConnectionError as error:  # a timeout is one too
        raise unreachable(client, error) from error
    except json.JSONDecodeError as error:
        raise no_completion(client) from error
    if not request.get("stream") and not hasattr(response, "choices"):  # the package hands other text on as it is
        raise no_completion(client)
    return response


def _refused(client: OpenAI, error: Exception) -> ServerError:
    return ServerError(
        f"the server at {client.base_url} refuses frames sent as a video: {_reason(error)}; use style='images', or "
        "ask for it as a fallback with on_refusal='images' (a vLLM server takes video with --trust-request-mm-kwargs)"
    )


def _reason(error: Exception) -> str:
    """What was said, on one line. The package leaves a body out of its message where it is not in OpenAI's form."""
    body = getattr(error, "body", None)
    message = str(error) if body is None or str(body) in str(error) else f"{error}: {_detail(body)}"
    said = " ".join(message.split())
    return said if len(said) <= MAX_REASON_CHARACTERS else said[: MAX_REASON_CHARACTERS - 1] + "…"


def _detail(body: object) -> object:
    """FastAPI's servers put their message there."""
    return body["detail"] if isinstance(body, dict) and "detail" in body else body
