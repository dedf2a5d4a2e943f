"""One request to one address, within a time."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from types import TracebackType
from typing import Self

from clamr_select.errors import FetchError
from clamr_select.fetch.address import Target

_CONNECT_SECONDS = 20.0


class Deadline:
    """A point in time for a whole transfer, redirects included."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def check(self) -> float:
        """The seconds that are left.

        Raises:
            FetchError: there are none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise FetchError(f"it took more than max_download_seconds = {self.seconds:g} s; raise it if it is worth it")
        return left


class PinnedConnection:
    """A connection to an address that was checked; the name is used for TLS and the ``Host`` header alone.

    Proxies named in the environment are not used. When the deadline passes the socket is shut, so that a server that
    sends a byte now and then cannot hold it: not in the handshake, nor in the headers. Use as a context manager.
    """

    def __init__(self, target: Target, addresses: list[str], deadline: Deadline) -> None:
        self._target, self._deadline = target, deadline
        self._response: http.client.HTTPResponse | None = None
        self._timer = threading.Timer(deadline.check(), self._shut)
        self._timer.daemon = True
        self._socket = self._connect(addresses)
        self._timer.start()

    def get(self) -> http.client.HTTPResponse:
        """The answer, its body not read yet.

        Raises:
            FetchError: there is none, or not in time.
        """
        target = self._target
        connection = http.client.HTTPConnection(target.host, target.port)
        try:
            connection.sock = self._secured()
            connection.putrequest("GET", target.path, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", target.host_header)
            connection.putheader("Accept-Encoding", "identity")
            connection.putheader("User-Agent", "clamr-select")
            connection.putheader("Connection", "close")
            connection.endheaders()
            self._response = connection.getresponse()
            return self._response
        except ssl.SSLError:
            self._deadline.check()
            raise FetchError(f"{target.host!r} cannot prove that it is {target.host!r}, or its TLS is broken") from None
        except (OSError, http.client.HTTPException):
            self._deadline.check()
            raise FetchError(f"{target.host!r} gave no answer that could be understood") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._response is not None:
            self._response.close()
        self._socket.close()

    def _connect(self, addresses: list[str]) -> socket.socket:
        for address in addresses:
            try:
                timeout = min(_CONNECT_SECONDS, self._deadline.check())
                connected = socket.create_connection((address, self._target.port), timeout=timeout)
            except OSError:
                continue
            connected.settimeout(self._deadline.check())
            return connected
        self._deadline.check()
        raise FetchError(f"{self._target.host!r} does not take connections on port {self._target.port}")

    def _secured(self) -> socket.socket:
        if self._target.scheme == "https":
            context = ssl.create_default_context()
            secured = context.wrap_socket(
                self._socket, server_hostname=self._target.host, do_handshake_on_connect=False
            )
            self._socket = secured  # before the handshake, which the deadline must be able to end
            secured.do_handshake()
        return self._socket

    def _shut(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # closed already
