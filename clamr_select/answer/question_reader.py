"""A language model behind an OpenAI-compatible server reads what a question asks of time."""

from __future__ import annotations

from clamr_select.answer.openai_client import send_chat
from clamr_select.answer.openai_vlm import OpenAIVlm


class OpenAIQuestionReader:
    """For ``question_rules`` of ``IndexedVideo.select``: called with a prompt, returns the reply.

    Args:
        base_url: up to and with the version, e.g. ``http://localhost:8000/v1``.
        model: the server's name of the model.
        api_key: sent to this server alone.
        timeout_seconds: of one request.

    Raises:
        MissingDependencyError: ``openai`` is not installed.
        InputError: ``base_url`` is no http(s) address.
    """

    def __init__(self, base_url: str, *, model: str, api_key: str | None = None, timeout_seconds: float = 60.0) -> None:
        self._server = OpenAIVlm(base_url, model=model, api_key=api_key, timeout_seconds=timeout_seconds)

    def __call__(self, prompt: str) -> str:
        """
        Raises:
            ServerUnreachableError, ServerError: nothing answers, or with an error.
        """
        sent = send_chat(
            self._server.client,
            lambda _: ([{"role": "user", "content": prompt}], {}),
            model=self._server.name,
            temperature=0.0,
            max_tokens=512,
        )
        return sent.response.choices[0].message.content or ""
