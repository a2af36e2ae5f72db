"""`rapport forget`: nobody's bytes stay, nobody comes back, and closed months keep their totals (docs/design.md 7)."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection

from connectors.contract import Done, Page, Person, Reading
from daemon.admin.backup import back_up
from daemon.admin.forget import NotToForget, clean_backups, forget_people, names_of
from daemon.commands.forget import forget as command
from daemon.commands.usage import UsageError
from daemon.config.model import Config
from daemon.figures.rescore import rescore
from daemon.store.calendars import read_calendars
from daemon.store.db.engine import Database
from daemon.store.db.errors import StoreError
from daemon.store.deliveries import State, claim, open_deliveries, read_deliveries, settle_delivery
from daemon.store.figures import due_months
from daemon.store.forgotten import REDACTED, Forgotten, hashed, read_forgotten
from daemon.store.meta import get_meta, save_groups, set_meta
from daemon.store.people import read_people
from scoring.months.month import Month
from tests.daemon.admin.forgetting import (
    CY,
    NOVEMBER,
    OCTOBER,
    addresses,
    everything,
    forget,
    forgotten,
    full_disk,
    naming,
    synced,
)
from tests.daemon.worlds import (
    ANA,
    BASE,
    BO,
    CLIENTS,
    JO,
    KIM,
    NOW,
    config_of,
    hours,
    make_copy,
    rows_of,
    scoring_context_of,
    stored,
    sync,
)
from tests.fakes.memory import MemoryCalendars

ROOT = Path(__file__).parents[3]
AUGUST = datetime(2026, 8, 6, 9, tzinfo=UTC)


class TestWhoIsMeant:
    @pytest.mark.parametrize(
        ("name", "address", "meant"),
        [
            (ANA, ANA, True),
            (ANA, "Ana@ACME.example", True),  # case and a tag make no other person (R3)
            (ANA, "ana+news@acme.example", True),
            (ANA, BO, False),
            ("acme.example", ANA, True),
            ("acme.example", "lee@emea.acme.example", True),  # sub-domains belong to it
            ("emea.acme.example", ANA, False),
            ("acme.example", "ana@notacme.example", False),
            ("acme.example", "acme.example@beta.example", False),
        ],
    )
    def test_an_address_or_a_domain_with_what_is_below_it(self, name: str, address: str, meant: bool) -> None:
        assert hashed([name], Forgotten(), NOW).holds(address) is meant

    @pytest.mark.parametrize(
        ("text", "left"),
        [
            (f"550 <{ANA}>: no such user.", f"550 <{REDACTED}>: no such user."),
            (f"to={ANA}; from {BO}", f"{REDACTED}; from {BO}"),
            ("see mail.acme.example", "see mail.acme.example"),
        ],
    )
    def test_texts_lose_their_names(self, text: str, left: str) -> None:
        assert hashed([ANA], Forgotten(), NOW).redact(text) == left

    def test_the_hashes_tell_nobody_without_their_key(self, store: Database, config: Config) -> None:
        forget_people(store, config, forgotten(store, config, ANA), NOW)
        forget_people(store, config, forgotten(store, config, BO), NOW)
        with store.reading() as connection:
            found = read_forgotten(connection)
        assert len({each.key for each in found.hashes}) == 1  # the store's, made once
        assert found.hashes.isdisjoint(hashed([ANA], Forgotten(), NOW).hashes)

    def test_a_person_goes_under_every_address_that_is_known(
        self, store: Database, config: Config, tmp_path: Path
    ) -> None:
        synced(store, config)
        (tmp_path / "people.csv").write_text(f"address,same_as\nana@mail.example,{ANA}\n", "utf-8")
        known = config_of(tmp_path, base='people_file = "people.csv"\n' + BASE)
        context = scoring_context_of(store, known)
        assert names_of("ana@mail.example", context) == ("ana@mail.example", ANA)
        assert names_of(ANA, context) == (ANA, "ana@mail.example")
        assert names_of("josephine@northwind.example", context) == ("josephine@northwind.example", JO)

    @pytest.mark.parametrize("whom", ["northwind.example", "example", "", "@", "ana@", "no address"])
    def test_what_cannot_be_forgotten(self, store: Database, config: Config, whom: str) -> None:
        with pytest.raises(NotToForget):
            names_of(whom, scoring_context_of(store, config))


class TestErasing:
    def test_a_person_goes_and_the_meeting_stays_for_the_others(self, store: Database, config: Config) -> None:
        synced(store, config)
        forget(store, config, ANA)
        assert addresses(store) == {JO, KIM, BO, CY}
        left = {(entry, title) for entry, title in stored(store, "entry, title")}
        assert left == {("both", None), ("bo", None), ("hers", None), ("beta", "Beta"), ("now", None)}

    def test_no_digest_tells_any_more_what_stood_there(self, store: Database, config: Config) -> None:
        """One of a copy with Ana would betray to whoever guesses it that she was there."""
        synced(store, config)
        before = dict(stored(store, "entry || calendar_id, digest"))
        forget(store, config, ANA)
        after = dict(stored(store, "entry || calendar_id, digest"))
        assert {entry.rstrip("12") for entry, digest in after.items() if digest == before[entry]} == {"beta"}

    def test_closed_months_keep_their_totals_and_the_running_one_does_not(
        self, store: Database, config: Config
    ) -> None:
        synced(store, config)
        before, running = rows_of(store, config), rows_of(store, config, "2026-11")
        forget(store, config, ANA)
        assert rows_of(store, config) == before
        assert before["Acme"].figures.man_seconds == 4 * 3600 + 2 * 3600
        assert rows_of(store, config, "2026-11")["Acme"].figures.man_seconds == 3600
        assert running["Acme"].figures.man_seconds == 2 * 3600

    def test_they_keep_them_when_all_is_derived_again_while_others_follow(
        self, store: Database, config: Config, tmp_path: Path
    ) -> None:
        synced(store, config)
        before = rows_of(store, config)
        forget(store, config, ANA)
        stricter = config_of(tmp_path, more='[scoring]\nlong_meeting_over = "30m"\n')
        after = rows_of(store, stricter)
        assert after["Acme"].figures == before["Acme"].figures
        assert after["Beta"].figures.steps != before["Beta"].figures.steps

    @pytest.mark.parametrize("earlier", [False, True])
    def test_they_keep_them_when_the_client_is_renamed(
        self, store: Database, config: Config, tmp_path: Path, earlier: bool
    ) -> None:
        """Also when all is derived again under the new name, and where the new name has months of its own."""
        calendars = synced(store, config)
        before = rows_of(store, config)["Acme"].figures
        forget(store, config, ANA)
        clients = CLIENTS.replace('"Acme"', '"Apex"\nformerly = ["Acme"]')
        if earlier:
            calendars.account(JO).put(make_copy("apex", people=(JO, "al@apex.example"), start=AUGUST))
            both = config_of(tmp_path, clients=f'{CLIENTS}[[clients]]\nname = "Apex"\ndomains = ["apex.example"]\n')
            sync(store, both, calendars, full=True)
            clients = clients.replace('["acme.example"]', '["acme.example", "apex.example"]')
        renamed = config_of(tmp_path, clients=clients)
        assert replace(rows_of(store, renamed)["Apex"].figures, client="Acme") == before
        stricter = config_of(tmp_path, clients=clients, more='[scoring]\nlong_meeting_over = "30m"\n')
        after = rows_of(store, stricter)["Apex"].figures
        assert (after.man_seconds, after.steps) == (before.man_seconds, before.steps)
        assert hours(store, stricter, "2026-08", "Apex") == earlier

    def test_the_people_of_closed_months_are_the_others(self, store: Database, config: Config) -> None:
        synced(store, config)
        assert _people(store) == {"Acme": ({ANA, BO}, 4), "Beta": ({CY}, 1)}
        forget(store, config, ANA)
        assert _people(store) == {"Acme": ({BO}, 4), "Beta": ({CY}, 1)}

    def test_an_organisation_goes_with_all_its_people(self, store: Database, config: Config) -> None:
        synced(store, config)
        before = rows_of(store, config)
        found = forget(store, config, "acme.example")
        assert found.counts()["copies in others' calendars"] == 6
        assert addresses(store) == {JO, KIM, CY}  # Kim met them in a month that keeps its totals
        assert rows_of(store, config) == before

    def test_a_colleague_goes_with_their_calendar_and_aliases(self, store: Database, config: Config) -> None:
        calendars = synced(store, config)
        forget(store, config, "josephine@northwind.example")
        sync(store, config, calendars, full=True)
        with store.reading() as connection:
            assert [calendar.address for calendar in read_calendars(connection)] == [KIM]
        assert JO not in addresses(store)

    def test_texts_about_them_go(self, store: Database, config: Config) -> None:
        synced(store, config)
        with store.writing() as connection:
            save_groups(connection, "memory", [ANA, "team@northwind.example"])
            set_meta(connection, "note", f"asked by {ANA}")
            connection.exec_driver_sql(f"UPDATE calendar_state SET error = 'no {ANA}', cursor = 'c?u={ANA}'")  # noqa: S608  # ours
        forget(store, config, ANA)
        with store.reading() as connection:
            assert get_meta(connection, "groups memory") == "team@northwind.example"
            assert get_meta(connection, "note") == f"asked by {REDACTED}"
            assert {(calendar.error, calendar.cursor) for calendar in read_calendars(connection)} == {
                (f"no {REDACTED}", None)
            }

    def test_what_was_sent_to_them_is_nameless_and_what_was_not_is_not(self, store: Database, config: Config) -> None:
        to = [f"email:{ANA}", f"slack:@{ANA}", f"email:{JO}"]
        with store.writing() as connection:
            first, *_ = open_deliveries(connection, "leadership", Month("2026-09"), to, NOW, again=False)
            claim(connection, first, "me", NOW)
            settle_delivery(connection, first, "me", State.SENT, NOW, place=f"{ANA} <1@mail.example>")
        forget(store, config, ANA)
        with store.reading() as connection:
            found = {delivery.recipient: (delivery.state, delivery.place) for delivery in read_deliveries(connection)}
        assert found.pop(f"email:{JO}") == (State.WAITING, None)
        assert sorted(found.values()) == [(State.FAILED, None), (State.SENT, f"{REDACTED} <1@mail.example>")]
        assert not any("ana" in recipient for recipient in found)


def _people(database: Database) -> dict[str, tuple[set[str], int]]:
    """The client people of October, and the number of meetings."""
    with database.reading() as connection:
        found = {
            client: months[Month("2026-10")] for client, months in read_people(connection, ["Acme", "Beta"]).items()
        }
    return {client: (set(month.theirs), month.meetings) for client, month in found.items()}


class TestItLasts:
    def test_no_reading_brings_them_back(self, store: Database, config: Config) -> None:
        calendars = synced(store, config)
        forget(store, config, ANA)
        before = rows_of(store, config)
        calendars.account(JO).put(make_copy("new", people=(JO, ANA, BO), start=NOVEMBER.replace(day=12)))
        calendars.account(JO).put(make_copy("hers too", people=(JO, ANA), start=NOVEMBER.replace(day=13)))
        calendars.account(JO).put(make_copy("late", people=(JO, BO), start=OCTOBER.replace(day=20), title=f"For {ANA}"))
        calendars.account(KIM).put(make_copy("once", owner=KIM, organiser=ANA, people=(KIM, CY), start=NOVEMBER))
        for full in (False, True):
            sync(store, config, calendars, full=full)
            assert addresses(store) == {JO, KIM, BO, CY}
            found = dict(stored(store, "entry, title"))
            assert "ana" not in found
            assert "hers too" not in found
            assert (found["new"], found["late"], found["once"]) == (None, None, None)
            assert rows_of(store, config) == before

    def test_nor_a_round_that_was_being_read(self, store: Database, config: Config) -> None:
        calendars = _ForgetsMeanwhile("memory", tuple(synced(store, config).accounts.values()))
        calendars.meanwhile = (store, config)
        calendars.account(JO).put(make_copy("new", people=(JO, ANA, BO), start=NOVEMBER.replace(day=12)))
        sync(store, config, calendars, full=True)
        assert ANA not in addresses(store)
        assert dict(stored(store, "entry, title"))["new"] is None

    def test_nor_a_calendar_that_was_being_read(self, store: Database, config: Config) -> None:
        calendars = _ForgetsMeanwhile("memory", tuple(synced(store, config).accounts.values()), whom=KIM, at=KIM)
        calendars.meanwhile = (store, config)
        (result,) = sync(store, config, calendars, full=True)
        assert not result.failed
        assert KIM not in addresses(store)

    def test_nor_a_new_address_of_a_forgotten_colleague(self, store: Database, config: Config) -> None:
        calendars = synced(store, config)
        forget(store, config, KIM)
        account = calendars.accounts[KIM]
        account.person = Person(id=KIM, addresses=("kimberly@northwind.example", KIM))
        calendars.account(JO).put(make_copy("new", people=(JO, "kimberly@northwind.example", BO), start=NOVEMBER))
        sync(store, config, calendars)
        assert not {address for address in addresses(store) if address.startswith("kim")}

    def test_nobody_forgotten_costs_nothing(self) -> None:
        assert not Forgotten()
        assert not Forgotten().holds(ANA)
        assert Forgotten().redact(ANA) is ANA


class _ForgetsMeanwhile(MemoryCalendars):
    """Somebody is forgotten after the pages have been read and before they are applied."""

    def __init__(self, name: str, accounts: tuple[object, ...], *, whom: str = ANA, at: str = JO) -> None:
        super().__init__(name, accounts)  # type: ignore[arg-type]  # accounts, as the fake has them
        self.whom, self.at = whom, at
        self.meanwhile: tuple[Database, Config] | None = None

    def pull(self, person: Person, reading: Reading) -> Iterator[Page | Done]:
        *pages, done = list(super().pull(person, reading))
        yield from pages
        if self.meanwhile is not None and person.address == self.at:
            database, config = self.meanwhile
            self.meanwhile = None
            forget_people(database, config, forgotten(database, config, self.whom), NOW)
        yield done


class TestTheFile:
    """SQLite: the raw bytes, for somebody who finds the disk."""

    def test_no_byte_of_them_stays(self, sqlite_store: Database, config: Config, tmp_path: Path) -> None:
        synced(sqlite_store, config)
        assert naming(tmp_path, ANA)  # the test could fail
        forget(sqlite_store, config, ANA)
        assert naming(tmp_path, ANA, "lunch with ana", "her plan") == []

    def test_nor_of_what_was_deleted_before_and_left_in_the_file(
        self, sqlite_store: Database, config: Config, tmp_path: Path
    ) -> None:
        synced(sqlite_store, config)
        sqlite_store.close()
        with sqlite3.connect(tmp_path / "rapport.db") as careless:
            careless.execute("PRAGMA secure_delete = OFF")
            careless.executemany(
                "INSERT INTO meta VALUES (?, ?)", [(f"k{number}", f"about {ANA}") for number in range(500)]
            )
            careless.execute("DELETE FROM meta WHERE key LIKE 'k%'")
        careless.close()
        forget(sqlite_store, config, ANA)
        assert naming(tmp_path, ANA) == []

    def test_nor_while_the_file_cannot_be_made_anew(
        self, sqlite_store: Database, config: Config, tmp_path: Path
    ) -> None:
        synced(sqlite_store, config)
        forget_people(sqlite_store, config, forgotten(sqlite_store, config, ANA), NOW)
        sqlite_store.close()  # the log ends with the last connection
        assert naming(tmp_path, ANA) == []

    def test_nor_in_rapports_own_backups(self, sqlite_store: Database, config: Config, tmp_path: Path) -> None:
        synced(sqlite_store, config)
        (tmp_path / "safe").mkdir()
        copies = [tmp_path / "rapport.db.0002.20260101T000000Z.backup", tmp_path / "safe" / "of mine.db"]
        for copy in copies:
            back_up(sqlite_store, copy)
        gone = forgotten(sqlite_store, config, ANA)
        forget(sqlite_store, config, ANA)
        assert naming(tmp_path, ANA)
        done = clean_backups(sqlite_store, scoring_context_of(sqlite_store, config), gone)
        assert sorted(done.cleaned) == sorted(copies)
        assert all(done.cleaned.values())
        assert naming(tmp_path, ANA, "her plan") + naming(tmp_path / "safe", ANA, "her plan") == []

    def test_a_backup_out_of_reach_is_named(self, sqlite_store: Database, config: Config, tmp_path: Path) -> None:
        synced(sqlite_store, config)
        back_up(sqlite_store, tmp_path / "away.db")
        (tmp_path / "away.db").unlink()
        (tmp_path / "rapport.db.x.backup").write_bytes(b"no store at all" * 99)
        done = clean_backups(
            sqlite_store, scoring_context_of(sqlite_store, config), forgotten(sqlite_store, config, ANA)
        )
        assert done.cleaned == {}
        assert set(done.unreached) == {tmp_path / "away.db", tmp_path / "rapport.db.x.backup"}

    def test_on_a_full_disk_all_or_nothing_is_erased(self, sqlite_store: Database, config: Config) -> None:
        synced(sqlite_store, config)
        before = everything(sqlite_store)
        with full_disk(20_000), pytest.raises(StoreError):
            forget(sqlite_store, config, ANA)
        assert everything(sqlite_store) == before
        with sqlite_store.reading() as connection:
            assert not read_forgotten(connection)
        forget(sqlite_store, config, ANA)
        assert ANA not in addresses(sqlite_store)


class TestTheCommand:
    @pytest.fixture
    def path(self, sqlite_store: Database, config: Config) -> Path:
        synced(sqlite_store, config)
        return config.path

    def test_first_it_only_says_what_would_go(
        self, path: Path, sqlite_store: Database, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = everything(sqlite_store)
        assert command(path, whom=ANA, yes=False) == 1
        assert everything(sqlite_store) == before
        said = capsys.readouterr()
        assert "5 copies in others' calendars" in said.out
        assert "--yes" in said.err

    def test_it_tells_before_and_after_and_what_is_out_of_reach(
        self, path: Path, sqlite_store: Database, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert command(path, whom="Ana+x@acme.example", yes=True) == 0
        assert ANA not in addresses(sqlite_store)
        said = " ".join(capsys.readouterr().out.split())
        assert "copies in others' calendars 5 0" in said
        assert "addresses 1 0" in said
        assert "the calendars at their provider" in said

    @pytest.mark.usefixtures("sqlite_store")
    def test_the_config_has_to_let_go_first(self, tmp_path: Path) -> None:
        more = f'[[digests]]\nname = "all"\nto = ["email:{KIM}"]\n'
        path = config_of(tmp_path, more=more).path
        with pytest.raises(UsageError, match=r"digests.* all, to"):
            command(path, whom=KIM, yes=True)
        with pytest.raises(UsageError, match="client Acme, manager"):
            command(path, whom=JO, yes=True)

    def test_lines_of_the_config_are_named(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        command(path, whom="acme.example", yes=True)
        assert "config.toml, line" in capsys.readouterr().out

    def test_a_server_is_vacuumed(self, postgres_store: Database, tmp_path: Path) -> None:
        url = postgres_store.url.render_as_string(hide_password=False)
        config = config_of(tmp_path, more=f'[store]\nurl = "{url}"\n')
        synced(postgres_store, config)
        assert command(config.path, whom=ANA, yes=True) == 0
        assert ANA not in addresses(postgres_store)
        with postgres_store.reading() as connection:
            files = connection.exec_driver_sql("SELECT pg_relation_filepath('addresses')").scalar_one()
            base = connection.exec_driver_sql("SHOW data_directory").scalar_one()
        assert ANA.encode() not in (Path(base) / files).read_bytes()


KILLED = """
import os, signal, sys
from pathlib import Path
from daemon.config.load import load
from daemon.admin.forget import erase_and_freeze
from daemon.store.db.engine import Database
from daemon.store.forgotten import hashed, read_forgotten, save_forgotten
from tests.daemon.worlds import NOW

