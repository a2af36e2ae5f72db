"""What people know beside the calendars: the demo's people_file and assessments_file, as somebody typed them."""

from __future__ import annotations

from daemon.demo.cast import ACME, CALDER
from daemon.demo.timeline import LAST, Timeline

PEOPLE_FILE = "people.csv"
ASSESSMENTS_FILE = "assessments.csv"

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
