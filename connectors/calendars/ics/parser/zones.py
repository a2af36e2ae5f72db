"""Time zones as calendar files name them: by IANA, by Windows, by what Exchange shows people, or by their own rules.

Zones come from `zoneinfo`; a file's own VTIMEZONE counts only where the name says nothing, since exports cut theirs
short.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from icalendar import Timezone
from tzlocal.windows_tz import win_tz

from connectors.calendars.ics.parser.request import Allowance, TooCostly

# Windows zones that have no IANA name in `win_tz`, and Exchange's name for UTC.
_MORE = {
    "kamchatka standard time": "Asia/Kamchatka",
    "mid-atlantic standard time": "Etc/GMT+2",
    "tzone://microsoft/utc": "UTC",
    "z": "UTC",
}

# What Exchange shows people instead of cities ("(UTC-05:00) Eastern Time (US & Canada)").
_SHOWN = {
    "alaska": "America/Anchorage",
    "aleutian islands": "America/Adak",
    "arizona": "America/Phoenix",
    "astana": "Asia/Almaty",
    "atlantic time (canada)": "America/Halifax",
    "azores": "Atlantic/Azores",
    "baja california": "America/Tijuana",
    "beijing": "Asia/Shanghai",
    "brasilia": "America/Sao_Paulo",
    "cabo verde is.": "Atlantic/Cape_Verde",
    "cape verde is.": "Atlantic/Cape_Verde",
    "central america": "America/Guatemala",
    "central time (us & canada)": "America/Chicago",
    "chatham islands": "Pacific/Chatham",
    "city of buenos aires": "America/Argentina/Buenos_Aires",
    "coordinated universal time": "UTC",
    "easter island": "Pacific/Easter",
    "eastern time (us & canada)": "America/New_York",
    "ekaterinburg": "Asia/Yekaterinburg",
    "fiji": "Pacific/Fiji",
    "georgetown": "America/Guyana",
    "greenland": "America/Nuuk",
    "greenwich mean time": "Europe/London",
    "hawaii": "Pacific/Honolulu",
    "indiana (east)": "America/Indiana/Indianapolis",
    "international date line west": "Etc/GMT+12",
    "kiritimati island": "Pacific/Kiritimati",
    "lord howe island": "Australia/Lord_Howe",
    "marquesas islands": "Pacific/Marquesas",
    "mid-atlantic": "Etc/GMT+2",
    "mountain time (us & canada)": "America/Denver",
    "newfoundland": "America/St_Johns",
    "norfolk island": "Pacific/Norfolk",
    "nuku'alofa": "Pacific/Tongatapu",
    "pacific time (us & canada)": "America/Los_Angeles",
    "samoa": "Pacific/Apia",
    "saskatchewan": "America/Regina",
    "solomon is.": "Pacific/Guadalcanal",
    "sri jayawardenepura": "Asia/Colombo",
    "st. petersburg": "Europe/Moscow",
    "west central africa": "Africa/Lagos",
    "yukon": "America/Whitehorse",
}
_SHOWN_NAME = re.compile(r"\((?:UTC|GMT)(?:([+-])(\d{1,2}):?(\d{2}))?\)\s*(.*)", re.IGNORECASE)
_OFFSET_NAME = re.compile(r"(?:UTC|GMT)([+-])(\d{1,2}):?(\d{2})?", re.IGNORECASE)
_LONGEST_NAME = 200
_YEARS_TRIED = range(1970, 2041)


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone to reckon with; `known` is False where it had to be guessed, which is a flaw of the data."""

    rules: tzinfo
    known: bool = True


def definitions_allowance() -> Allowance:
    """The time for a file's own definitions; an honest one takes some milliseconds."""
    return Allowance(first=0.3, least=0.03, waste=1.5, total=3.0)


