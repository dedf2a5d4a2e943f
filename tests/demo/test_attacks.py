"""What a hostile client tries, over HTTP: files of this machine, addresses, names, oversized uploads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

httpx = pytest.importorskip("httpx", reason="comes with gradio")
pytest.importorskip("gradio", reason="the demo needs gradio")


def file_of(path: str, **fields: Any) -> dict[str, Any]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}, **fields}


def call(url: str, endpoint: str, data: list[Any]) -> str:
    """Everything that the server says to a call, status and stream."""
    started = httpx.post(f"{url}/gradio_api/call/{endpoint}", json={"data": data}, timeout=60)
    if started.status_code != 200:
        return f"{started.status_code} {started.text}"
    return httpx.get(f"{url}/gradio_api/call/{endpoint}/{started.json()['event_id']}", timeout=120).text


def select(url: str, video: Any) -> str:
    """What the server says to a question about a video; every argument is there, so that it gets as far as it can."""
    return call(url, "select", [video, "q", 1, "topk", None, None, None, False, False, "full"])


SECRETS = ("/etc/passwd", "/etc/hostname", "/proc/self/environ")
ADDRESSES = (
    "http://169.254.169.254/latest/meta-data/",
    "http://127.0.0.1:1/x.mp4",
    "https://example.com/x.mp4",
    "HTTP://[::1]/x.mp4",
)


def test_what_a_client_may_ask_is_answered(demo_url: str) -> None:
    """Else the attacks below could fail for another reason than that they are attacks."""
    assert "event: complete" in select(demo_url, "lecture.mp4")


@pytest.mark.parametrize("path", [*SECRETS, "../../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "\0", "~/.ssh/id_rsa"])
@pytest.mark.parametrize("as_file", [True, False])
def test_files_of_this_machine_are_no_videos(demo_url: str, path: str, as_file: bool) -> None:
    said = select(demo_url, file_of(path) if as_file else path)

    assert "event: error" in said or said.startswith(("4", "5"))
    assert "root:" not in said


@pytest.mark.parametrize("name", ["../secret.mp4", "link.mp4", "./../videos/../secret.mp4"])
def test_the_media_folder_is_no_way_out(demo_url: str, media_dir: Path, name: str) -> None:
    assert (media_dir / name).exists()
    for text in (name, str(media_dir / name)):
        said = select(demo_url, text)
        assert "event: error" in said
        assert "no such video" in said


@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_are_not_opened(demo_url: str, address: str) -> None:
    tried = {
        "no such video": address,
        "addresses are not opened": file_of(address),
        "event: error": file_of("x.mp4", url=address),
    }
    for told, value in tried.items():
        said = select(demo_url, value)
        assert "event: error" in said
        assert told in said


@pytest.mark.parametrize("path", [*SECRETS, "pyproject.toml", ".git/config", "../../../../etc/passwd"])
def test_no_file_of_this_machine_is_served(demo_url: str, path: str) -> None:
    answer = httpx.get(f"{demo_url}/gradio_api/file={path}", timeout=30)

    assert answer.status_code in (403, 404)


def test_the_uploads_name_does_not_leave_its_folder(demo_url: str) -> None:
    files = {"files": ("../../../../tmp/evil.mp4", b"not a video", "video/mp4")}
    answer = httpx.post(f"{demo_url}/gradio_api/upload", files=files, timeout=30)
    assert answer.status_code == 200
    (stored,) = answer.json()

    assert Path(stored).name == "evil.mp4"
    assert ".." not in Path(stored).parts
    assert not Path("/tmp/evil.mp4").exists()
    said = select(demo_url, file_of(stored))
    assert "could not be read as a video" in said


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("list.mp4", b"ffconcat version 1.0\nfile '/etc/passwd'\n", "not a video"),
        ("hls.mp4", b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n", "not a video"),
        ("empty.mp4", b"", "could not be read as a video"),
    ],
)
def test_playlists_and_broken_files_end_in_a_sentence(demo_url: str, name: str, content: bytes, told: str) -> None:
    answer = httpx.post(f"{demo_url}/gradio_api/upload", files={"files": (name, content, "video/mp4")}, timeout=30)
    said = select(demo_url, file_of(answer.json()[0]))

    assert told in said
    assert "passwd" not in said
    assert "/tmp" not in said


def test_private_events_are_not_called_from_outside(demo_url: str) -> None:
    config = httpx.get(f"{demo_url}/config", timeout=30).json()
    public = {d["api_name"] for d in config["dependencies"] if d["api_visibility"] == "public"}
    info = httpx.get(f"{demo_url}/gradio_api/info", timeout=30).json()

    assert public == {"select", "ask", "list_videos"}
    assert set(info["named_endpoints"]) == {"/select", "/ask", "/list_videos"}


def test_another_sites_page_may_not_call(demo_url: str) -> None:
    answer = httpx.post(
        f"{demo_url}/gradio_api/call/list_videos",
        json={"data": []},
        headers={"Origin": "https://evil.example", "Host": "127.0.0.1"},
        timeout=30,
    )

    assert answer.headers.get("access-control-allow-origin") != "https://evil.example"


def test_two_visitors_do_not_meet(demo_url: str) -> None:
    """A path of an upload that was never made, in the folder of uploads, leads nowhere."""
    answer = httpx.post(f"{demo_url}/gradio_api/upload", files={"files": ("a.mp4", b"mine", "video/mp4")}, timeout=30)
    folder = Path(answer.json()[0]).parent.parent

    for guess in (folder, folder / "a.mp4", folder / "0" / "a.mp4"):
        said = select(demo_url, str(guess))
        assert "event: error" in said
    listing = httpx.get(f"{demo_url}/gradio_api/file={folder}", timeout=30)
    assert listing.status_code in (403, 404)


@pytest.mark.slow
def test_too_large_an_upload_is_refused_and_what_was_uploaded_goes_with_the_demo(
    serve: Any, tmp_path: Path, examples_dir: Path, color_video: Path
) -> None:
    with serve(tmp_path, "--examples-dir", examples_dir, "--max-upload-mb", "1") as (url, _):
        files = {"files": ("big.mp4", b"\0" * (2 << 20), "video/mp4")}
        answer = httpx.post(f"{url}/gradio_api/upload", files=files, timeout=60)
        assert answer.status_code == 413
        files = {"files": ("small.mp4", color_video.read_bytes(), "video/mp4")}
        (stored,) = httpx.post(f"{url}/gradio_api/upload", files=files, timeout=60).json()
        assert Path(stored).exists()
        assert Path(stored).is_relative_to(tmp_path)
    assert not Path(stored).exists()
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []
