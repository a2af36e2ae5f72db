"""Slack's own client over our connections, with its refusals as what to do next.

`slack_sdk` would take the environment's proxy even for this machine, follow redirects with the token, wait for answers
that never end, and put requests into its errors and logs; so it gets another transport and a logger that is silent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.request import Request

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse
from slack_sdk.web.file_upload_v2_result import FileUploadV2Result

from connectors.errors import ConnectorError, OutcomeUnknown, RetryLater
from connectors.net.endpoints import is_loopback, origin_of
from connectors.net.retry import Pause, retry_after
from connectors.net.session import Session
from connectors.senders.slack.errors import LOOK, refusal_of, refused
from connectors.senders.slack.http import Lost, check_is_slacks, host_of, post

_TRIES = 3
_LONGEST_WAIT_SECONDS = 60.0
_SILENT = logging.Logger("slack", level=logging.CRITICAL + 1)


T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """A file for a thread: its name, its bytes, and what it shows."""

    name: str
    data: bytes
    shows: str


class SessionClient(WebClient):
    """`WebClient` that sends each request once, over `Session`."""

    def __init__(self, token: str, api_url: str, session: Session) -> None:
        super().__init__(token=token, base_url=api_url, retry_handlers=[], logger=_SILENT)
        self._session = session

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        """In the place of urllib; the name is the library's."""
        data = req.data if isinstance(req.data, bytes) else b""
        answer = post(self._session, url, data, dict(req.header_items()))
        check_is_slacks(answer, host_of(url))
        body = answer.body.decode("utf-8", "replace") if answer.fields() is not None else "{}"
        return {"status": answer.status, "headers": answer.headers, "body": body}

    def _upload_file(self, *, url: str, data: bytes, **_: Any) -> FileUploadV2Result:
        """Bytes to the address that Slack has named for them: no token goes there, and only TLS leads there."""
        named, ours = origin_of(url), origin_of(self.base_url)
        local = named is not None and ours is not None and is_loopback(named[1]) and is_loopback(ours[1])
        if named is None or (named[0] != "https" and not local):
            raise RetryLater("garbled", "Slack named an address for files that is not https")
        answer = post(self._session, url, data, {"Content-Type": "application/octet-stream"})
        return FileUploadV2Result(answer.status, "")


class SlackApi:
    """The calls that a digest needs. Each raises `ConnectorError`, and none of them holds a part of the request."""

    def __init__(self, token: str, api_url: str, session: Session) -> None:
        self._client = SessionClient(token, api_url, session)
        self._session = session
        self._pause = Pause()

    def ask(self, method: str, **fields: Any) -> SlackResponse:
        """A question: nothing is posted by it."""
        return self.within_limits(lambda: _called(lambda: self._client.api_call(method, params=fields)))

    def within_limits(self, call: Callable[[], T]) -> T:
        """The call's answer; where Slack says how long to wait and it is not long, it is made again after that."""
        for left in reversed(range(_TRIES)):
            try:
                return call()
            except RetryLater as error:
                wait = error.after_seconds if error.code == "rate_limit" else None
                if not left or wait is None or wait > _LONGEST_WAIT_SECONDS:
                    raise
            self._pause(wait)
        raise AssertionError  # the last try returns or raises

    def close(self) -> None:
        self._pause.end()
        self._session.close()

    def post_message(self, channel: str, message: dict[str, Any]) -> str:
        """Posts a message and returns its `ts`. Raises `OutcomeUnknown` when it may be there."""
        lost: Lost
        try:
            answer = _called(lambda: self._client.chat_postMessage(channel=channel, **message), posting=True)
        except Lost as error:
            lost = error
        else:
            return str(answer.get("ts") or "")
        raise OutcomeUnknown(lost.code, lost.what, LOOK)

    def upload(self, channel: str, thread: str, files: list[Upload]) -> None:
        """Files into a thread, in one go."""
        uploads = [
            {"filename": file.name, "content": file.data, "title": file.shows[:150], "alt_txt": file.shows[:1000]}
            for file in files
        ]
        _called(lambda: self._client.files_upload_v2(file_uploads=uploads, channel=channel, thread_ts=thread))


def _called(call: Callable[[], SlackResponse], *, posting: bool = False) -> SlackResponse:
    """The answer of a call. What is raised is made outside the handler: Slack's own errors hold the whole request."""
    problem: ConnectorError
    try:
        return call()
    except SlackApiError as error:
        response = error.response
        after = _after_seconds(response)
        data = response.data if isinstance(response.data, dict) else {}
        problem = refused(refusal_of(data, response.status_code, after), posting=posting)
    except SlackClientError:
        problem = RetryLater("upload", "Slack did not take a file")
    raise problem


def _after_seconds(response: SlackResponse) -> float | None:
    return retry_after(response.headers.get("retry-after"))
