"""A trained nano under another vocabulary: what it knows of words is kept, piece by piece."""

from __future__ import annotations

import math

import torch
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from clamr_select.errors import InputError
from clamr_select.model import ClamrForRetrieval
from clamr_select.training.nano import nano_model

_TABLE = "vlm.language_model.embed_tokens.weight"


def with_vocabulary(
    model: ClamrForRetrieval, *, old: PreTrainedTokenizerBase, new: PreTrainedTokenizerFast
) -> ClamrForRetrieval:
    """The same weights for the pieces of ``new``, to be trained on.

    A piece that both vocabularies have keeps its embedding. Another is cut into the longest pieces of ``old`` that
    spell it, from its beginning, and starts as their sum over the square root of their number, which keeps the scale.

    Args:
        model: of nano's shape.
        old: the tokenizer that it was trained with.
        new: from :func:`clamr_select.training.tokenizer.train_tokenizer`.

    Raises:
        InputError: a piece of ``new`` holds a character that ``old`` does not know, or the model has another shape.
    """
    weights = model.state_dict()
    known, table = old.get_vocab(), weights[_TABLE]
    rows = torch.empty(len(new), table.shape[1], dtype=table.dtype)
    for piece, index in new.get_vocab().items():
        parts = _spelled(piece, known)
        rows[index] = table[parts].sum(0) / math.sqrt(len(parts))
    moved = nano_model(new)
    try:
        moved.load_state_dict({**weights, _TABLE: rows})
    except RuntimeError as error:
        raise InputError(f"only a model of nano's shape can take another vocabulary: {error}") from error
    return moved


def _spelled(piece: str, known: dict[str, int]) -> list[int]:
    """The ids of the pieces that it falls into."""
    parts: list[int] = []
    start = 0
    while start < len(piece):
        end = next((end for end in range(len(piece), start, -1) if piece[start:end] in known), None)
        if end is None:
            raise InputError(
                f"the new vocabulary's piece {piece!r} holds {piece[start]!r}, which the model's own lacks; train the "
                "vocabulary on text without it, or a model from nothing"
            )
        parts.append(known[piece[start:end]])
        start = end
    return parts
