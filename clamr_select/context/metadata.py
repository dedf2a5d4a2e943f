"""What a video says about itself as a whole: the ``description`` modality."""

from __future__ import annotations

from collections.abc import Mapping

from clamr_select.context.plain_text import fold_white_space

_SENTENCE_ENDS = (".", "!", "?", ":", ";", "…", "。", "！", "？")


def describe(
    title: str | None = None,
    *,
    description: str | None = None,
    container_tags: Mapping[str, str] | None = None,
) -> str | None:
    """One line of text about the video, None where nothing is known.

    Args:
        title: Wins over the container's ``title``. ``""`` means: none, whatever the container says.
        description: Wins over the container's ``description`` and ``comment``; ``""`` as for ``title``.
        container_tags: Tags of the file, keys in any case; others than these three are not used.

    Returns:
        Title and description, white space folded, uncut; a part that the text holds already is left out.
    """
    tags = {key.lower(): value for key, value in (container_tags or {}).items()}
    parts = [tags.get("title") if title is None else title]
    parts += [tags.get("description"), tags.get("comment")] if description is None else [description]
    text = ""
    for part in (fold_white_space(part or "") for part in parts):
        if part and part not in text:
            text = _join(text, part)
    return text or None


def _join(text: str, part: str) -> str:
    if not text:
        return part
    return f"{text} {part}" if text.endswith(_SENTENCE_ENDS) else f"{text}. {part}"
