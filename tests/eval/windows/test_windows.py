"""Cutting documents, and ranks against a naive count."""

from __future__ import annotations

import numpy as np

from clamr_select.eval.windows.cut import cut_document
from clamr_select.model.document import Document, TextSegment


def test_texts_go_to_the_windows_they_overlap():
    frames = [np.full((8, 8, 3), i, np.uint8) for i in range(5)]
    texts = (TextSegment("asr", "a", 1, 3), TextSegment("ocr", "b", 4, 4), TextSegment("description", "d"))
    pieces = list(cut_document(Document(frames, texts), window=2))
    assert [[int(f[0, 0, 0]) for f in p.frames] for p in pieces] == [[0, 1], [2, 3], [4]]
    found = [[(s.text, s.first_candidate, s.last_candidate) for s in p.texts] for p in pieces]
    assert found == [
        [("a", 1, 1), ("d", None, None)],
        [("a", 0, 1), ("d", None, None)],
        [("b", 0, 0), ("d", None, None)],
    ]


def test_a_window_longer_than_the_document_changes_nothing():
    document = Document([np.zeros((8, 8, 3), np.uint8)] * 3, (TextSegment("asr", "a", 0, 2),))
    (piece,) = cut_document(document, window=16)
    assert piece.texts == document.texts
    assert len(piece.frames) == 3
