"""An HTTP proxy that tunnels: every CONNECT, whatever its host, leads to one port of this machine."""

from __future__ import annotations

import base64
import select
import socket
import threading
from types import TracebackType
from typing import Self


class FakeProxy:
    """Runs while `with` lasts. `asked` holds the hosts and ports of the tunnels; `login`: what it wants to be told."""

    def __init__(self, leads_to: int, login: str | None = None) -> None:
        self.asked: list[str] = []
        self._leads_to = leads_to
        self._login = login
        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def url(self, login: str | None = None) -> str:
        """Its address as `network.proxy` has it, with the user and password of `login`."""
        port = self._server.getsockname()[1]
        return f"http://{login}@127.0.0.1:{port}" if login else f"http://127.0.0.1:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._tunnel, args=(client,), daemon=True).start()

    def _tunnel(self, client: socket.socket) -> None:
        with client:
            asked = b""
            while b"\r\n\r\n" not in asked:
                if not (more := client.recv(4096)):
                    return
                asked += more
            line, *headers = asked.decode("latin-1").split("\r\n")
            if self._login is not None:
                wanted = base64.b64encode(self._login.encode()).decode()
                if f"proxy-authorization: basic {wanted}".lower() not in [one.lower() for one in headers]:
                    client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                    return
            self.asked.append(line.split()[1])
            with socket.create_connection(("127.0.0.1", self._leads_to)) as server:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                _pump(client, server)


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Carries bytes both ways until either side ends."""
    across = {one: other, other: one}
    while True:
        for ready in select.select([one, other], [], [])[0]:
            try:
                data = ready.recv(65_536)
            except OSError:
                return
            if not data:
                return
            across[ready].sendall(data)
