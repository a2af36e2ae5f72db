"""What each sort of value accepts, and how it is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from daemon.config.schema.addresses import (
    parse_address,
    parse_domain,
    parse_glob,
    parse_listen,
    parse_mailbox,
    parse_proxy,
    parse_recipient,
    parse_selection,
)
from daemon.config.schema.cron import parse_cron
from daemon.config.schema.types import parse_months

Parser = Callable[[Any], Any]

KEPT: list[tuple[Parser, Any, Any]] = [
    (parse_months, "24 months", 24),
    (parse_months, "1 month", 1),
    (parse_months, " 2 YEARS ", 24),
    (parse_months, "20 years", 240),
    (parse_domain, " Acme.Example ", "acme.example"),
    (parse_domain, "a_b.x1.test", "a_b.x1.test"),
    (parse_domain, "bücher.example", "xn--bcher-kva.example"),
    (parse_domain, "Straße.example", "xn--strae-oqa.example"),
    (parse_address, "Jo@Northwind.EXAMPLE", "jo@northwind.example"),
    (parse_address, "jo+x@a.test", "jo+x@a.test"),
    (parse_address, "o'neil.j@corp.local", "o'neil.j@corp.local"),
    (parse_address, "jürgen@bücher.example", "jürgen@xn--bcher-kva.example"),
    (parse_mailbox, "Rapport <r@a.example>", "Rapport <r@a.example>"),
    (parse_mailbox, "r@a.example", "r@a.example"),
    (parse_glob, "Front-Desk@*", "front-desk@*"),
    (parse_recipient, "manager", "manager"),
    (parse_recipient, "email:Jo@a.example", "email:jo@a.example"),
    (parse_recipient, "slack:#Accounts", "slack:#Accounts"),
    (parse_recipient, "slack:@Jo@a.example", "slack:@jo@a.example"),
    (parse_selection, "*", "*"),
    (parse_selection, "tier:key", "tier:key"),
    (parse_selection, "manager:Jo@a.example", "manager:jo@a.example"),
    (parse_listen, "127.0.0.1:0", "127.0.0.1:0"),
    (parse_listen, "[::1]:8377", "[::1]:8377"),
    (parse_listen, "localhost:8377", "localhost:8377"),
    (parse_listen, "", ""),
    (parse_proxy, "", None),
    (parse_proxy, "http://p:3128", "http://p:3128"),
    # cron
    (parse_cron, "0 8 1 * *", "0 8 1 * *"),
    (parse_cron, " */15  0-6/2,12 1,15 JAN-mar sun ", "*/15 0-6/2,12 1,15 jan-mar sun"),
    (parse_cron, "0 8 * * 7", "0 8 * * 7"),
    (parse_cron, "0 8 * * fri-sun", "0 8 * * fri-sun"),
    (parse_cron, "0 8 5/10 * *", "0 8 5/10 * *"),
    (parse_cron, "0 8 29 2 *", "0 8 29 2 *"),
    (parse_cron, "0 8 31 2,3 *", "0 8 31 2,3 *"),
    (parse_cron, "0 8 30 2 mon", "0 8 30 2 mon"),
]

REFUSED: dict[Parser, list[Any]] = {
    parse_months: ["0 months", "241 months", "21 years", "24", "1.5 years", "-1 months", 24, None],
    parse_domain: ["a", "a..b", "a b.c", "-a.b", "a.b-", "a.1", "x" * 64 + ".b", "a." * 130 + "b", "\u2488.a", 5],
    parse_address: [
        *("jo", "@a.b", "jo@", "jo@a", "a b@c.d", "a@b@c.d", "a\n@b.c", "Jo <jo@a.b>", "x" * 65 + "@a.b"),
        *('"a b"@c.d', ".a@c.d", "a..b@c.d", 5),
    ],
    parse_mailbox: ["Rapport", "Rapport <r>", "", "a@b.c\nBcc: x@y.z"],
    parse_glob: ["", "a b", 5],
    parse_recipient: [
        *("manager:x", "email:jo", "email:", "slack:", "slack:#", "slack:#a b", "slack:@jo", "jo@a.b", "", 5),
    ],
    parse_selection: ["", "manager:jo", 5],
    parse_listen: ["8377", ":8377", "a", "a:x", "a:99999", "http://a:1", "a:1/x", 5],
    parse_proxy: ["p", "p:3128", "ftp://p", "http://", "http://p:x", 5],
    parse_cron: [
        *("", "@daily", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", 5),
        *("* * * 13 *", "* * * * 8", "*/0 * * * *", "5-1 * * * *", "a * * * *", "1,, * * * *", "* * * foo *"),
        *("0 8 31 4,6 *", "0 8 30 2 */2", "0 8 l * *", "0 8 lw * *", "0 8 * * 5l", "0 8 * * mon#1", "0 8 * * l"),
    ],
}


@pytest.mark.parametrize(("parser", "value", "kept"), KEPT)
def test_kept(parser: Parser, value: Any, kept: Any) -> None:
    assert parser(value) == kept


@pytest.mark.parametrize(
    ("parser", "value"), [(parser, value) for parser, values in REFUSED.items() for value in values]
)
def test_refused(parser: Parser, value: Any) -> None:
    with pytest.raises(ValueError):
        parser(value)
