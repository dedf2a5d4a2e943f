"""The library's endpoint for programs and agents: ``search``, over HTTP and MCP.

Annotations here are evaluated at once, without ``from __future__``: Gradio reads them as they are.
"""

import json
from typing import Any

import gradio as gr

from clamr_select.demo.library import Library, Wanted
from clamr_select.demo.tools import plain_errors
from clamr_select.retrieval import Hit
from clamr_select.selection import Selection
from clamr_select.time_format import format_time


class LibraryTools:
    """Endpoint of one demo that has a library."""

    def __init__(self, library: Library) -> None:
        self.library = library

    def register(self, *, concurrency_id: str) -> None:
        """Inside Blocks: adds the endpoint, in the one queue of the model."""
        gr.api(self._search(), api_name="search", concurrency_id=concurrency_id, concurrency_limit=1)

    def _search(self) -> Any:
        def search(
            question: str,
            top_k: int = 5,
            modalities: list[str] | None = None,
            filters: list[str] | None = None,
        ) -> str:
            """Find the videos of this server's library that answer a question, and the best moments inside each.

            Args:
                question: what to find, in plain words.
                top_k: how many videos to return.
                modalities: search these alone, e.g. video, ocr, asr, description; leave out for all.
                filters: conditions that all must fit, e.g. "year>=2020", "channel=MIT"; also !=, >, <=, <.

            Returns:
                JSON with the videos, best first: title, score, modality, moments, metadata, and the name by which
                select and ask take the video; null where they cannot.
            """
            with plain_errors():
                result = self.library.search(Wanted(question, top_k, modalities or (), filters or ()))
            found = {
                "question": result.question,
                "videos": [self._video(hit) for hit in result.hits],
                "num_videos": result.num_videos,
                "notes": [warning.message for warning in result.warnings],
            }
            return json.dumps(found, ensure_ascii=False)

        return search

    def _video(self, hit: Hit) -> dict[str, Any]:
        return {
            "title": hit.video.name,
            "video": self.library.name(hit.video),
            "score": round(hit.score, 4),
            "modality": hit.modality,
            "duration_seconds": hit.video.duration_seconds,
            "metadata": dict(hit.video.metadata),
            "moments": None if hit.moments is None else _moments(hit.moments),
        }


def _moments(moments: Selection) -> list[dict[str, Any]]:
    """In time order."""
    return [
        {
            "seconds": round(seconds, 3),
            "clock": format_time(seconds),
            "score": round(moments.scores[place], 4),
            "modality": moments.modality[place],
            "words": dict(moments.text[place]),
        }
        for place, seconds in enumerate(moments.timestamps_seconds)
    ]
