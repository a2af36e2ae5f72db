"""The config file of the demo, and the people_file and assessments_file beside it, as somebody typed them."""

from __future__ import annotations

from datetime import date

from daemon.demo.cast import ACME, CALDER, CLIENTS, DemoClient
from daemon.demo.entry import DOMAIN
from daemon.demo.timeline import LAST, Timeline

PEOPLE_FILE = "people.csv"
ASSESSMENTS_FILE = "assessments.csv"

_HEAD = """\
# Northwind's Rapport, as `rapport demo` wrote it. Nothing in it is real: change it, run it again.
#
#   rapport --config config.toml report --months 3
#   rapport --config config.toml explain --client "Fairholm"
#   rapport --config config.toml client Acme
#   rapport --config config.toml digest leadership --out digest
#   rapport --config config.toml clients suggest

# What no calendar knows, from a spreadsheet; all of it may be left out.
people_file = "people.csv"
assessments_file = "assessments.csv"

[company]
name = "Northwind"
timezone = "Europe/London"    # months begin and end here
country = "GB"
domains = ["northwind.example"]

[store]
url = "sqlite:///rapport.db"

# One file for each of our people, named after its owner.
[[connectors]]
name = "calendars"
kind = "ics"
files = ["calendars/*.ics"]

# The clients. Whose domain is missing here is met in vain: `rapport clients suggest` finds them.
"""

_TAIL = """
# Nothing is sent before this is a mail server of yours; `--out` writes digests to a folder without it.
[email]
host = "smtp.northwind.example"
from = "Rapport <rapport@northwind.example>"

# What the managing director reads on the first of the month.
[[digests]]
name = "leadership"
clients = ["*"]
to = ["email:ada@northwind.example"]
schedule = "0 8 1 * *"
"""

_PEOPLE = (
    (ACME.person("pia"), "Pia Lind", "Head of Operations", "Operations", "no"),
    (ACME.person("ugo"), "Ugo Marin", "Retail Director", "Retail", ""),
    (ACME.person("vera"), "Vera Holt", "IT Manager", "", "no"),
    (ACME.person("wim"), "Wim Berg", "Chief Financial Officer", "", "yes"),
    (CALDER.person("vida"), "Vida Roy", "Production Manager", "Production", "no"),
    (CALDER.person("finn"), "Finn Ash", "Controller", "Production", "no"),
    (CALDER.person("lena"), "Lena Fox", "Head of Sales", "Sales", "yes"),
)
_MARKS = (
    ("client understanding", 5, ""),
    ("managing delivery quality", 5, "no complaint in two years"),
    ("value of current and future work", 4, ""),
    ("account governance", 4, ""),
)


def config_text(today: date) -> str:
    """The whole file. Customers have been customers for a while, prospects have not."""
    return _HEAD + "".join(_client_text(client, today) for client in CLIENTS) + _TAIL


def _client_text(client: DemoClient, today: date) -> str:
    lines = [
        "",
        "[[clients]]",
        f'name = "{client.name}"',
        f'domains = ["{client.domain}"]',
        f'manager = "{client.manager}@{DOMAIN}"',
        f'tier = "{client.tier}"',
    ]
    if client.tier != "prospect":
        lines.append(f"since = {date(today.year - 3, 4, 1).isoformat()}")
    return "\n".join(lines) + "\n" + client.more


def people_text() -> str:
    """A row for each person of whom anybody knows more than an address."""
    rows = [",".join((*cells, "", "")) for cells in _PEOPLE]
    return "\n".join(("address,name,title,buying_centre,executive,same_as,left", *rows, ""))


def assessments_text(timeline: Timeline) -> str:
    """Calder looks healthy to its manager: good marks over one division and one person."""
    day = timeline.month(LAST)
    quarter = f"{day.year}-Q{(day.month + 2) // 3}"
    rows = [f"{CALDER.name},{quarter},{element},{mark},{note}" for element, mark, note in _MARKS]
    return "\n".join(("client,quarter,element,answer,note", *rows, ""))
