"""What a video says about itself as a whole: the ``description`` modality."""

from __future__ import annotations

from collections.abc import Mapping

from clamr_select.context.info_json import InfoJson
from clamr_select.context.plain_text import fold_white_space

_SENTENCE_ENDS = (".", "!", "?", ":", ";", "…", "。", "！", "？")


def describe(
    title: str | None = None,
    *,
    description: str | None = None,
    info: InfoJson | None = None,
    container_tags: Mapping[str, str] | None = None,
) -> str | None:
    """One line of text about the video, None where nothing is known.

    Args:
        title: Wins over those of ``info`` and the container. ``""`` means: none, whatever they say.
        description: Wins over description, channel and tags of ``info``, and over the container's ``description`` and
            ``comment``; ``""`` as for ``title``.
        info: What lies beside the file; wins over the container.
        container_tags: Tags of the file, keys in any case; others than these three are not used.

    Returns:
        Title, channel, tags and description, white space folded, uncut; a part that the text holds already is left
        out.
    """
    tags = {key.lower(): value for key, value in (container_tags or {}).items()}
    info = info or InfoJson()
    parts = [info.title or tags.get("title") if title is None else title]
    if description is not None:
        parts.append(description)
    elif info.description or info.channel or info.tags:
        parts += [info.channel, ", ".join(info.tags), info.description]
    else:
        parts += [tags.get("description"), tags.get("comment")]
    text = ""
    for part in (fold_white_space(part or "") for part in parts):
        if part and part not in text:
            text = _join(text, part)
    return text or None


def _join(text: str, part: str) -> str:
    if not text:
        return part
    return f"{text} {part}" if text.endswith(_SENTENCE_ENDS) else f"{text}. {part}"
