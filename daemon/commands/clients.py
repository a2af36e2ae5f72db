"""`rapport client NAME`, one account on a page, and `rapport clients suggest`, domains that no client claims."""

from __future__ import annotations

import sys
from pathlib import Path

from daemon.commands.common import client_option, month_option, opened
from daemon.figures.scoring_context import ScoringContext
from daemon.output.csv_cells import print_csv
from daemon.output.terminal import Format, Table, print_json, print_line, say
from daemon.render import terminal
from daemon.reporting.account import AccountPage, page_of
from daemon.reporting.account_json import health_rows, page_json, person_json
from daemon.reporting.suggestions import as_toml, suggest, suggestions_json
from scoring.insights.circle import ClientPerson
from scoring.months.hours import hours_text, share_out, tenths
from scoring.wording import STEP_WORDS, length_text, month_text

_CSV = (
    "address", "name", "title", "buying_centre", "executive", "left", "first_met", "last_met", "man_hours",
    "share_of_six_months",
)  # fmt: skip
_MOST_PEOPLE = 20
_MOST_BOOKED = 12


def client(path: Path | None, *, name: str, month: str | None, form: Format) -> int:
    """Shows a client as of the end of the last month, or another one that has ended. CSV has its people."""
    asked = month_option(month)
    with opened(path) as session:
        context = session.fresh_context()
        (chosen,) = client_option(name, context)
        with session.database.reading() as connection:
            page = page_of(connection, context, chosen, asked, session.now)
        if form is Format.JSON:
            print_json(page_json(page, context))
        elif form is Format.CSV:
            print_csv([person_json(page, person) for person in page.people], _CSV)
        else:
            _show(page, context)
    return 0


def _show(page: AccountPage, context: ScoringContext) -> None:
    about = " · ".join(filter(None, (page.client.name, page.client.tier, page.client.manager, month_text(page.month))))
    print_line(about)
    for sentence in (page.line.verdict_text, *page.line.sentences):
        print_line(f"  {sentence}")
    _show_strip(page)
    print_line()
    print_line("Stage")
    print_line(f"  {page.insight.text}")
    _listed("", [finding.sentence for finding in page.insight.findings])
    if page.insight.evidence["believed"] == page.insight.stage:
        print_line("  That is what we believe too.")
    _listed("Signals", [f"{'+ ' * signal.good}{signal.sentence}" for signal in page.insight.signals] or ["None."])
    steps = [text for _, text in page.steps]
    more = [f"And {len(steps) - _MOST_BOOKED} more."] if len(steps) > _MOST_BOOKED else []
    _listed("Booked", [*filter(None, [page.to_beat]), *(steps[:_MOST_BOOKED] or ["Nothing."]), *more])
    _show_people(page)
    _show_meetings(page, context)
    _show_health(page)
    if page.missing:
        print_line("Incomplete: calendars were not read to the end of the month.")


def _show_strip(page: AccountPage) -> None:
    bars = page.line.strip
    print_line(f"  {terminal.strip(bars)}  man-hours, {bars[0].month} to {bars[-1].month}")
    if page.results is not None:
        first, last = page.results
        marks = "".join("^" if first <= bar.month <= last else " " for bar in bars)
        if marks.strip():
            print_line(f"  {marks}")
        print_line(f"  Results may be expected from {month_text(first)} to {month_text(last)}.")


def _listed(title: str, sentences: list[str]) -> None:
    if title:
        print_line()
        print_line(title)
    for sentence in sentences:
        print_line(f"  {sentence}")


def _show_people(page: AccountPage) -> None:
    columns = ("Person", "Title", "Buying centre", "Executive", "First met", "Last met", "Man-hours", "6 months")
    table = Table(*columns, right=("Man-hours", "6 months"), whole=("Person", "First met", "Last met"), title="People")
    for person in page.people[:_MOST_PEOPLE]:
        table.add(*_person(page, person))
    table.print()
    if len(page.people) > _MOST_PEOPLE:
        print_line(f"And {len(page.people) - _MOST_PEOPLE} more; CSV and JSON have all.")
    if not page.circle.centres:
        print_line("Buying centres are not known: neither buying_centres nor people_file names any.")
    if not page.knows_executives:
        print_line("Who is an executive is not known: people_file says it of nobody.")


def _person(page: AccountPage, person: ClientPerson) -> tuple[str, ...]:
    profile = person.profile
    name = page.circle.name(person.address) + (" (left)" if profile.left else "")
    executive = "?" if profile.executive is None else "yes" if profile.executive else "no"
    hours = hours_text(tenths(sum(person.seconds.values())))
    return (
        name,
        profile.title or "?",
        profile.centre or "?",
        executive,
        person.first.isoformat(),
        person.last.isoformat(),
        hours,
        f"{100 * page.share(person):.0f} %",
    )


def _show_meetings(page: AccountPage, context: ScoringContext) -> None:
    columns = ("Start", "Length", "Title", "People", "Man-hours", "Counted as")
    table = Table(*columns, right=("Length", "Man-hours"), whole=("Start",), title="Counted meetings of three months")
    for lines in page.meetings.values():
        counted = [line for line in lines if line.judged.step is not None]
        for line, share in zip(counted, share_out([line.man_seconds for line in counted]), strict=True):
            meeting = line.judged.meeting
            table.add(
                meeting.start.astimezone(context.zone).strftime("%a %d %b %H:%M"),
                length_text(meeting.length),
                meeting.title or "–",
                ", ".join(page.circle.name(address) for address in line.judged.people),
                hours_text(share),
                STEP_WORDS[line.judged.step] if line.judged.step else "",
            )
    table.print()


def _show_health(page: AccountPage) -> None:
    if not page.health.answers:
        print_line("Health assessment: none given (assessments_file).")
        return
    table = Table("Element", "Answer", "Said", title="Health assessment: 1 (poor) to 5 (good)")
    for row in health_rows(page.health):
        table.add(*row)
    table.print()
    if page.health.warning:
        print_line(page.health.warning)


def suggest_clients(path: Path | None, *, form: Format) -> int:
    """Shows the organisations, most man-hours first, as TOML to paste."""
    with opened(path) as session:
        context = session.fresh_context()
        with session.database.reading() as connection:
            found = suggest(connection, context, session.now)
    if form is Format.JSON:
        print_json(suggestions_json(found))
    elif form is Format.CSV:
        print_csv(suggestions_json(found)["suggestions"], ("domain", "man_hours", "meetings", "people"))
    elif found:
        sys.stdout.write(as_toml(found))
    else:
        say("Every organisation that was met belongs to a client.")
    return 0
