"""What the demo allows, and where things lie."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from clamr_select.errors import InputError
from clamr_select.indexing.options import AsrChoice, IndexOptions


def default_examples_dir() -> Path:
    """Below the user's cache folder: examples are made once."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "clamr-select" / "demo-examples"


@dataclass(frozen=True)
class DemoSettings:
    """Checked on construction.

    Raises:
        InputError: a number below 1, a folder that is not there, or options of speech that contradict.
        UnknownNameError: no such speech recogniser.
    """

    examples_dir: Path = field(default_factory=default_examples_dir)
    """Where the two examples are made, and found again."""
    examples: bool = True
    media_dir: Path | None = None
    """A folder whose videos agents may name in the API, and visitors see where a library finds them; None allows
    uploads and examples alone."""
    library: str | Path | None = None
    """A folder of ``clamr-select index``, or the URL of a Qdrant server, that visitors may search."""
    collection: str | None = None
    """Of that server; None is the usual one."""
    library_cache_dir: str | Path | None = None
    """Where the frames' embeddings of its videos are; None is the user's cache folder."""
    asr: AsrChoice = "auto"
    """What makes subtitles where a visitor wants them: as ``FrameSelector.index`` takes it; ``off`` offers none."""
    asr_model: str | None = None
    asr_language: str | None = None
    max_upload_bytes: int = 500 * 1024 * 1024
    max_candidates: int = 3600
    """Of one video: an hour at one frame a second; what is longer is thinned, and says so."""
    max_frames: int = 32
    """That one question may ask for."""
    max_question_characters: int = 1000
    max_indexed_videos: int = 16
    """Kept in memory for all users together; the one asked longest ago goes first."""
    max_waiting: int = 64
    """Requests in the queue; more are turned away."""
    delete_files_after_seconds: int = 3600
    max_new_tokens: int = 512
    """The longest answer of the VLM."""

    def __post_init__(self) -> None:
        numbers = {name: value for name, value in vars(self).items() if type(value) is int}
        low = {name: value for name, value in numbers.items() if value < 1}
        if low:
            raise InputError(f"must be at least 1: {', '.join(f'{name}={value}' for name, value in low.items())}")
        IndexOptions(asr=self.asr, asr_model=self.asr_model, asr_language=self.asr_language)  # checks them
        if self.media_dir is not None and not Path(self.media_dir).is_dir():
            raise InputError(f"media_dir must be a folder, got {self.media_dir}")
        if self.library is None and (self.collection is not None or self.library_cache_dir is not None):
            raise InputError("collection and library_cache_dir are of a library; give library too")

    def check_question(self, text: str) -> None:
        """Raises InputError where a question is empty or too long."""
        if not text.strip():
            raise InputError("The question is empty. Ask something, e.g. “When does the bridge open?”")
        if len(text) > self.max_question_characters:
            raise InputError(f"The question is longer than {self.max_question_characters} characters.")