database, config = Database(f"sqlite:///{sys.argv[1]}/rapport.db"), load(Path(sys.argv[1], "config.toml"))
with database.writing() as connection:
    gone = hashed([sys.argv[2]], read_forgotten(connection), NOW)
    save_forgotten(connection, gone)
    assert erase_and_freeze(connection, config, gone, NOW)
    if sys.argv[3] == "before the end":
        os.kill(os.getpid(), signal.SIGKILL)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("when", ["before the end", "after it"])
def test_killed_all_or_nothing_is_erased_and_the_command_completes_it(
    sqlite_store: Database, config: Config, tmp_path: Path, when: str
) -> None:
    synced(sqlite_store, config)
    rows_of(sqlite_store, config)
    before = everything(sqlite_store)
    script = [sys.executable, "-c", KILLED, str(tmp_path), ANA, when]
    ran = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    assert (everything(sqlite_store) == before) is (when == "before the end")
    assert (ANA in addresses(sqlite_store)) is (when == "before the end")
    assert command(config.path, whom=ANA, yes=True) == 0
    assert naming(tmp_path, ANA) == []


@pytest.mark.parametrize("whom", ["somebody@else.example", "else.example"])
def test_titles_stay_where_nobody_is_forgotten(store: Database, config: Config, whom: str) -> None:
    calendars = synced(store, config)
    forget(store, config, whom)
    calendars.account(JO).put(replace(make_copy("t", people=(JO, BO)), title="v1.2 at 10.30, mail.example"))
    sync(store, config, calendars)
    assert dict(stored(store, "entry, title"))["t"] == "v1.2 at 10.30, mail.example"


