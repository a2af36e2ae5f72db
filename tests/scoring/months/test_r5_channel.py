"""R5: how people met: in person, by video or by phone, the first that fits."""

from __future__ import annotations

import re

import pytest

from scoring.meetings.values import Channel, Conference, LocationKind, Setting
from scoring.months.steps import TITLE_LIMIT, Rules, Step, channel_of, is_face_to_face, is_phone_title, place_of
from tests.scoring.builders import RULES, judged, meeting

IN_PERSON, VIDEO, PHONE = Channel.IN_PERSON, Channel.VIDEO, Channel.PHONE


@pytest.mark.parametrize(
    ("setting", "channel"),
    [
        pytest.param(Setting(), IN_PERSON, id="nothing is said"),
        pytest.param(Setting(place=LocationKind.ELSEWHERE), IN_PERSON, id="some place"),
        pytest.param(Setting(room=True), IN_PERSON, id="a room booked"),
        pytest.param(Setting(room=True, conference=Conference.VIDEO), IN_PERSON, id="a room, even with a conference"),
        pytest.param(Setting(room=True, place=LocationKind.VIDEO), IN_PERSON, id="a room, even with a link"),
        pytest.param(Setting(room=True, conference=Conference.PHONE), IN_PERSON, id="a room with a dial-in"),
        pytest.param(Setting(room=True, phone_title=True), IN_PERSON, id="a room, whatever the title"),
        pytest.param(Setting(conference=Conference.VIDEO), VIDEO, id="a video conference attached"),
        pytest.param(Setting(conference=Conference.VIDEO, place=LocationKind.ELSEWHERE), VIDEO, id="with a place too"),
        pytest.param(
            Setting(conference=Conference.VIDEO, place=LocationKind.PHONE), VIDEO, id="with a phone number too"
        ),
        pytest.param(Setting(conference=Conference.VIDEO, phone_title=True), VIDEO, id="titled as a call"),
        pytest.param(Setting(place=LocationKind.VIDEO), VIDEO, id="a video link in the location"),
        pytest.param(
            Setting(place=LocationKind.VIDEO, conference=Conference.PHONE), VIDEO, id="a link before a dial-in"
        ),
        pytest.param(Setting(conference=Conference.PHONE), PHONE, id="a conference with phone entry points only"),
        pytest.param(Setting(place=LocationKind.PHONE), PHONE, id="the location is a phone number"),
        pytest.param(Setting(phone_title=True), PHONE, id="an empty location and a title of a call"),
        pytest.param(
            Setting(phone_title=True, place=LocationKind.ELSEWHERE), IN_PERSON, id="a call titled, but a place"
        ),
    ],
)
def test_r5_the_first_that_fits_is_the_channel(setting: Setting, channel: Channel) -> None:
    assert channel_of(setting) is channel


