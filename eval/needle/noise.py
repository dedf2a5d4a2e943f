"""Noise levels of what recognisers and codecs make of a video; the truth is never changed."""

from __future__ import annotations

from typing import Literal

Noise = Literal["clean", "realistic"]
"""``clean``: transcripts, on-screen text and pictures as they are. ``realistic``: speech with 20 % word errors,
on-screen text with 5 % character errors, pictures through H.264 at crf 40."""