class Interrupted(Database):
    """A store in which something happens, by another process, between the derivation of two months."""

    meanwhile: Callable[[], object] | None = None
    after: Month

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[Connection]:
        if self.meanwhile is not None:
            with self.reading() as connection:
                due = due_months(connection, NOW)
            if due and self.after not in due:
                first, self.meanwhile = self.meanwhile, None
                first()
        with super().writing(durable=durable) as connection:
            yield connection


class TestWhileFiguresAreDerived:
    def test_a_number_that_is_somebody_elses_by_now_is_not_taken_for_the_one_who_had_it(
        self, sqlite_store: Database, config: Config
    ) -> None:
        """SQLite gives the highest number again: Zoe of Acme is forgotten, and the next address, of Beta, gets it."""
        zoe, new = "zoe@acme.example", "new@beta.example"
        calendars = synced(sqlite_store, config)
        calendars.account(JO).put(make_copy("zoe", people=(JO, zoe), start=OCTOBER.replace(day=20)))
        sync(sqlite_store, config, calendars)

        def meanwhile() -> None:
            forget_people(sqlite_store, config, forgotten(sqlite_store, config, zoe), NOW)
            calendars.account(JO).put(make_copy("new", people=(JO, new), start=NOVEMBER.replace(day=12)))
            sync(sqlite_store, config, calendars)

        with sqlite_store.writing() as connection:
            set_meta(connection, "scored_with", None)
        interrupted = Interrupted(sqlite_store.url.render_as_string())
        interrupted.after, interrupted.meanwhile = Month("2026-10"), meanwhile
        rescore(interrupted, scoring_context_of(sqlite_store, config), NOW)
        interrupted.close()
        assert interrupted.meanwhile is None
        assert rows_of(sqlite_store, config, "2026-11")["Beta"].figures.meetings == 1
        assert rows_of(sqlite_store, config, "2026-11")["Acme"].figures.meetings == 1
