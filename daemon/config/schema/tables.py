"""The tables of the config file, one frozen model each; what people read is `config.example.toml`.

A model judges its own keys one by one. What depends on several keys or tables is in `daemon.config.checks`.
"""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field

from connectors.settings import Duration, Secret, SettingsModel
from daemon.config.schema.addresses import Address, Domain, Endpoint, Glob, Listen, Mailbox, Proxy, Recipient, Selection
from daemon.config.schema.cron import parse_cron
from daemon.config.schema.types import (
    Count,
    Day,
    ExistingFile,
    Flag,
    Label,
    Months,
    Name,
    OptionalSecret,
    Pattern,
    Positive,
    Zone,
)
from scoring.meetings.values import Response
from scoring.months.steps import DEFAULT_POINTS, Rules, Step

STORE_SCHEMES = ("sqlite:///", "postgresql+psycopg://")
Tier = Literal["key", "strategic", "standard", "prospect"]
Stage = Literal["exploratory", "basic", "collaborative", "interconnected"]
Domains = tuple[Domain, ...]
Addresses = tuple[Address, ...]
Points = Annotated[Count, Field(ge=0, le=1_000_000)]


class CompanyTable(SettingsModel):
    """`[company]`: who we are. In `timezone` months begin and end.

    `country` and `region` are ISO codes, empty where no public holidays are known; `domains` and `addresses` are ours,
    `ignore` globs of addresses that are nobody's (R3 of `docs/rules.md`).
    """

    name: Name
    timezone: Zone
    country: str = ""
    region: str = ""
    domains: Annotated[Domains, Field(min_length=1)]
    addresses: Addresses = ()
    ignore: tuple[Glob, ...] = ()


class StoreUrl(Secret):
    """The store's address: a string is the address itself, a reference leads to it. May hold a password."""

    FORMS: ClassVar[str] = (
        '"sqlite:///FILE", "postgresql+psycopg://USER@HOST/NAME", '
        '{ env = "NAME" }, { file = "PATH" } or { credential = "NAME" }'
    )


class StoreTable(SettingsModel):
    """`[store]`: where everything is kept."""

    url: StoreUrl = Field(default_factory=lambda: StoreUrl.model_validate("sqlite:///rapport.db"))


class SyncTable(SettingsModel):
    """`[sync]`: what is read, how often and how far, and how long it is kept.

    `history` and `retain` are months before today, `ahead` what is read beyond it; `workers` are calendars read at
    once, per connector. Without `titles` none is stored. Each calendar is compared in full within `reconcile`.
    """

    every: Positive = timedelta(minutes=15)
    history: Months = 24
    ahead: Duration = timedelta(days=60)
    workers: Annotated[Count, Field(ge=1, le=64)] = 8
    titles: Flag = True
    retain: Months = 36
    reconcile: Positive = timedelta(days=7)


class BuyingCentre(SettingsModel):
    """A part of a client that buys by itself, and which of its addresses belong to it."""

    name: Name
    match: Annotated[tuple[Glob, ...], Field(min_length=1)]


class ClientTable(SettingsModel):
    """`[[clients]]`, or the rows of one client in `clients_file`.

    None where nothing is said: `manager` is one of our addresses, `stage` the one that we believe it at, `since` the
    day on which it became a client.
    """

    name: Name
    domains: Domains = ()
    addresses: Addresses = ()
    manager: Address | None = None
    formerly: tuple[Name, ...] = ()
    rhythm: Literal["monthly", "quarterly"] = "monthly"
    tier: Tier | None = None
    stage: Stage | None = None
    since: Day | None = None
    buying_centres: tuple[BuyingCentre, ...] = ()


class PointsTable(SettingsModel):
    """`scoring.points`: what one meeting of each step earns (R6)."""

    email: Points = 0
    phone: Points = DEFAULT_POINTS[Step.PHONE]
    short_one: Points = DEFAULT_POINTS[Step.SHORT_ONE]
    long_one: Points = DEFAULT_POINTS[Step.LONG_ONE]
    short_many: Points = DEFAULT_POINTS[Step.SHORT_MANY]
    long_many: Points = DEFAULT_POINTS[Step.LONG_MANY]


