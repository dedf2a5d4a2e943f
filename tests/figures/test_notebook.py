from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

from PIL import Image

from clamr_select.figures import selection_html
from clamr_select.selection import SelectionWarning

ATTACK = '<script>alert(\'x\')</script>" onload="evil()" & <b>'


class Tags(HTMLParser):
    """Collects tags, and fails on one that is not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    tags.close()
    assert tags.open == []
    return tags


def test_table_shows_every_frame_with_a_small_picture(color_selection):
    html = selection_html(color_selection)
    tags = parsed(html)
    sources = [attributes["src"] for tag, attributes in tags.seen if tag == "img"]
    assert len(sources) == 8
    for source in sources:
        with Image.open(io.BytesIO(base64.b64decode(source.removeprefix("data:image/jpeg;base64,")))) as image:
            assert (image.format, image.width, image.height // 2) == ("JPEG", 200, 56)
    assert len([tag for tag, _ in tags.seen if tag == "tr"]) == 9
    for text in (
        color_selection.question,
        "00:12.0",
        "0.650",
        "the mass resists",
        "F = m · a",
        "no_description: ",
    ):
        assert text in tags.text
    assert len(html) < 100_000
    assert "http" not in html


def test_all_text_is_escaped(color_selection):
    nasty = replace(
        color_selection,
        question=ATTACK,
        text=({ATTACK: ATTACK},) * 8,
        modality=(ATTACK,) * 8,
        method={"policy": ATTACK},
        warnings=(SelectionWarning(ATTACK, ATTACK),),
    )
    html = selection_html(nasty)
    tags = parsed(html)
    assert {tag for tag, _ in tags.seen} <= {
        "div",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "span",
        "b",
        "br",
        "img",
    }
    assert all(set(attributes) <= {"style", "src", "alt"} for _, attributes in tags.seen)
    assert ATTACK in tags.text
    assert "<script" not in html


def test_missing_video_leaves_pictures_out_and_says_so(color_selection, tmp_path):
    name = str(tmp_path / "<i>gone</i>.mp4")
    html = selection_html(replace(color_selection, video=name))
    tags = parsed(html)
    assert not re.search("<img|<i>", html)
    assert "no pictures: " in tags.text
    assert "<i>gone</i>" in tags.text
    assert "00:12.0" in tags.text


def test_very_long_words_are_cut(color_selection):
    html = selection_html(replace(color_selection, text=({"asr": "word " * 5000},) * 8))
    assert len(html) < 100_000
    assert "word…" in html
