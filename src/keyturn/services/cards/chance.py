"""The cards that ask for the time and for chance."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from keyturn.domain.errors import InvalidInput
from keyturn.domain.flows.failures import wrong_input
from keyturn.domain.flows.values import Bound, Value, seen
from keyturn.domain.flows.walk import Act
from keyturn.domain.zones import zone_of
from keyturn.services.cards.stage import Perform, Stage, given

MOST: Final = 2**53
"""Beyond, a number is not the same to everybody who reads JSON (RFC 8259, 6)."""
SPARE_BYTES: Final = 16
"""So many bytes more than a number takes leave no bias."""


async def _now(stage: Stage, act: Act) -> Bound:
    now = stage.world.clock.now()
    local = now.astimezone(_zone(given(act).get("zone")))
    return seen({"date": local.isoformat(), "epoch_s": int(now.timestamp())})


def _zone(name: Value) -> ZoneInfo:
    try:
        return zone_of(str(name))
    except InvalidInput:
        raise wrong_input("zone", "must be the IANA name of a time zone") from None


async def _random(stage: Stage, act: Act) -> Bound:
    inputs = given(act)
    least, most = _whole(inputs, "minimum"), _whole(inputs, "maximum")
    if least > most:
        raise wrong_input("minimum", "must be no more than maximum")
    span = most - least + 1
    drawn = int.from_bytes(stage.world.chance.random_bytes(SPARE_BYTES + span.bit_length() // 8))
    return seen({"number": least + drawn % span})


def _whole(inputs: Mapping[str, Value], name: str) -> int:
    value = inputs.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and -MOST <= value <= MOST:
        return value
    raise wrong_input(name, f"must be a whole number from {-MOST} to {MOST}")


async def _uuid(stage: Stage, act: Act) -> Bound:
    return seen({"text": stage.world.chance.uuid()})


PERFORMERS: Final[Mapping[str, Perform]] = MappingProxyType(
    {"date.now": _now, "number.random": _random, "text.uuid": _uuid}
)
