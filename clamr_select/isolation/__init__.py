"""Decode in a process of its own, so that a decoder that crashes or hangs is an error and not the end.

The two processes speak in JSON and plain bytes, never in pickles: what a damaged worker says can be wrong, but not run.
It is no sandbox: the worker runs as the same user.
"""

from __future__ import annotations

from clamr_select.isolation.sound import isolated_sound
from clamr_select.isolation.text import isolated_chapters, isolated_subtitles
from clamr_select.isolation.video import isolated_video, opener

__all__ = ["isolated_chapters", "isolated_sound", "isolated_subtitles", "isolated_video", "opener"]