@pytest.mark.parametrize(
    ("location", "place"),
    [
        pytest.param(None, LocationKind.EMPTY, id="none"),
        pytest.param("", LocationKind.EMPTY, id="empty"),
        pytest.param(" \t\n", LocationKind.EMPTY, id="blank"),
        pytest.param("Client office", LocationKind.ELSEWHERE, id="an office"),
        pytest.param("12 High Street, London", LocationKind.ELSEWHERE, id="a street"),
        pytest.param("+44 20 7946 0000", LocationKind.PHONE, id="a phone number"),
        pytest.param("(020) 7946-0000", LocationKind.PHONE, id="with brackets and dashes"),
        pytest.param("020.7946.0000 ext. 12", LocationKind.PHONE, id="with an extension"),
        pytest.param("+442079460000,,123456#", LocationKind.PHONE, id="with a pin"),
        pytest.param("tel:+442079460000", LocationKind.PHONE, id="a tel: address"),
        pytest.param("TEL:112", LocationKind.PHONE, id="a short tel: address"),
        pytest.param("Room 1234567", LocationKind.ELSEWHERE, id="a room with a number"),
        pytest.param("4.12", LocationKind.ELSEWHERE, id="a room that is a number: too few digits"),
        pytest.param("123456", LocationKind.ELSEWHERE, id="six digits"),
        pytest.param("1234567", LocationKind.PHONE, id="seven digits"),
        pytest.param("https://zoom.us/j/123", LocationKind.VIDEO, id="Zoom"),
        pytest.param("https://northwind.zoom.us/j/123?pwd=x", LocationKind.VIDEO, id="a company's Zoom"),
        pytest.param("https://teams.microsoft.com/l/meetup-join/x", LocationKind.VIDEO, id="Teams"),
        pytest.param("https://teams.live.com/meet/1", LocationKind.VIDEO, id="Teams for everybody"),
        pytest.param("meet.google.com/abc-defg-hij", LocationKind.VIDEO, id="Meet without https"),
        pytest.param("HTTPS://ACME.WEBEX.COM/meet/ana", LocationKind.VIDEO, id="Webex in capitals"),
        pytest.param("Room 5 / https://zoom.us/j/1", LocationKind.VIDEO, id="a link beside a place"),
        pytest.param("Microsoft Teams Meeting", LocationKind.VIDEO, id="what Outlook writes"),
        pytest.param("Zoom", LocationKind.VIDEO, id="the name alone"),
        pytest.param("https://zoom.us.evil.example/j", LocationKind.ELSEWHERE, id="a host that only begins alike"),
        pytest.param("https://notzoom.us/j", LocationKind.ELSEWHERE, id="a host that only ends alike"),
        pytest.param("https://maps.example/zoom", LocationKind.ELSEWHERE, id="another link"),
        pytest.param("Zoom Street 5", LocationKind.ELSEWHERE, id="a street of that name"),
    ],
)
def test_r5_a_location_is_reduced_to_what_is_asked_of_it(location: str | None, place: LocationKind) -> None:
    assert place_of(location) is place


def test_r5_a_hostile_location_takes_no_time() -> None:
    for text in ("1 " * 100_000, "+" + "0" * 100_000 + "x", "zoom." * 50_000, "(" * 100_000):
        assert place_of(text) in LocationKind


@pytest.mark.parametrize(
    ("title", "phone"),
    [
        pytest.param("Phone: Ana", True, id="phone"),
        pytest.param("Quick PHONE catch-up", True, id="in any case"),
        pytest.param("Call with Ana", True, id="begins with call"),
        pytest.param("Recall of product", False, id="not inside a word"),
        pytest.param("Sales call", False, id="call only at the start"),
        pytest.param("Headphones", False, id="phone only as a word"),
        pytest.param("Call", True, id="call alone"),
        pytest.param("", False, id="empty"),
        pytest.param(None, False, id="no title"),
        pytest.param(" " * TITLE_LIMIT + "phone", False, id="beyond the limit nothing is looked at"),
    ],
)
def test_r5_titles_of_calls_match_the_patterns(title: str | None, phone: bool) -> None:
    assert is_phone_title(title, RULES) is phone


def test_r5_the_patterns_are_the_companys() -> None:
    rules = Rules(phone_titles=(re.compile("^Telefonat"),))
    assert is_phone_title("Telefonat mit Ana", rules)
    assert not is_phone_title("Phone", rules)


@pytest.mark.parametrize(
    ("video_is_meeting", "channel", "met"),
    [
        pytest.param(True, IN_PERSON, True, id="in person"),
        pytest.param(True, VIDEO, True, id="video, as a meeting"),
        pytest.param(True, PHONE, False, id="phone"),
        pytest.param(False, IN_PERSON, True, id="in person where video is none"),
        pytest.param(False, VIDEO, False, id="video, as a phone call"),
        pytest.param(False, PHONE, False, id="phone where video is none"),
    ],
)
def test_r5_video_is_face_to_face_unless_the_company_says_otherwise(
    video_is_meeting: bool, channel: Channel, met: bool
) -> None:
    assert is_face_to_face(channel, Rules(video_is_meeting=video_is_meeting)) is met


def test_r5_video_as_phone_keeps_its_channel_and_scores_as_a_call() -> None:
    found = judged(
        meeting(minutes=120, setting=Setting(conference=Conference.VIDEO)), rules=Rules(video_is_meeting=False)
    )
    assert (found.channel, found.step) == (VIDEO, Step.PHONE)
