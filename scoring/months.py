"""R8 to R11: a client's month."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """R9: whether a relationship is developing this month."""

    NEW = "new"
    NO_CONTACT = "no_contact"
    DEVELOPING = "developing"
    STEADY = "steady"
    NOT_DEVELOPING = "not_developing"
    SO_FAR = "so_far"


class Trend(StrEnum):
    """R10: where the score has gone over three months."""

    IMPROVING = "improving"
    DECLINING = "declining"
    FLAT = "flat"
    NEW = "new"
