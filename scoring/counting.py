"""R4: which meetings count for a client, and why the others are set aside."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a meeting is set aside, in the order in which it is asked."""

    CANCELLED = "cancelled"
    NOT_YET = "not_yet"
    ALL_DAY = "all_day"
    NO_DURATION = "no_duration"
    TOO_LONG = "too_long"
    TOO_MANY_PEOPLE = "too_many_people"
    WE_DID_NOT_ATTEND = "we_did_not_attend"
    CLIENT_DECLINED = "client_declined"
    RESPONSE_NOT_COUNTED = "response_not_counted"
