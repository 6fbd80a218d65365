"""Every card that there is, by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from keyturn.domain.flows.cards import (
    api,
    assigning,
    boolean,
    branch,
    chance,
    csv_text,
    date,
    encryption,
    flow,
    house,
    json_text,
    jwt,
    listing,
    looping,
    number,
    objects,
    okta,
    okta_devices,
    ordering,
    table,
    text,
    url,
)
from keyturn.domain.flows.spec import CardSpec

FAMILIES: Final = (
    branch,
    flow,
    looping,
    assigning,
    text,
    number,
    boolean,
    date,
    objects,
    listing,
    ordering,
    json_text,
    csv_text,
    encryption,
    url,
    chance,
    api,
    okta,
    okta_devices,
    jwt,
    table,
    house,
)
CARDS: Final[Mapping[str, CardSpec]] = MappingProxyType(
    {card.name: card for family in FAMILIES for card in family.CARDS}
)