class ScoringTable(SettingsModel):
    """`[scoring]`: what counts and what it earns (R4 to R6 of `docs/rules.md`). `largest_meeting` are participants."""

    long_meeting_over: Positive = timedelta(hours=1)
    longest_meeting: Positive = timedelta(hours=10)
    largest_meeting: Annotated[Count, Field(ge=2)] = 100
    points: PointsTable = PointsTable()
    video: Literal["meeting", "phone"] = "meeting"
    responses: Annotated[tuple[Literal["accepted", "tentative", "none"], ...], Field(min_length=1)] = (
        "accepted",
        "tentative",
        "none",
    )
    phone_titles: tuple[Pattern, ...] = Rules().phone_titles

    def rules(self) -> Rules:
        """As the rules take them. Points of e-mails stay here: no calendar shows one."""
        return Rules(
            long_meeting_over=self.long_meeting_over,
            longest_meeting=self.longest_meeting,
            largest_meeting=self.largest_meeting,
            points=MappingProxyType({step: getattr(self.points, step.value) for step in Step}),
            video_is_meeting=self.video == "meeting",
            responses=frozenset(Response(response) for response in self.responses),
            phone_titles=self.phone_titles,
        )


class EmailTable(SettingsModel):
    """`[email]`. `sender` is the key `from`. Without `username` the server is used without signing in."""

    host: Name
    port: Annotated[Count, Field(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    insecure: Flag = False
    auth: Literal["password", "microsoft", "google"] = "password"
    username: str = ""
    password: OptionalSecret = None
    outside: Addresses = ()
    sender: Mailbox = Field(alias="from")


class SlackTable(SettingsModel):
    """`[slack]`: a bot's token or an incoming webhook."""

    token: OptionalSecret = None
    webhook_url: OptionalSecret = None
    api_url: Endpoint = "https://slack.com/api/"


class NetworkTable(SettingsModel):
    """`[network]`. `ca_file` is absolute; None for the system's."""

    ca_file: ExistingFile = None
    proxy: Proxy = None
    timeout: Positive = timedelta(seconds=30)


class DigestTable(SettingsModel):
    """`[[digests]]`: what is sent to whom, and when.

    `clients` are selections, `to` recipients; `wait` is how long calendars that are late are waited for. `schedule` is
    five fields of crontab(5) in the company's time.
    """

    name: Label
    clients: Annotated[tuple[Selection, ...], Field(min_length=1)] = ("*",)
    to: tuple[Recipient, ...] = ()
    wait: Duration = timedelta(hours=24)
    schedule: Annotated[str, BeforeValidator(parse_cron)] = "0 8 1 * *"


class AlertsTable(SettingsModel):
    """`[alerts]`: who is told that reading has stopped, and after what standstill."""

    to: tuple[Recipient, ...] = ()
    after: Positive = timedelta(hours=24)


class PrivacyTable(SettingsModel):
    """`[privacy]`. Without `show_ours` people see counts in place of our people's addresses."""

    show_ours: Flag = True


class WebTable(SettingsModel):
    """`[web]`: `host:port` for health and metrics; an empty `listen` turns it off. None: no token is asked for."""

    listen: Listen = "127.0.0.1:8377"
    token: OptionalSecret = None

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port to listen on, or None."""
        parts = urlsplit(f"//{self.listen}")
        return (parts.hostname, parts.port or 0) if parts.hostname else None


class ScaleTable(SettingsModel):
    """`[scale]`: whether workers do the reading (`rapport worker`), which needs PostgreSQL."""

    workers: Flag = False


class LogTable(SettingsModel):
    """`[log]`: `auto` is for people on a terminal, JSON elsewhere."""

    format: Literal["auto", "json", "console"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "info"


class TopLevel(SettingsModel):
    """What stands outside the tables: CSV files, by absolute path; None where there is none."""

    clients_file: ExistingFile = None
    people_file: ExistingFile = None
    assessments_file: ExistingFile = None
