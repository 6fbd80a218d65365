"""Claims that tell which groups a person is in: the org's own for an app, or a custom server's.

Decides which groups a claim names, and in which tokens. Knows nothing of how tokens are made.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

FilterType = Literal["STARTS_WITH", "EQUALS", "CONTAINS", "REGEX"]
ClaimType = Literal["IDENTITY", "RESOURCE"]
Place = Literal["id_token", "access_token", "userinfo"]

_FITS: Mapping[FilterType, Callable[[str, str], bool]] = {
    "STARTS_WITH": lambda value, name: name.casefold().startswith(value.casefold()),
    "EQUALS": lambda value, name: name.casefold() == value.casefold(),
    "CONTAINS": lambda value, name: value.casefold() in name.casefold(),
    "REGEX": lambda value, name: re.fullmatch(value, name) is not None,
}
FILTERS: tuple[FilterType, ...] = tuple(_FITS)
CLAIM_TYPES: tuple[ClaimType, ...] = ("IDENTITY", "RESOURCE")


@dataclass(frozen=True, slots=True)
class GroupsClaim:
    """The groups whose names fit `value`; only `REGEX` minds the case of letters."""

    name: str = "groups"
    filter: FilterType = "REGEX"
    value: str = ".*"

    def told(self, groups: Iterable[str]) -> list[str]:
        """Return which of some groups it names."""
        return [name for name in groups if _FITS[self.filter](self.value, name)]


@dataclass(frozen=True, slots=True)
class ServerClaim:
    """A claim of a custom server, for one of the `scopes` or, where there are none, for any.

    One for ID tokens that is not there `always` is left to userinfo: an ID token without it is
    what comes beside an access token, as it always does here.
    """

    id: str
    claim: GroupsClaim
    type: ClaimType = "IDENTITY"
    always: bool = True
    scopes: tuple[str, ...] = ()
    active: bool = True

    def is_told(self, place: Place, scopes: Iterable[str]) -> bool:
        """Say whether it is told there, to whoever has these scopes."""
        wanted = not self.scopes or bool({*self.scopes} & {*scopes})
        access = place == "access_token"
        fits = access is (self.type == "RESOURCE") and (place != "id_token" or self.always)
        return self.active and wanted and fits


def is_filter_value(kind: FilterType, value: str) -> bool:
    """Say whether groups can be filtered so."""
    try:
        re.compile(value if kind == "REGEX" else "")
    except (re.error, OverflowError, RecursionError):
        return False
    return bool(value)
