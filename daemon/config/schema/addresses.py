"""Kinds of value in the config that say where: domains, e-mail addresses, recipients, endpoints.

As in `daemon.config.schema.types`, every parser raises ValueError with what is allowed, never with what was found.
"""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field

from connectors.net.endpoints import is_safe_endpoint
from daemon.config.schema.types import text_of
from scoring.meetings.address_book import ascii_domain

_HOST_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_DOT_ATOM = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_CHANNEL = re.compile(r"#[^\s#@,]{1,80}")


def parse_domain(value: Any) -> str:
    """A domain name with a dot in it, lower-case and in its ASCII form."""
    allowed = 'a domain such as "acme.example", without "@", "*" or "https://"; its sub-domains are meant too'
    name = text_of(value, allowed).lower()
    try:
        folded = ascii_domain(name)
    except ValueError:
        raise ValueError(allowed) from None
    labels = folded.split(".")
    if len(folded) > 253 or len(labels) < 2 or not all(map(_HOST_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        raise ValueError(allowed)
    return folded


def parse_address(value: Any) -> str:
    """An e-mail address, lower-case, its domain in ASCII; reserved domains (.example, .test) are fine."""
    allowed = 'an e-mail address, such as "jo@northwind.example"'
    local, at, domain = text_of(value, allowed).lower().rpartition("@")
    try:
        folded = parse_domain(domain)
    except ValueError:
        raise ValueError(allowed) from None
    if not at or len(local) > 64 or not (_DOT_ATOM.fullmatch(local) or _is_unusual_local_part(local)):
        raise ValueError(allowed)
    return f"{local}@{folded}"


def _is_unusual_local_part(local: str) -> bool:
    from email_validator import EmailNotValidError, validate_email  # 30 ms, and hardly ever needed

    try:
        validate_email(f"{local}@northwind.example", check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


def parse_mailbox(value: Any) -> str:
    """`"Rapport <rapport@northwind.example>"` or the address alone, kept as written."""
    from email.utils import parseaddr

    allowed = 'a sender, such as "Rapport <rapport@northwind.example>"'
    text = text_of(value, allowed)
    parse_address(parseaddr(text)[1])
    return text


def parse_glob(value: Any) -> str:
    """A pattern for addresses, lower-case."""
    allowed = 'a pattern for addresses, such as "*@emea.acme.example" or "front-desk@*"'
    glob = text_of(value, allowed).lower()
    if not glob or re.search(r"\s", glob):
        raise ValueError(allowed)
    return glob


def parse_recipient(value: Any) -> str:
    """`manager`, `email:address`, `slack:#channel` or `slack:@address`, addresses lower-case."""
    allowed = '"email:jo@northwind.example", "slack:#channel", "slack:@jo@northwind.example"'
    service, _, whom = text_of(value, allowed).partition(":")
    try:
        if service == "manager" and not whom:
            return service
        if service == "email":
            return f"email:{parse_address(whom)}"
        if service == "slack" and whom.startswith("@"):
            return f"slack:@{parse_address(whom[1:])}"
        if service == "slack" and _CHANNEL.fullmatch(whom):
            return f"slack:{whom}"
    except ValueError:
        pass
    raise ValueError(allowed)


def parse_selection(value: Any) -> str:
    """What a digest is about: `*`, a client's name, `tier:…` or `manager:…`."""
    allowed = '"*", a client\'s name, "tier:key" or "manager:jo@northwind.example"'
    text = text_of(value, allowed)
    if not text:
        raise ValueError(allowed)
    if text.startswith("manager:"):
        return f"manager:{parse_address(text.removeprefix('manager:'))}"
    return text


def parse_endpoint(value: Any) -> str:
    """The root of an API, with a slash at its end."""
    allowed = "an https:// address (http:// on loopback only)"
    url = text_of(value, allowed)
    if not is_safe_endpoint(url):
        raise ValueError(allowed)
    return url if url.endswith("/") else url + "/"


def parse_listen(value: Any) -> str:
    """`host:port`, `[::1]:port`, or nothing."""
    allowed = '"host:port", such as "127.0.0.1:8377", or "" for none'
    text = text_of(value, allowed)
    try:
        parts = urlsplit(f"//{text}")
        complete = bool(parts.hostname) and parts.port is not None and not (parts.path or parts.query or parts.username)
    except ValueError:
        complete = False
    if text and not complete:
        raise ValueError(allowed)
    return text


def parse_proxy(value: Any) -> str | None:
    """`http://host:port`, or nothing; it may hold a password, so it is never shown."""
    allowed = 'a proxy, such as "http://proxy.northwind.example:3128", or "" for the environment\'s'
    url = text_of(value, allowed)
    try:
        parts = urlsplit(url)
        complete = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        complete = False
    if url and not complete:
        raise ValueError(allowed)
    return url or None


Domain = Annotated[str, BeforeValidator(parse_domain)]
Address = Annotated[str, BeforeValidator(parse_address)]
Mailbox = Annotated[str, BeforeValidator(parse_mailbox)]
Glob = Annotated[str, BeforeValidator(parse_glob)]
Recipient = Annotated[str, BeforeValidator(parse_recipient)]
Selection = Annotated[str, BeforeValidator(parse_selection)]
Endpoint = Annotated[str, BeforeValidator(parse_endpoint)]
Listen = Annotated[str, BeforeValidator(parse_listen)]
Proxy = Annotated[str | None, BeforeValidator(parse_proxy), Field(repr=False)]
