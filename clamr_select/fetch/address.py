"""Which addresses may be asked: parsed once, resolved once, and every address public."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from clamr_select.errors import FetchError, UnsafeUrlError

_PORTS = {"http": 80, "https": 443}
_PLAIN = re.compile(r"[!#-\[\]_a-z~|A-Z0-9{}^`$%&'()*+,./:;=?@-]+")
"""ASCII that is printed, without white space, quotes and the backslash, which parsers read differently."""
_HOST = re.compile(r"[A-Za-z0-9.:_-]+")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Target:
    """A URL taken apart: what is dialled is what was checked."""

    url: str
    scheme: str
    host: str
    port: int
    path: str
    """With the query, as it is asked for."""

    @property
    def host_header(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _PORTS[self.scheme] else f"{name}:{self.port}"


def parse(url: str) -> Target:
    """Take a URL apart.

    Raises:
        UnsafeUrlError: not plain http or https, or it names a user, or parsers could disagree about it.
    """
    if not isinstance(url, str) or not _PLAIN.fullmatch(url):
        raise UnsafeUrlError(
            "a URL may hold printed ASCII only, no white space, quotes or backslash; encode them as %XX"
        )
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), parts.hostname, parts.port
    except ValueError as error:
        raise UnsafeUrlError(f"{url!r} is not a URL: {error}") from None
    if scheme not in _PORTS:
        raise UnsafeUrlError(f"only http and https are fetched, got {scheme or 'no scheme'!r}")
    if "@" in parts.netloc:
        raise UnsafeUrlError("a URL with a user or password in it is not fetched")
    if not host or not _HOST.fullmatch(host) or port == 0:
        raise UnsafeUrlError(f"{url!r} names no host")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(url, scheme, host, port or _PORTS[scheme], path)


def resolve(target: Target) -> list[str]:
    """The public addresses of a host. They are asked for once; what is dialled is one of them.

    Raises:
        UnsafeUrlError: one of its addresses is not public. Which is not said.
        FetchError: it has none.
    """
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise FetchError(f"the host {target.host!r} cannot be found") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses:
        raise FetchError(f"the host {target.host!r} cannot be found")
    if not all(is_public(address) for address in addresses):
        raise UnsafeUrlError("the host has an address that is not public: only the public internet is fetched from")
    return addresses


def is_public(address: str) -> bool:
    """Whether an address, and whatever IPv4 address it carries inside, belongs to the public internet."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return all(a.is_global and not a.is_multicast for a in (parsed, *_inside(parsed)))


def _inside(address: Address) -> list[Address]:
    """IPv4 addresses that an IPv6 address stands for: mapped, 6to4, Teredo, NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    inside = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        inside.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [found for found in inside if found is not None]
