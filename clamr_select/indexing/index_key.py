"""Under what the index of a video is stored: all that decides it, known before the video is opened."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import clamr_select
from clamr_select.context.info_json import find_info_json
from clamr_select.context.sidecar import find_usable_subtitles
from clamr_select.context.speech.choose import choose
from clamr_select.context.speech.model_files import model_digest
from clamr_select.errors import SpeechError
from clamr_select.indexing.options import IndexOptions
from clamr_select.limits import BEFORE_OPENING
from clamr_select.store import Key, content_digest

KIND = "embeddings"
INDEX_VERSION = 3
"""To be raised when the same video, options and model give another index than before."""
_LIBRARIES = ("av", "rapidocr")
"""What else decides which pixels and words there are."""


def index_key(video: str | Path, *, digest: str, options: IndexOptions, encoder: dict[str, Any]) -> Key:
    """The key of one video's index.

    Args:
        digest: of the video's bytes.
        encoder: from :func:`clamr_select.model.identity.encoder_identity`.
    """
    settings = asdict(options)
    settings |= files_beside(video, options)
    settings["asr"] = _recognizer(options)
    # where a file is decoded, how it came here, and how large it might have been, changes nothing
    del settings["isolate"]
    settings["limits"] = {name: value for name, value in settings["limits"].items() if name not in BEFORE_OPENING}
    return Key(
        KIND,
        {
            "video": digest,
            "options": {name: float(value) if name == "candidate_fps" else value for name, value in settings.items()},
            "encoder": encoder,
            "index_version": INDEX_VERSION,
            "clamr-select": clamr_select.__version__,
            **{library: version(library) for library in _LIBRARIES},
        },
    )


def files_beside(video: str | Path, options: IndexOptions) -> dict[str, list[str] | None]:
    """Names and contents of the files that are read beside the video, as they are now: a part of the key's options."""
    return {"subtitles": _subtitles(video, options), "info_json": _digest(find_info_json(video))}


def with_recognizer(key: Key, options: IndexOptions) -> Key:
    """The key by what hears as it is now: its model may have been downloaded while it was indexed."""
    values = {**key.values, "options": {**key.values["options"], "asr": _recognizer(options)}}
    return Key(key.kind, values)


def _subtitles(video: str | Path, options: IndexOptions) -> list[str] | None:
    """Name and content of the file that will be read, and what is said of files passed over; None for neither."""
    if options.subtitles is None:
        return ["off"]
    if options.subtitles != "auto":
        return _digest(Path(options.subtitles))
    path, noted = find_usable_subtitles(video)
    return [*(_digest(path) or []), *(message for _, message in noted)] or None


def _recognizer(options: IndexOptions) -> list[str | None]:
    """What ``auto`` stands for on this machine today, what its model holds, and the versions of what hears."""
    if options.asr == "off":
        return ["off"]
    try:
        choice = choose(options.asr, model=options.asr_model)
    except SpeechError:
        if options.asr != "auto":
            raise
        return [options.asr, None]  # nothing can listen: well where there are subtitles, else indexing raises it
    try:
        versions = [version(choice.engine), version("silero-vad")]
    except PackageNotFoundError:  # an error that indexing raises, so nothing is stored
        versions = []
    digest = None if choice.model is None else model_digest(choice.model)
    return [options.asr, choice.engine, choice.model, digest, *versions]


def _digest(path: Path | None) -> list[str] | None:
    """Name and content of a file; None where there is none."""
    if path is None:
        return None
    try:
        return [path.name, content_digest(path)]
    except OSError:  # missing or unreadable: an error that indexing raises, so nothing is stored
        return [path.name]
