"""The library's endpoint by a real Gradio client and a real MCP client, and what attackers try."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

pytest.importorskip("gradio", reason="the demo needs gradio")

from .library_fixtures import WORDS, MadeLibrary

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
WALRUS = "what is said about the walrus?"


def test_programs_search_and_then_ask_about_what_was_found(library_url: str, made_library: MadeLibrary) -> None:
    from gradio_client import Client
    from gradio_client.exceptions import AppError

    client = Client(library_url, verbose=False, analytics_enabled=False)
    found = json.loads(client.predict(question=WALRUS, top_k=2, filters=["year<2022"], api_name="/search"))
    first = found["videos"][0]
    best = max(first["moments"], key=lambda moment: moment["score"])

    assert (first["video"], first["modality"], first["metadata"]["topic"]) == ("walrus.mp4", "asr", "walrus")
    assert best["words"]["asr"] == WORDS["walrus"]
    assert 11 < best["seconds"] < 14
    assert found["num_videos"] == 3
    assert {video["metadata"]["topic"] for video in found["videos"]} == {"walrus", "treaty"}
    assert str(made_library.media_dir.parent) not in json.dumps(found)
    asked = {"question": WALRUS, "num_frames": 1, "read_text_on_screen": False, "api_name": "/select"}
    assert json.loads(client.predict(video=first["video"], **asked))["moments"][0]["modality"] == "asr"
    outside = json.loads(client.predict(question="bicycle", filters=["topic=bicycle"], api_name="/search"))["videos"][0]
    assert outside["video"] is None
    for wrong, told in (({"question": " "}, "question is empty"), ({"question": "a", "filters": ["path=x"]}, "path")):
        with pytest.raises(AppError, match=told):
            client.predict(**wrong, api_name="/search")


def test_agents_are_told_of_it(library_url: str) -> None:
    async def tools() -> dict[str, Any]:
        from mcp import ClientSession
        from mcp.client.streamable_http import streamable_http_client

        address = f"{library_url}/gradio_api/mcp/"
        async with streamable_http_client(address) as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            return {tool.name: tool for tool in (await session.list_tools()).tools}

    found = asyncio.run(tools())
    assert set(found) == {"select", "ask", "list_videos", "search"}
    assert "which" in found["search"].description or "library" in found["search"].description
    assert "year>=2020" in found["search"].inputSchema["properties"]["filters"]["description"]


def test_a_library_opens_no_file_to_http(library_url: str, made_library: MadeLibrary) -> None:
    """What was chosen is served, and nothing beside it."""
    import httpx

    secret = made_library.media_dir / "notes.txt"
    secret.write_text("secret")
    for path in (
        secret,
        made_library.videos["bicycle"],
        made_library.videos["treaty"].with_suffix(".srt"),
        made_library.place / "corpus.json",
    ):
        assert httpx.get(f"{library_url}/gradio_api/file={path}", timeout=30).status_code in (403, 404)
