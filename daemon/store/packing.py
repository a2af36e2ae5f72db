"""How a copy stands in one row, and back: participants and setting are packed, so that scoring reads one row a copy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from scoring.meetings.values import Conference, Copy, CopyState, LocationKind, Participant, Response, Setting

# A member's own `.value` is slow to ask for.
RESPONSE_WORD = {response: response.value for response in Response}
STATE_WORD = {state: state.value for state in CopyState}
_RESPONSE_LETTER = {response: response.value[0] for response in Response}
_LETTER_RESPONSE = {letter: response for response, letter in _RESPONSE_LETTER.items()}
_CONFERENCE_LETTER = {Conference.NONE: "-", Conference.VIDEO: "v", Conference.PHONE: "p"}
_LETTER_CONFERENCE = {letter: conference for conference, letter in _CONFERENCE_LETTER.items()}
_PLACE_LETTER = {LocationKind.EMPTY: "-", LocationKind.PHONE: "p", LocationKind.VIDEO: "v", LocationKind.ELSEWHERE: "e"}
_LETTER_PLACE = {letter: place for place, letter in _PLACE_LETTER.items()}


def pack_participants(participants: Iterable[Participant], ids: Mapping[str, int]) -> str:
    """`12a 15n`: numbers of addresses with the first letter of the response."""
    return " ".join([f"{ids[who.address]}{_RESPONSE_LETTER[who.response]}" for who in participants])


def pack_setting(setting: Setting) -> str:
    """Four letters: room, conference, place, phone title."""
    return (
        ("r" if setting.room else "-")
        + _CONFERENCE_LETTER[setting.conference]
        + _PLACE_LETTER[setting.place]
        + ("t" if setting.phone_title else "-")
    )


def unpack_setting(packed: str) -> Setting:
    """The opposite of `pack_setting`."""
    return Setting(
        room=packed[0] == "r",
        conference=_LETTER_CONFERENCE[packed[1]],
        place=_LETTER_PLACE[packed[2]],
        phone_title=packed[3] == "t",
    )


def copy_digest(copy: Copy) -> bytes:
    """What tells whether a copy read again says anything new; the time of reading does not."""
    content = (
        copy.identity.series,
        copy.identity.at and copy.identity.at.timestamp(),
        copy.identity.on and copy.identity.on.toordinal(),
        STATE_WORD[copy.state],
        copy.start.timestamp(),
        copy.end.timestamp(),
        copy.all_day,
        copy.organiser,
        [(who.address, RESPONSE_WORD[who.response]) for who in copy.participants],
        RESPONSE_WORD[copy.response],
        pack_setting(copy.setting),
        copy.title,
        copy.changed_at.timestamp(),
        copy.flaws,
    )
    return blake2b(repr(content).encode("utf-8", "surrogatepass"), digest_size=12).digest()


class Addresses:
    """Turns packed participants back into values; every address and response is one shared value."""

    _MOST_TOKENS = 1_000_000

    def __init__(self) -> None:
        self._tokens: dict[str, Participant] = {}
        self._names: dict[int, str] = {}

    def unknown(self, packed: Iterable[str], ids: Iterable[int | None] = ()) -> set[int]:
        """The numbers of addresses that `learn` must be told before these can be unpacked.

        What was known is let go first when it has grown too large.
        """
        if len(self._names) > self._MOST_TOKENS:
            self._names.clear()
            self._tokens.clear()
        tokens = set(" ".join(packed).split()) - self._tokens.keys()
        numbers = {int(token[:-1]) for token in tokens}
        numbers.update(number for number in ids if number is not None)
        return {number for number in numbers if number not in self._names}

    def learn(self, names: Iterable[tuple[int, str]]) -> None:
        """Addresses by number."""
        self._names.update(names)

    def name(self, number: int) -> str:
        return self._names[number]

    def unpack(self, packed: str) -> tuple[Participant, ...]:
        """The participants of a row."""
        tokens = packed.split()
        try:
            return tuple(map(self._tokens.__getitem__, tokens))
        except KeyError:
            for token in tokens:
                if token not in self._tokens:
                    self._tokens[token] = Participant(self._names[int(token[:-1])], _LETTER_RESPONSE[token[-1]])
            return tuple(map(self._tokens.__getitem__, tokens))
