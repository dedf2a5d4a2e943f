"""Which URLs may be asked for."""

from __future__ import annotations

import socket

import pytest

from clamr_select.errors import FetchError, UnsafeUrlError
from clamr_select.fetch.address import is_public, parse, resolve


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "93.184.216.34",
        "2606:2800:220:1:248:1893:25c8:1946",
        "64:ff9b::808:808",
        "2002:0808:0808::1",
    ],
)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.251",
        "224.0.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::1",
        "2001:0:7f00:1::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "ff0e::1",
        "no address",
        "",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com\\@127.0.0.1/a.mp4",
        "http://127.0.0.1\\@example.com/a.mp4",
        "http:\\\\example.com/a.mp4",
        "http://user@example.com/a.mp4",
        "http://user:password@example.com/a.mp4",
        "http://@example.com/a.mp4",
        "http://exam\tple.com/",
        "http://example.com/\r\nHost: other",
        "http://example.com/a b",
        " http://example.com/",
        "http://exämple.com/",
        "http://example.com。evil.com/",
        "http://example%2ecom/",
        "http:///a.mp4",
        "http://:80/a.mp4",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http://example.com:port/",
        "http://[::1",
        "http://[fe80::1%25eth0]/",
        "https:example.com",
        "//example.com/a.mp4",
        "ftp://example.com/a.mp4",
        "file:///etc/passwd",
        "gopher://example.com/",
        "rtsp://example.com/a",
        "data:video/mp4;base64,AAAA",
        "concat:a|b",
        "talk.mp4",
        "",
        None,
        b"http://example.com/",
    ],
)
def test_urls_that_are_refused_as_they_stand(url: object, monkeypatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", None)
    with pytest.raises(UnsafeUrlError):
        parse(url)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "header"),
    [
        ("http://example.com", "example.com", 80, "/", "example.com"),
        ("HTTPS://Example.COM:443/A.mp4?b=c#d", "example.com", 443, "/A.mp4?b=c", "example.com"),
        ("http://example.com:8080/a", "example.com", 8080, "/a", "example.com:8080"),
        ("http://[2606:2800::1]:81/a", "2606:2800::1", 81, "/a", "[2606:2800::1]:81"),
        ("http://example.com?a=b", "example.com", 80, "/?a=b", "example.com"),
    ],
)
def test_urls_taken_apart(url: str, host: str, port: int, path: str, header: str) -> None:
    target = parse(url)
    assert (target.host, target.port, target.path, target.host_header) == (host, port, path, header)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "[::1]", "0x7f.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.1", "0", "localhost", "localhost.",
     "169.254.169.254", "10.0.0.1", "[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]", "[64:ff9b::7f00:1]"],
)  # fmt: skip
def test_hosts_that_lead_inside_are_refused_however_written(host: str) -> None:
    with pytest.raises((UnsafeUrlError, FetchError)) as caught:
        resolve(parse(f"http://{host}/a.mp4"))
    assert "127.0.0.1" not in str(caught.value).replace(host, "")


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("8.8.8.8", "10.0.0.7")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(UnsafeUrlError, match="not public") as caught:
        resolve(parse("http://example.com/"))
    assert "10.0.0.7" not in str(caught.value)


def test_a_host_that_is_not_found(monkeypatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror("SECRET resolver at 10.0.0.2")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(FetchError, match=r"'absent\.example' cannot be found") as caught:
        resolve(parse("http://absent.example/"))
    assert "SECRET" not in str(caught.value)
