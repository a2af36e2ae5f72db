"""`python -m daemon.web.probe /healthz`: asks the service beside it how it is, for a container's health check.

Reads `[web]` of the config and nothing else, so that it costs little and finds the token by itself, which then need not
stand in a manifest. Exit 0 for yes, 1 for no, with the service's own line.
"""

from __future__ import annotations

import http.client
import sys
import tomllib
from pathlib import Path

from connectors.settings import SecretMissing
from daemon.config.load import find
from daemon.config.problems import ConfigError
from daemon.config.schema.tables import WebTable

_SECONDS = 5.0
_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # whoever listens everywhere is found here


def ask(config: Path, path: str) -> tuple[bool, str]:
    """Whether the service says yes at that path, and its line. Raises `OSError`, `ValueError`, `SecretMissing`."""
    web = WebTable.model_validate(tomllib.loads(config.read_text("utf-8")).get("web", {}))
    if web.address is None:
        return False, "web.listen is empty: nobody can be asked"
    host, port = web.address
    headers = {"Host": "localhost"}
    if web.token is not None:
        headers["Authorization"] = f"Bearer {web.token.resolve(config.parent)}"
    line = http.client.HTTPConnection(_HERE.get(host, host), port, timeout=_SECONDS)
    try:
        line.request("GET", path, headers=headers)
        answer = line.getresponse()
        return answer.status == 200, answer.read(1000).decode("utf-8", "replace").strip()
    finally:
        line.close()


def main() -> int:
    """One question; the answer on standard output."""
    path = sys.argv[1] if len(sys.argv) > 1 else "/healthz"
    try:
        yes, text = ask(find(None), path)
    except ConfigError as error:
        yes, text = False, str(error)
    except (OSError, ValueError, SecretMissing, http.client.HTTPException) as error:
        yes, text = False, f"nobody answers ({type(error).__name__})"
    sys.stdout.write(f"{text}\n")
    return 0 if yes else 1


if __name__ == "__main__":
    sys.exit(main())
