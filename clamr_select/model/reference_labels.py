"""Texts and labels of a document as the released CLaMR code makes them.

The released processor tokenises each text by itself to cut it and to count its tokens, writes all of them into one
chat turn, tokenises that again, and then labels so many tokens a text as it had counted, from the end of the frames
on. Tokens merge at the joints and the space before each text is one too many, so labels drift; what they do not reach
has no modality. Where labels matter, :mod:`clamr_select.model.processing_clamr` knows them by construction instead.

Source: ``process_combined`` and ``_build_modality_ids`` in ``src/models/*/processing_*.py`` of
github.com/meetdavidwan/clamr @353c30e.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from clamr_select.errors import InputError, unknown_name
from clamr_select.model.document import TextSegment
from clamr_select.model.layout import Sequence as TokenSequence
from clamr_select.scoring.reference import PADDED_TOKENS
from clamr_select.scoring.tokens import NO_CANDIDATE

Compat = Literal["corrected", "reference"]
"""Whose labels and scores: by construction and masked, or as the released code has them."""


def check_compat(name: str) -> None:
    """Raises UnknownNameError unless ``name`` is ``corrected`` or ``reference``."""
    if name not in get_args(Compat):
        raise unknown_name("compat", name, get_args(Compat))


@dataclass(frozen=True)
class ReferenceTexts:
    """The texts of one document, ready to be labelled."""

    token_ids: list[int]
    """Of all texts as they stand in the chat turn."""
    lengths: dict[str, int]
    """Modality to its number of tokens when tokenised alone: what the labels are laid by."""
    num_tokens_cut: dict[str, int]
    """Modality to tokens past the budget."""


def joined_texts(
    segments: Sequence[TextSegment], *, modalities: Sequence[str], prefixes: Mapping[str, str]
) -> dict[str, str]:
    """Modality to its prefix and all its words, in the order of ``modalities``."""
    texts = {}
    for modality in modalities:
        words = [segment.text for segment in segments if segment.modality == modality]
        if words:
            texts[modality] = " ".join([prefixes[modality].strip(), *words])
    return texts


def reference_texts(texts: Mapping[str, str], *, tokenizer: Any, max_text_tokens: int) -> ReferenceTexts:
    """Cut each text to its budget and tokenise all of them as one string.

    Args:
        texts: modality to its prefix and words, e.g. ``{"ocr": "OCR: Harbor 12:30"}``, in the order of the document.
        tokenizer: special tokens spelled out in a text are dropped, as decoding does upstream; what is left is
            never read as a special token.
        max_text_tokens: budget of each text, prefix included.
    """
    written, lengths, cut = [], {}, {}
    for modality, text in texts.items():
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        kept = ids[:max_text_tokens]
        written.append(" " + tokenizer.decode(kept, skip_special_tokens=True))
        lengths[modality] = len(kept)
        if len(ids) > len(kept):
            cut[modality] = len(ids) - len(kept)
    joined = "".join(written)
    token_ids = tokenizer(joined, add_special_tokens=False, split_special_tokens=True)["input_ids"] if joined else []
    return ReferenceTexts(token_ids=token_ids, lengths=lengths, num_tokens_cut=cut)


def reference_modality_ids(
    input_ids: Sequence[int],
    *,
    lengths: Mapping[str, int],
    modality_ids: Mapping[str, int],
    vision_start_id: int,
    vision_end_id: int,
    audio_id: int | None,
    user_id: int,
) -> np.ndarray:
    """(num_tokens,) int64 modality ids of one document; 0 is no modality.

    Args:
        input_ids: of the whole document, without padding.
        lengths: from :func:`reference_texts`, in the order of the document.
        modality_ids: modality to its id 1..M.
        vision_start_id, vision_end_id: marks around the frames; the first belongs to them, the second to nothing.
        audio_id: placeholder of the sound (Omni), or None.
        user_id: of the word ``user`` in the chat turn, where labels start in a document without frames or sound.

    Raises:
        InputError: neither frames, nor sound, nor the word ``user``: the released code fails there too.
    """
    ids = np.asarray(input_ids, dtype=np.int64)
    labels = np.zeros(len(ids), dtype=np.int64)
    inside = np.cumsum(ids == vision_start_id) - np.cumsum(ids == vision_end_id) > 0
    if inside.any():
        labels[inside] = modality_ids["video"]
    marks = [vision_end_id]
    if audio_id is not None and "audio" in modality_ids:
        labels[ids == audio_id] = modality_ids["audio"]
        marks.append(audio_id)
    # the first sound token, not the last: the texts are painted over the rest of the sound
    starts = [int(np.flatnonzero(ids == mark)[0]) + 1 for mark in marks if (ids == mark).any()]
    position = max(starts) if starts else _after_user(ids, user_id)
    for modality, length in lengths.items():
        labels[position : position + length] = modality_ids[modality]
        position += length
    return labels


def relabel(sequence: TokenSequence, *, modality_ids: np.ndarray, num_candidates: int) -> int:
    """Put the released labels on a document that is built, and cut it to the released length.

    A document of one candidate is that candidate, prompt and all; in others only visual tokens keep theirs.

    Returns:
        Tokens cut.

    Raises:
        InputError: the frames alone are longer: the released code fails there too.
    """
    fields = {
        "input_ids": np.concatenate(sequence.input_ids),
        "position_ids": np.concatenate(sequence.position_ids, axis=1),
        "modality_ids": modality_ids,
        "first_candidates": np.concatenate(sequence.first_candidates),
        "last_candidates": np.concatenate(sequence.last_candidates),
    }
    visual = np.flatnonzero(fields["first_candidates"] != NO_CANDIDATE)
    if len(visual) and visual[-1] >= PADDED_TOKENS:
        raise InputError(
            f"compat='reference' cuts a document at {PADDED_TOKENS} tokens and its frames reach further; "
            "use fewer candidates a document, or a smaller max_pixels"
        )
    if num_candidates == 1:
        fields["first_candidates"] = fields["last_candidates"] = np.zeros_like(modality_ids)
    for name, values in fields.items():
        setattr(sequence, name, [values[..., :PADDED_TOKENS]])
    return max(0, len(modality_ids) - PADDED_TOKENS)


def _after_user(ids: np.ndarray, user_id: int) -> int:
    found = np.flatnonzero(ids == user_id)
    if not len(found):
        raise InputError(
            "compat='reference' cannot label a document without frames whose prompt has no 'user' turn; "
            "give it frames, or use compat='corrected'"
        )
    return int(found[0]) + 1
