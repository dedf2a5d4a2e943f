"""The examples, and questions to start with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clamr_select.demo.examples import Example


def starter_view(examples: Mapping[str, Example], current: Example | None) -> dict[str, Any]:
    """All examples, and the questions of the one that is shown."""
    return {
        "examples": [
            {"name": example.name, "title": example.title, "about": example.about} for example in examples.values()
        ],
        "current": None if current is None else current.name,
        "questions": []
        if current is None
        else [{"text": question.text, "modality": question.modality} for question in current.questions],
    }
