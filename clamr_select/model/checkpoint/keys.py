"""One name for each tensor, whoever saved it.

A retriever's tensors have been saved as ``model.layers.0…`` (transformers <= 4.51), ``model.language_model.layers.0…``
(4.52 to 5.x), ``thinker.model.layers.0…`` (Omni), ``language_model.layers.0…`` (bare backbones) and
``vlm.language_model.layers.0…`` (this library), with ``base_model.model.`` in front in adapters. Matching the names by
chance is how reproductions came to score with a random backbone. Here all of them map to this library's names.
"""

from __future__ import annotations

import re

BACKBONE = "vlm"
PROJECTION = "embedding_proj_layer"
RELEASED_PROJECTION = "custom_text_proj"
"""The projection's name in the released code and in colpali-engine."""

_PREFIXES = re.compile(
    r"^(?:base_model\.model\.)?(?:(?:thinker|vlm)\.)?(?:model\.(?=language_model\.|visual\.|audio_tower\.))?"
)
_TEXT = re.compile(r"^(?:model\.)?(?=(?:layers|embed_tokens|norm)\.)")
_PROJECTION = re.compile(rf"^(?:{RELEASED_PROJECTION}|{PROJECTION})(?=\.|$)")
_UNUSED = re.compile(r"^(talker|token2wav|lm_head)\.")


def canonical_key(key: str) -> str | None:
    """The name in :class:`~clamr_select.model.ClamrForRetrieval` of a tensor or module, saved under any layout.

    Returns:
        ``vlm.…`` or ``embedding_proj_layer.…``; None for parts a retriever has no use for (see :func:`unused_part`).
        A name of no known layout comes back as ``vlm.<name>``, which no model has.
    """
    if unused_part(key) is not None:
        return None
    bare = _PREFIXES.sub("", key)
    if _PROJECTION.match(bare):
        return _PROJECTION.sub(PROJECTION, bare)
    return f"{BACKBONE}.{_TEXT.sub('language_model.', bare)}"


def unused_part(key: str) -> str | None:
    """``talker``, ``token2wav`` or ``lm_head`` where the tensor belongs to one (speech and text generation, which
    retrieval does not run, so that its weights change nothing), else None."""
    match = _UNUSED.match(_PREFIXES.sub("", key))
    return match.group(1) if match else None
