"""The endpoints, by a real Gradio client and a real MCP client."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("gradio", reason="the demo needs gradio")
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def client(demo_url: str) -> Any:
    from gradio_client import Client

    return Client(demo_url, verbose=False, analytics_enabled=False)


def test_an_uploaded_video_is_asked(client: Any, color_video: Path, subtitles: Path) -> None:
    from gradio_client import handle_file

    text = client.predict(
        video=handle_file(str(color_video)),
        question="What is said about the walrus?",
        num_frames=3,
        subtitles=handle_file(str(subtitles)),
        read_text_on_screen=False,
        api_name="/select",
    )
    found = json.loads(text)
    best = max(found["moments"], key=lambda moment: moment["score"])

    assert len(found["moments"]) == 3
    assert 11.5 <= best["seconds"] <= 13.4
    assert best["modality"] == "asr"
    assert "walrus" in best["words"]["asr"]
    assert best["clock"].startswith("00:1")


def test_a_video_without_subtitles_is_listened_to(client: Any, talk: Path) -> None:
    pytest.importorskip("pocketsphinx")
    from gradio_client import handle_file

    asked = {"question": "who scored three goals?", "num_frames": 2, "read_text_on_screen": False}
    text = client.predict(video=handle_file(str(talk)), listen=True, api_name="/select", **asked)
    found = json.loads(text)
    best = max(found["moments"], key=lambda moment: moment["score"])

    assert 13 < best["seconds"] < 19
    assert best["modality"] == "asr"
    assert "goals" in best["words"]["asr"]
    assert any("PocketSphinx" in note for note in found["notes"])


def test_unheard_words_are_said_to_be_so_and_how_to_have_them(client: Any, talk: Path) -> None:
    pytest.importorskip("pocketsphinx")
    from gradio_client import handle_file

    asked = {"question": "goals", "num_frames": 1, "read_text_on_screen": False}
    found = json.loads(client.predict(video=handle_file(str(talk)), api_name="/ask", **asked))

    assert any("no subtitles" in note and "listen=true" in note for note in found["notes"])
    assert "--asr" not in str(found["notes"])


def test_a_span_is_searched(client: Any) -> None:
    text = client.predict(
        video="lecture.mp4",
        question="anything",
        num_frames=2,
        start_seconds=20,
        read_text_on_screen=False,
        api_name="/select",
    )

    assert all(moment["seconds"] >= 20 for moment in json.loads(text)["moments"])


def test_a_part_of_a_video_is_looked_at(client: Any) -> None:
    """This one is short, so that nothing is left out; what is skipped of a long one is in test_effort.py."""
    asked = {"question": "anything", "num_frames": 2, "read_text_on_screen": False, "effort": "fast"}
    for endpoint in ("/select", "/ask"):
        found = json.loads(client.predict(video="lecture.mp4", api_name=endpoint, **asked))
        assert len(found["moments"]) == 2


def test_without_a_vlm_the_answer_is_null_and_the_evidence_there(client: Any) -> None:
    asked = {"video": "toy-cupboard", "question": "a red boat", "num_frames": 2, "read_text_on_screen": False}
    found = json.loads(client.predict(**asked, api_name="/ask"))

    assert found["answer"] is None
    assert len(found["moments"]) == 2


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"video": "no-such"}, "no such video"),
        ({"video": "lecture.mp4", "question": " "}, "question is empty"),
        ({"video": "lecture.mp4", "num_frames": 1000}, "1 to 32"),
        ({"video": "lecture.mp4", "policy": "topq"}, "unknown policy"),
        ({"video": "lecture.mp4", "effort": "some"}, "unknown effort 'some'"),
        ({"video": "lecture.mp4", "start_seconds": 900}, "no candidate frame"),
        ({"video": "lecture.mp4", "question": "?", "subtitles": "no-such.srt"}, "no such video"),
    ],
)
def test_wrong_arguments_are_told_in_words(client: Any, arguments: dict[str, Any], reason: str) -> None:
    from gradio_client.exceptions import AppError

    asked = {"question": "anything", "read_text_on_screen": False, **arguments}
    with pytest.raises(AppError, match=reason):
        client.predict(**asked, api_name="/select")


def test_videos_whose_names_cannot_be_sent_are_not_listed(tmp_path: Path) -> None:
    from clamr_select.demo.settings import DemoSettings
    from clamr_select.demo.tools import Tools

    (tmp_path / "größe.mp4").touch()
    try:
        (tmp_path / os.fsdecode(b"\xff.mp4")).touch()
    except OSError:
        pytest.skip("the file system takes Unicode names only")
    asking: Any = None
    listed = Tools(asking, {}, DemoSettings(media_dir=tmp_path))._list_videos()()
    assert json.loads(listed.encode()) == [{"name": "größe.mp4", "title": "größe.mp4"}]


def test_an_agent_selects_over_mcp(demo_url: str) -> None:
    tools, listed, found, refused = asyncio.run(talk_mcp(f"{demo_url}/gradio_api/mcp/"))

    assert set(tools) == {"select", "ask", "list_videos"}
    assert "seen, said and written" in tools["select"].description
    assert {"video", "question", "num_frames"} <= set(tools["select"].inputSchema["properties"])
    for name in ("select", "ask"):
        assert "recognise what is said" in tools[name].inputSchema["properties"]["listen"]["description"]
    assert {"name": "orrin-island", "title": "Orrin Island"} in json.loads(listed)
    assert "lecture.mp4" in {video["name"] for video in json.loads(listed)}
    assert len(json.loads(found)["moments"]) == 4
    assert refused.isError
    assert "no such video" in refused.content[0].text


async def talk_mcp(url: str) -> tuple[dict[str, Any], str, str, Any]:
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async with streamable_http_client(url) as (read, write, _), ClientSession(read, write) as session:
        await session.initialize()
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        listed = await session.call_tool("list_videos", {})
        asked = {"video": "lecture.mp4", "question": "a bar", "num_frames": 4, "read_text_on_screen": False}
        found = await session.call_tool("select", asked)
        refused = await session.call_tool("select", {**asked, "video": "/etc/passwd"})
    return tools, listed.content[0].text, found.content[0].text, refused
