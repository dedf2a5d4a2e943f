"""The one way from a URL to a local file, and only where the caller asked for it. No decoder ever sees a URL."""

from __future__ import annotations

from clamr_select.fetch.fetcher import fetch

__all__ = ["fetch"]
