"""The fetcher against a server on loopback, which counts as public where a test says so."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clamr_select.errors import FetchError, UnsafeUrlError
from clamr_select.fetch import fetch
from clamr_select.limits import Limits

from .server import CONTENT, serving

Requests = list[tuple[str, str, str]]


@pytest.fixture
def server() -> Iterator[tuple[int, Requests]]:
    with serving() as running:
        yield running


@pytest.fixture
def loopback_is_public(monkeypatch) -> None:
    from clamr_select.fetch import address

    real = address.is_public
    monkeypatch.setattr(address, "is_public", lambda text: text == "127.0.0.1" or real(text))


@pytest.fixture
def get(server, tmp_path) -> Callable[..., bytes]:
    """The bytes of a path of the server, fetched by name or address."""

    def fetched(path: str, *, host: str = "127.0.0.1", **limits: float) -> bytes:
        given = Limits.from_mapping({"max_download_bytes": 10**6, "max_download_seconds": 5, **limits})
        return fetch(f"http://{host}:{server[0]}/{path}", folder=tmp_path / "downloads", limits=given).read_bytes()

    return fetched


def left(tmp_path: Path) -> list[str]:
    return [path.name for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost.", "0x7f.1", "2130706433", "127.1"])
def test_a_server_that_is_not_public_hears_nothing(get, server, host):
    with pytest.raises((UnsafeUrlError, FetchError), match=r"not public|cannot be found"):
        get("whole", host=host)
    assert server[1] == []


@pytest.mark.usefixtures("loopback_is_public")
class TestAnswers:
    @pytest.mark.parametrize("path", ["whole", "no-length", "chunked", "hop?0", "hop?4", "redirect?to=/whole"])
    def test_what_is_fetched_is_what_was_sent(self, get, path):
        assert get(path) == CONTENT

    def test_the_request_names_the_host_and_asks_for_no_compression(self, get, server, monkeypatch):
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # not used
        assert get("echo-encoding", host="127.0.0.1") == b"identity"
        assert server[1] == [("GET", "/echo-encoding", f"127.0.0.1:{server[0]}")]

    def test_a_second_fetch_replaces_the_file_of_the_first(self, get, tmp_path):
        assert get("whole") == get("whole")
        (name,) = left(tmp_path)
        assert len(name) == 64

    def test_a_file_of_the_same_bytes_stays_for_those_who_read_it(self, get, tmp_path):
        get("whole")
        (path,) = (tmp_path / "downloads").iterdir()
        before = path.stat()
        get("whole")
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
        path.write_bytes(CONTENT[:-1] + b"x")
        assert get("whole") == path.read_bytes() == CONTENT

    @pytest.mark.parametrize(
        ("path", "reason"),
        [
            ("missing", "answered 404"),
            ("error", "answered 500"),
            ("nonsense", "no answer that could be understood"),
            ("lies-more", "cut short|broke off"),
            ("chunked-cut", "broke off"),
            ("promises-too-much", "max_download_bytes = 1000000"),
            ("endless", "max_download_bytes = 1000000"),
            ("gzip", "compressed"),
            ("nowhere", "does not say where to"),
            ("hop?5", "more than 5 times"),
            ("redirect?to=/redirect?to=/whole", ""),
        ],
    )
    def test_what_goes_wrong_is_said_and_leaves_nothing(self, get, tmp_path, path, reason):
        if not reason:
            assert get(path) == CONTENT
            return
        with pytest.raises(FetchError, match=reason) as caught:
            get(path)
        assert "SECRET" not in str(caught.value)
        assert left(tmp_path) == []

    def test_a_length_that_is_too_small_gives_what_it_promised(self, get):
        """Nothing says that there is more; the container check sees a file that is cut."""
        assert get("lies-less") == CONTENT[:1000]

    def test_a_loop_of_redirects_ends(self, get, server):
        loop = f"redirect?to=http://127.0.0.1:{server[0]}/hop?9"
        with pytest.raises(FetchError, match="more than 5 times"):
            get(loop)
        assert len(server[1]) == 6

    @pytest.mark.parametrize(
        "location",
        [
            "http://10.0.0.1/a",
            "http://169.254.169.254/latest/meta-data/",
            "http://[::1]/a",
            "http://localhost.localdomain:1/a",
            "file:///etc/passwd",
            "ftp://127.0.0.1/a",
            "http://user@127.0.0.1/a",
            "http://ok\\@127.0.0.1/a",
            "//10.0.0.1/a",
            "gopher://127.0.0.1/",
        ],
    )
    def test_a_redirect_inside_is_refused_and_not_named(self, get, tmp_path, location):
        with pytest.raises((UnsafeUrlError, FetchError)) as caught:
            get(f"redirect?to={location}")
        assert "10.0.0.1" not in str(caught.value)
        assert "169.254" not in str(caught.value)
        assert left(tmp_path) == []

    @pytest.mark.parametrize("path", ["drip", "drip-headers"])
    def test_a_server_that_drips_is_left_at_the_deadline(self, get, tmp_path, path):
        started = time.monotonic()
        with pytest.raises(FetchError, match="max_download_seconds = 1"):
            get(path, max_download_seconds=1)
        assert time.monotonic() - started < 5
        assert left(tmp_path) == []

    def test_redirects_share_one_deadline(self, get):
        started = time.monotonic()
        with pytest.raises(FetchError, match="max_download_seconds"):
            get("redirect?to=/redirect?to=/drip", max_download_seconds=1)
        assert time.monotonic() - started < 5

    def test_an_answer_of_dns_that_flips_is_not_asked_for_again(self, get, server, monkeypatch):
        """The second answer would be inside; what was checked is what is dialled."""
        answers = iter(["127.0.0.1", "10.0.0.1", "10.0.0.1"])
        asked = []

        def flip(host: str, port: int, *_: object, **__: object) -> list:
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

        real = socket.getaddrinfo
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, *a, **k: flip(host, *a, **k) if host == "flip.example" else real(host, *a, **k),
        )
        assert get("whole", host="flip.example") == CONTENT
        assert asked == ["flip.example"]
        assert server[1][0][2] == f"flip.example:{server[0]}"
        with pytest.raises(UnsafeUrlError):
            get("whole", host="flip.example")

    def test_a_full_or_closed_folder_is_an_error(self, get, tmp_path):
        (tmp_path / "downloads").write_text("a file")
        with pytest.raises(FetchError, match="cannot be written"):
            get("whole")

    def test_plain_http_is_no_https(self, server, tmp_path):
        with pytest.raises(FetchError):
            fetch(f"https://127.0.0.1:{server[0]}/whole", folder=tmp_path, limits=Limits(max_download_seconds=5))


@pytest.fixture
def secure_port(server, tmp_path, monkeypatch) -> Iterator[tuple[int, Path]]:
    """(port, certificate) of a server that proves to be media.example and hands on to the plain one."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=media.example"]
    command += ["-addext", "subjectAltName=DNS:media.example", "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def hand_on() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(plain, server_side=True) as client:
                    request = client.recv(65536).decode()
                    if "/down" in request:
                        answer = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{server[0]}/whole\r\n\r\n".encode()
                    else:
                        answer = b"HTTP/1.1 200 OK\r\n\r\n" + CONTENT
                    client.sendall(answer)
            except OSError:
                continue

    thread = threading.Thread(target=hand_on, daemon=True)
    thread.start()
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *a, **k: real("127.0.0.1", *a, **k))
    yield listener.getsockname()[1], certificate
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@pytest.mark.usefixtures("loopback_is_public")
def test_https_proves_the_name_and_is_never_left_for_http(secure_port, tmp_path, monkeypatch):
    port, certificate = secure_port
    folder = tmp_path / "downloads"
    with pytest.raises(FetchError, match="cannot prove"):
        fetch(f"https://media.example:{port}/whole", folder=folder)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert fetch(f"https://media.example:{port}/whole", folder=folder).read_bytes() == CONTENT
    with pytest.raises(FetchError, match="cannot prove"):
        fetch(f"https://other.example:{port}/whole", folder=folder)
    with pytest.raises(UnsafeUrlError, match="from https to http"):
        fetch(f"https://media.example:{port}/down", folder=folder)


def test_a_handshake_that_never_ends_is_left_at_the_deadline(tmp_path, loopback_is_public):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        with pytest.raises(FetchError, match="max_download_seconds"):
            fetch(
                f"https://127.0.0.1:{silent.getsockname()[1]}/", folder=tmp_path, limits=Limits(max_download_seconds=1)
            )
        assert time.monotonic() - started < 5
