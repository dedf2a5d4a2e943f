"""The text of the ``description`` modality."""

from __future__ import annotations

import pytest

from clamr_select.context.metadata import describe

TAGS = {"TITLE": "Tagged\n title", "comment": "A comment.", "description": "Described!", "encoder": "Lavf61"}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, None),
        ({"container_tags": {"encoder": "Lavf61"}}, None),
        ({"title": " ", "description": "\n"}, None),
        ({"title": "A talk"}, "A talk"),
        ({"title": "A talk", "description": "On  bread.\nAnd soup."}, "A talk. On bread. And soup."),
        ({"title": "Really?", "description": "Yes"}, "Really? Yes"),
        ({"container_tags": TAGS}, "Tagged title. Described! A comment."),
        ({"title": "Mine", "container_tags": TAGS}, "Mine. Described! A comment."),
        ({"description": "Mine", "container_tags": TAGS}, "Tagged title. Mine"),
        ({"title": "", "description": "", "container_tags": TAGS}, None),
        ({"container_tags": {"title": "Same", "comment": "Same"}}, "Same"),
        ({"description": "word " * 3000}, ("word " * 3000).strip()),
    ],
)
def test_describe(arguments: dict, text: str | None) -> None:
    assert describe(**arguments) == text