class Zones:
    """The zones of one VCALENDAR. Its own definitions are read only when asked for, and then once.

    `allowance` is that of the whole file.
    """

    def __init__(self, definitions: Iterable[list[bytes]], fallback: tzinfo, allowance: Allowance) -> None:
        self._fallback = fallback
        self._allowance = allowance
        self._definitions: dict[str, list[bytes]] = {}
        for lines in definitions:
            name = _definition_name(lines)
            if name:
                self._definitions.setdefault(name, lines)
        self._found: dict[str, Zone] = {}

    def find(self, name: str) -> Zone:
        """The zone of that name."""
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._search(name.strip()[:_LONGEST_NAME])
        return found

    def _search(self, name: str) -> Zone:
        rules = by_name(name) or self._defined(name) or _shown(name)
        if rules is not None:
            return Zone(rules)
        offset = _shown_offset(name)
        return Zone(self._fallback if offset is None else timezone(offset), known=False)

    def _defined(self, name: str) -> tzinfo | None:
        lines = self._definitions.get(name.casefold())
        if lines is None:
            return None
        text = b"\r\n".join(line for line in lines if line[:2].upper() != b"X-") + b"\r\n"
        try:
            with self._allowance.piece():
                rules = _rules_of(text)
                for year in _YEARS_TRIED:  # so that rules without sense, without end or slow to ask show here
                    datetime(year, 1, 1, tzinfo=rules).utcoffset()
        except (Exception, TooCostly):  # noqa: BLE001 - whatever a hostile definition raises, it is no zone
            return None
        return rules


def _rules_of(text: bytes) -> tzinfo:
    definition = Timezone.from_ical(text)
    if not isinstance(definition, Timezone):
        raise TypeError("no time zone")
    rules: tzinfo = definition.to_tz(lookup_tzid=False)
    return rules


@lru_cache(maxsize=1024)
def by_name(name: str) -> tzinfo | None:
    """The zone that a name alone tells: IANA (also behind a vendor's path), Windows, or as Exchange shows it."""
    if name.casefold() in ("utc", "gmt", "z"):
        return UTC
    known = _iana().get(name.casefold()) or _windows().get(name.casefold()) or _behind_path(name)
    if known is not None:
        return ZoneInfo(known)
    if match := _OFFSET_NAME.fullmatch(name):
        return _fixed(match[1], match[2], match[3])
    return _shown(name) if name.startswith("(") else None


@cache
def _iana() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones() if name not in ("localtime", "Factory")}


@cache
def _windows() -> dict[str, str]:
    return {name.casefold(): zone for name, zone in win_tz.items()} | _MORE


@cache
def _cities() -> dict[str, str]:
    zones = sorted((name for name in _iana().values() if "/" in name and not name.startswith("Etc/")), reverse=True)
    return {name.rpartition("/")[2].replace("_", " ").casefold(): name for name in zones}


def _behind_path(name: str) -> str | None:
    """`/freeassociation.sourceforge.net/Europe/London` (RFC 5545 3.8.3.1): the longest part that is a zone."""
    parts = name.casefold().strip("/").split("/")
    paths = ("/".join(parts[start:]) for start in range(1, min(len(parts), 8)))
    return next((_iana()[path] for path in paths if path in _iana()), None)


def _shown(name: str) -> tzinfo | None:
    """`(UTC+01:00) Amsterdam, Berlin, …`: the first place we know whose clocks agree with the offset."""
    match = _SHOWN_NAME.fullmatch(name)
    places = (match[4] if match else name).casefold()
    offset = _shown_offset(name)
    for place in (places, *(part.strip() for part in places.split(","))):
        found = _SHOWN.get(place) or _cities().get(place)
        if found is not None and (offset is None or offset in _offsets(found)):
            return ZoneInfo(found)
    return None


def _shown_offset(name: str) -> timedelta | None:
    match = _SHOWN_NAME.fullmatch(name)
    if match is None:
        return None
    if match[1] is None:
        return timedelta(0)
    fixed = _fixed(match[1], match[2], match[3])
    return None if fixed is None else fixed.utcoffset(None)


def _fixed(sign: str, hours: str, minutes: str | None) -> timezone | None:
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    if offset >= timedelta(hours=24):
        return None
    return timezone(-offset if sign == "-" else offset)


@cache
def _offsets(name: str) -> frozenset[timedelta | None]:
    """The offsets that a zone has had in winter and summer, for Exchange's names outlive political changes."""
    zone = ZoneInfo(name)
    return frozenset(datetime(year, month, 1, tzinfo=zone).utcoffset() for year in (2010, 2024) for month in (1, 7))


def _definition_name(lines: list[bytes]) -> str:
    for line in lines:
        head, _, value = line.partition(b":")
        if head.partition(b";")[0].strip().upper() == b"TZID":
            return value.decode("utf-8", "replace").strip().strip('"').casefold()
    return ""
