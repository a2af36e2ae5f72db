"""Calendar files: whose they are, which are read, and how a change is noticed."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors.calendars.ics import Settings
from connectors.calendars.ics.connector import IcsCalendars
from connectors.calendars.ics.files import find_files, read_file
from connectors.contract import Person
from connectors.errors import RetryLater, SkipCalendar, StopConnector
from scoring.meetings.values import Window
from tests.connectors.calendars.ics.ics_support import NOW, OWNER, WINDOW, Found, calendar, connector, event, pull

Open = Callable[..., IcsCalendars]


def write(path: Path, *events: str, written: datetime = NOW - timedelta(days=1)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(calendar(*(events or (event(),))))
    os.utime(path, (written.timestamp(), written.timestamp()))
    return path


def people(calendars: IcsCalendars) -> list[str]:
    return [person.id for person in calendars.people().people]


def refusal(calendars: IcsCalendars, name: str) -> SkipCalendar:
    (person,) = [person for person in calendars.people().people if person.id == name]
    with pytest.raises(SkipCalendar) as caught:
        pull(calendars, person)
    assert not caught.value.standing
    return caught.value


def test_settings_need_something_to_read() -> None:
    with pytest.raises(ValidationError, match="needs files or feeds"):
        Settings.model_validate({"name": "x", "kind": "ics"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"files": ["*.ics"], "exclude": ["nobody"]},
        {"feeds": [{"owner": "nobody", "url": {"env": "X"}}]},
        {"feeds": [{"owner": OWNER}]},
        {"files": [""]},
        {"files": ["a**/x.ics"]},
        {"files": ["*.ics"], "colour": "red"},
    ],
)
def test_settings_refuse(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"name": "x", "kind": "ics", **wrong})


def test_a_files_owner_is_its_name(tmp_path: Path, opened: Open) -> None:
    for name in (OWNER, "SAM@Northwind.Example", "lee+work@northwind.example"):
        write(tmp_path / "calendars" / f"{name}.ics")
    write(tmp_path / "calendars" / "ana@northwind.example.ICS")
    write(tmp_path / "calendars" / ".~jo@northwind.example.ics")
    write(tmp_path / "calendars" / "notes.txt")
    calendars = opened(files=["calendars/*.ics"])
    assert people(calendars) == [
        "sam@northwind.example",
        "ana@northwind.example",
        OWNER,
        "lee@northwind.example",
    ]
    assert calendars.people().unreadable == ()
    assert calendars.roster_requests == 0


def test_patterns(tmp_path: Path, opened: Open) -> None:
    write(tmp_path / "a" / "b" / f"{OWNER}.ics")
    write(tmp_path / "c" / "sam@northwind.example.ics")
    (tmp_path / "c" / "folder").mkdir()
    assert people(opened(files=["**/*.ics"])) == [OWNER, "sam@northwind.example"]
    assert people(opened(files=["c/*"])) == ["sam@northwind.example"]
    assert people(opened(files=[str(tmp_path / "[ab]" / "b" / "*.ics")])) == [OWNER]
    assert people(opened(files=[f"a/b/{OWNER}.ics", "**/*.ics"])) == [OWNER, "sam@northwind.example"]


def test_excluded_owners_are_not_in_the_roster(tmp_path: Path, opened: Open) -> None:
    write(tmp_path / f"{OWNER}.ics")
    write(tmp_path / "sam@northwind.example.ics")
    assert people(opened(files=["*.ics"], exclude=["Sam@northwind.example"])) == [OWNER]


def test_nothing_at_all_stops_the_connector(opened: Open) -> None:
    with pytest.raises(StopConnector) as caught:
        opened(files=["calendars/*.ics"]).people()
    assert caught.value.code == "no_files"


def test_no_file_but_a_feed_is_enough(opened: Open) -> None:
    feeds = [{"owner": OWNER, "url": {"env": "X"}}]
    assert people(opened(files=["*.ics"], feeds=feeds)) == [OWNER]


def test_a_misnamed_file_does_not_hide_the_others(tmp_path: Path, opened: Open) -> None:
    write(tmp_path / "jo.ics")
    write(tmp_path / f"{OWNER}.ics")
    calendars = opened()
    assert people(calendars) == ["jo.ics", OWNER]
    assert refusal(calendars, "jo.ics").code == "bad_name"
    assert "rename" in refusal(calendars, "jo.ics").remedy.lower()


def test_a_named_file_that_is_not_there(opened: Open) -> None:
    calendars = opened(files=[f"gone/{OWNER}.ics"])
    assert people(calendars) == [OWNER]
    assert refusal(calendars, OWNER).code == "missing"


def test_a_file_that_vanished_since(tmp_path: Path, opened: Open) -> None:
    path = write(tmp_path / f"{OWNER}.ics")
    calendars = opened()
    (person,) = calendars.people().people
    path.unlink()
    with pytest.raises(SkipCalendar) as caught:
        pull(calendars, person)
    assert caught.value.code == "missing"


def test_an_unknown_person(tmp_path: Path, opened: Open) -> None:
    write(tmp_path / f"{OWNER}.ics")
    with pytest.raises(SkipCalendar) as caught:
        pull(opened(), Person(id="sam@northwind.example", addresses=("sam@northwind.example",)))
    assert caught.value.code == "missing"


def test_pull_without_a_roster_before(tmp_path: Path, opened: Open) -> None:
    write(tmp_path / f"{OWNER}.ics")
    assert len(pull(opened(), Person(id=OWNER, addresses=(OWNER,))).copies) == 1


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, opened: Open) -> None:
    secret = write(tmp_path / "elsewhere" / "secret.ics")
    inside = write(tmp_path / "calendars" / "real" / "store.ics")
    (tmp_path / "calendars" / f"{OWNER}.ics").symlink_to(secret)
    (tmp_path / "calendars" / "sam@northwind.example.ics").symlink_to(inside)
    (tmp_path / "calendars" / "deep").symlink_to(tmp_path / "elsewhere")
    write(tmp_path / "elsewhere" / "lee@northwind.example.ics")
    calendars = opened(files=["calendars/*.ics", "calendars/deep/*.ics", "calendars/**/lee*.ics"])
    assert refusal(calendars, OWNER).code == "link"
    (sam,) = [person for person in calendars.people().people if person.id.startswith("sam")]
    assert len(pull(calendars, sam).copies) == 1


def test_a_folder_behind_a_link_is_refused_when_the_pattern_is_above_it(tmp_path: Path, opened: Open) -> None:
    write(tmp_path / "elsewhere" / f"{OWNER}.ics")
    (tmp_path / "calendars").mkdir()
    (tmp_path / "calendars" / "deep").symlink_to(tmp_path / "elsewhere")
    assert refusal(opened(files=["calendars/*/*.ics"]), OWNER).code == "link"


def test_a_link_to_nowhere(tmp_path: Path, opened: Open) -> None:
    (tmp_path / f"{OWNER}.ics").symlink_to(tmp_path / "gone.ics")
    assert refusal(opened(), OWNER).code == "missing"


def test_a_link_to_itself(tmp_path: Path, opened: Open) -> None:
    (tmp_path / f"{OWNER}.ics").symlink_to(tmp_path / f"{OWNER}.ics")
    assert refusal(opened(), OWNER).code == "link"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["fifo", "folder"])
def test_only_regular_files_are_opened(tmp_path: Path, opened: Open, make: Callable[[Path], None]) -> None:
    make(tmp_path / f"{OWNER}.ics")
    assert refusal(opened(), OWNER).code == "not_a_file"


def test_a_device_behind_a_name(tmp_path: Path, opened: Open) -> None:
    (tmp_path / f"{OWNER}.ics").symlink_to("/dev/zero")
    assert refusal(opened(), OWNER).code == "link"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user to be refused")
def test_a_file_that_may_not_be_read() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = write(Path(folder) / f"{OWNER}.ics")
        path.chmod(0o600)
        calendars = connector(Path(folder))
        os.seteuid(65534)
        try:
            assert refusal(calendars, OWNER).code == "forbidden"
        finally:
            os.seteuid(0)
            calendars.close()


def later(found: Found, calendars: IcsCalendars, **changes: object) -> Found:
    (person,) = calendars.people().people
    given = {"cursor": found.done.cursor, "now": NOW + timedelta(hours=1), **changes}
    return pull(calendars, person, **given)  # type: ignore[arg-type]  # keywords of one test


def first(calendars: IcsCalendars) -> Found:
    (person,) = calendars.people().people
    return pull(calendars, person)


def test_a_file_as_it_was_is_not_read_again(tmp_path: Path, opened: Open) -> None:
    """R11: it reaches as far as the time it was written, not as far as it was looked at."""
    write(tmp_path / f"{OWNER}.ics")
    calendars = opened()
    found = first(calendars)
    assert (found.done.full, len(found.copies), found.done.requests) == (True, 1, 0)
    again = later(found, calendars)
    assert (again.done.full, again.pages) == (False, ())
    assert again.done.read_through == found.done.read_through == NOW - timedelta(days=1)
    assert again.done.window == WINDOW


def test_a_touched_file_is_as_it_was_but_reaches_further(tmp_path: Path, opened: Open) -> None:
    path = write(tmp_path / f"{OWNER}.ics")
    calendars = opened()
    found = first(calendars)
    write(path, written=NOW)
    again = later(found, calendars)
    assert (again.done.full, again.done.read_through) == (False, NOW)


def test_a_changed_file_is_read_in_full(tmp_path: Path, opened: Open) -> None:
    path = write(tmp_path / f"{OWNER}.ics")
    calendars = opened()
    found = first(calendars)
    write(path, event(), event(uid="two"), written=NOW)
    again = later(found, calendars)
    assert (again.done.full, len(again.copies)) == (True, 2)
    assert {copy.entry for copy in found.copies} < {copy.entry for copy in again.copies}


def test_the_stamp_alone_shows_that_a_file_is_as_it_was(tmp_path: Path, opened: Open) -> None:
    """Bytes are compared only where the stamp differs, or was too fresh to rely on: within one tick it may lie."""
    write(tmp_path / f"{OWNER}.ics")
    calendars = opened()
    (person,) = calendars.people().people
    for seconds, relied_on in ((1, False), (60, True)):
        now = datetime.now(UTC) + timedelta(seconds=seconds)
        cursor = json.loads(pull(calendars, person, now=now).done.cursor)
        cursor["files"][f"{OWNER}.ics"]["hash"] = "of other bytes"
        assert pull(calendars, person, now=now, cursor=json.dumps(cursor)).done.full is not relied_on


def test_a_file_written_in_the_future_reaches_to_now(tmp_path: Path, opened: Open) -> None:
    write(tmp_path / f"{OWNER}.ics", written=NOW + timedelta(days=3))
    assert first(opened()).done.read_through == NOW


@pytest.mark.parametrize(
    "changes",
    [
        {"window": Window(start=WINDOW.start, end=WINDOW.end + timedelta(days=1))},
        {"titles_of": "others"},
        {"cursor": None},
        {"cursor": "no json"},
        {"cursor": "[]"},
        {"cursor": '{"files":{"x":1}}'},
        {"cursor": "[" * 100_000},
    ],
    ids=["window", "titles", "none", "text", "list", "half", "deep"],
)
def test_what_else_lists_in_full(tmp_path: Path, opened: Open, changes: dict[str, object]) -> None:
    write(tmp_path / f"{OWNER}.ics")
    calendars = opened()
    again = later(first(calendars), calendars, **changes)
    assert (again.done.full, len(again.copies)) == (True, 1)


def test_a_cursor_of_another_parser_lists_in_full(tmp_path: Path, opened: Open) -> None:
    write(tmp_path / f"{OWNER}.ics")
    calendars = opened()
    cursor = json.loads(first(calendars).done.cursor) | {"query": "older"}
    assert later(first(calendars), calendars, cursor=json.dumps(cursor)).done.full


def test_query_changes_with_the_companys_zone(tmp_path: Path) -> None:
    assert connector(tmp_path).query() == connector(tmp_path).query()
    assert connector(tmp_path).query() != connector(tmp_path, "Europe/Paris").query()


def test_several_files_of_one_owner_are_one_calendar(tmp_path: Path, opened: Open) -> None:
    """All are read when one changes; it reaches as far as the oldest; the same entry in both stays two copies."""
    old, new = NOW - timedelta(days=3), NOW - timedelta(days=1)
    write(tmp_path / "a" / f"{OWNER}.ics", event(), event(uid="two"), written=old)
    path = write(tmp_path / "b" / f"{OWNER}.ics", event(), written=new)
    calendars = opened(files=["*/*.ics"])
    found = first(calendars)
    assert len(found.copies) == len({copy.entry for copy in found.copies}) == 3
    assert len({copy.identity for copy in found.copies}) == 2
    assert found.done.read_through == old
    write(path, event(uid="three"), written=NOW)
    again = later(found, calendars)
    assert (again.done.full, len(again.copies), again.done.read_through) == (True, 3, old)
    (tmp_path / "a" / f"{OWNER}.ics").unlink()
    last = later(again, calendars)
    assert (last.done.full, len(last.copies), last.done.read_through) == (True, 1, NOW)


def test_one_unreadable_source_fails_the_round(tmp_path: Path, opened: Open) -> None:
    write(tmp_path / "a" / f"{OWNER}.ics")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / f"{OWNER}.ics").write_bytes(b"BEGIN:VCALENDAR\r\n")
    assert refusal(opened(files=["*/*.ics"]), OWNER).code == "truncated"


def test_entry_ids_do_not_depend_on_where_the_folder_is(tmp_path: Path) -> None:
    ids = []
    for place in ("here", "there"):
        write(tmp_path / place / f"{OWNER}.ics")
        calendars = connector(tmp_path / place)
        ids.append(first(calendars).copy.entry)
        calendars.close()
    assert ids[0] == ids[1]


def test_a_file_that_becomes_a_link_after_it_was_looked_at_is_not_followed(tmp_path: Path) -> None:
    """Whoever may write into the folder swaps the file, over and over, for a link to one that they may not read."""
    (tmp_path / "secret").write_bytes(b"secret")
    path = write(tmp_path / "calendars" / f"{OWNER}.ics")
    honest = path.read_bytes()
    (source,) = find_files(["calendars/*.ics"], tmp_path)
    ended = threading.Event()

    def swap() -> None:
        beside = path.with_name("beside")
        while not ended.is_set():
            beside.symlink_to(tmp_path / "secret")
            beside.replace(path)
            beside.write_bytes(honest)
            beside.replace(path)

    thread = threading.Thread(target=swap)
    thread.start()
    read: set[bytes] = set()
    end = time.monotonic() + 1.5
    try:
        while time.monotonic() < end:
            with suppress(SkipCalendar, RetryLater):
                read.add(read_file(source).data)
    finally:
        ended.set()
        thread.join()
    assert read == {honest}
