"""Where Northwind meets: its rooms, Teams, Google Meet."""

from __future__ import annotations

from daemon.demo.entry import Place

THAMES = Place(text="Thames room, 3rd floor", room="room.thames@rooms.northwind.example")
HUMBER = Place(text="Humber room", room="room.humber@rooms.northwind.example")
TEAMS = Place(text="Microsoft Teams Meeting", teams="https://teams.microsoft.com/l/meetup-join/19%3ameeting_northwind")


def google_meet(code: str) -> Place:
    """A call on Google Meet; the link is the location too, as Google writes it."""
    return Place(google_meet=f"https://meet.google.com/{code}-nrth-wnd")
