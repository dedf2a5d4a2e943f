"""Text cut to a number of tokens for each modality."""

from __future__ import annotations

from collections.abc import Mapping

from clamr_select.errors import InputError
from clamr_select.model import ClamrProcessor
from clamr_select.training.data.rows import TEXT_MODALITIES

PAPER_TOKENS: Mapping[str, int] = dict.fromkeys(TEXT_MODALITIES, 256)


class TextBudgets:
    """Cuts the text of a modality after so many tokens of the model's tokenizer, between two tokens.

    Args:
        processor: the model's; its tokenizer is a fast one.
        max_tokens: modality to tokens, 0 to the processor's ``max_text_tokens``, which a modality that is not named
            has.

    Raises:
        InputError: no text modality, or a number of tokens out of range.
    """

    def __init__(self, processor: ClamrProcessor, *, max_tokens: Mapping[str, int] = PAPER_TOKENS) -> None:
        most = processor.max_text_tokens
        for modality, tokens in max_tokens.items():
            if modality not in TEXT_MODALITIES or tokens < 0:
                raise InputError(
                    f"budgets are at least 0 tokens of {', '.join(TEXT_MODALITIES)}, got {modality!r}: {tokens}"
                )
            if tokens > most:
                raise InputError(f"this model reads at most {most} tokens of a text, got {modality!r}: {tokens}")
        self._tokenizer = processor.tokenizer
        self._max_tokens = {**dict.fromkeys(TEXT_MODALITIES, most), **max_tokens}

    def keeps(self, modality: str) -> bool:
        """Whether anything of this modality is left."""
        return self._max_tokens[modality] != 0

    def cut(self, text: str, *, modality: str) -> tuple[str, int]:
        """The text within its budget, and how many tokens were cut off."""
        budget = self._max_tokens[modality]
        if not text:
            return text, 0
        spans = self._spans(text)
        total = len(spans)
        while len(spans) > budget:
            # a shorter text may fall into other tokens, so it is counted again
            end = min(spans[budget - 1][1] if budget else 0, len(text) - 1)
            text = text[:end].rstrip()
            spans = self._spans(text) if text else []
        return text, total - len(spans)

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """Where each token lies in the text, read as the processor reads it: after a space, nothing special."""
        encoded = self._tokenizer(
            " " + text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True
        )
        return [(max(0, start - 1), max(0, end - 1)) for start, end in encoded["offset_mapping"]]
