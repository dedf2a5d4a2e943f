"""Fetch a URL into a file: addresses checked at every hop, bytes and seconds bounded, whole or not at all."""

from __future__ import annotations

import contextlib
import filecmp
import hashlib
import http.client
import os
import uuid
from pathlib import Path
from urllib.parse import urljoin

from clamr_select.errors import FetchError, UnsafeUrlError
from clamr_select.fetch.address import Target, parse, resolve
from clamr_select.fetch.connection import Deadline, PinnedConnection
from clamr_select.limits import DEFAULT_LIMITS, Limits

MAX_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_READ_BYTES = 1 << 16


def fetch(url: str, *, folder: str | Path, limits: Limits = DEFAULT_LIMITS) -> Path:
    """Download ``url`` into ``folder``, in place of what it gave before, where that was other bytes; the file's name is
    a digest of the URL.

    The URL is parsed once and its host resolved once; every address must be public, and one of them is dialled. The
    same holds for each of at most five redirects; one from https to http is refused. Errors name no address and
    repeat nothing of what a server sent.

    Args:
        limits: ``max_download_bytes`` and ``max_download_seconds``, redirects included.

    Raises:
        UnsafeUrlError: the URL, or one that it redirects to, may not be asked for.
        FetchError: it cannot be had: no host, no answer, an error, too large, too slow, cut short, compressed; or the
            file cannot be written.
    """
    deadline = Deadline(limits.max_download_seconds)
    target = parse(url)
    for _ in range(MAX_REDIRECTS + 1):
        with PinnedConnection(target, resolve(target), deadline) as connection:
            response = connection.get()
            if response.status not in _REDIRECTS:
                path = Path(folder) / hashlib.sha256(url.encode()).hexdigest()
                _save(response, path, deadline=deadline, max_bytes=limits.max_download_bytes)
                return path
            target = _redirected(target, response.getheader("Location"))
    raise FetchError(f"{url!r} redirects more than {MAX_REDIRECTS} times")


def _redirected(target: Target, location: str | None) -> Target:
    if not location:
        raise FetchError(f"{target.host!r} redirects, and does not say where to")
    try:
        found = parse(urljoin(target.url, location))
    except (UnsafeUrlError, ValueError):
        raise UnsafeUrlError(f"{target.host!r} redirects to what is no plain http or https URL") from None
    if target.scheme == "https" and found.scheme == "http":
        raise UnsafeUrlError(f"{target.host!r} redirects from https to http, which anyone on the way could change")
    return found


def _save(response: http.client.HTTPResponse, path: Path, *, deadline: Deadline, max_bytes: int) -> None:
    if response.status != 200:
        raise FetchError(f"the server answered {response.status}, not 200 (OK)")
    if response.getheader("Content-Encoding", "identity").lower() != "identity":
        raise FetchError("the server compressed the answer although it was asked not to; its size cannot be known")
    promised = response.length
    if promised is not None and promised > max_bytes:
        raise _too_large(max_bytes)
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            num_bytes = 0
            while piece := _read(response, deadline):
                num_bytes += len(piece)
                if num_bytes > max_bytes:
                    raise _too_large(max_bytes)
                file.write(piece)
            if promised is not None and num_bytes != promised:
                raise FetchError(f"the transfer was cut short: {num_bytes} of {promised} bytes came")
            file.flush()
            os.fsync(file.fileno())
        if not _holds_the_same(path, temporary):  # else it stays, with its time and inode, for those who read it
            os.replace(temporary, path)
    except FetchError:
        raise
    except OSError as error:
        raise FetchError(f"the download cannot be written to {path.parent}: {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _holds_the_same(path: Path, other: Path) -> bool:
    """Byte for byte; no where there is no file."""
    try:
        return filecmp.cmp(path, other, shallow=False)
    except FileNotFoundError:
        return False


def _read(response: http.client.HTTPResponse, deadline: Deadline) -> bytes:
    """What has come, as soon as something has; waiting for a full piece could take for ever."""
    try:
        piece = response.read1(_READ_BYTES)
    except (OSError, http.client.HTTPException):
        deadline.check()
        raise FetchError("the transfer broke off") from None
    deadline.check()
    return piece


def _too_large(max_bytes: int) -> FetchError:
    return FetchError(
        f"the file has more than max_download_bytes = {max_bytes} bytes; raise it if you trust the server"
    )
