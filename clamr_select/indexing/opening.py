"""Open the video that is indexed, as the options say."""

from __future__ import annotations

from pathlib import Path

import torch

from clamr_select.indexing.options import IndexOptions
from clamr_select.isolation import opener
from clamr_select.video import VideoReader


def open_for_indexing(video: str | Path, *, options: IndexOptions) -> VideoReader:
    """Decoded by as many threads as torch may use, which decode on while the model encodes.

    Raises:
        VideoError, DecoderCrashedError: the file cannot be opened.
    """
    opens = opener(isolate=options.isolate)
    return opens(video, backend=options.backend, limits=options.limits, num_threads=torch.get_num_threads())
