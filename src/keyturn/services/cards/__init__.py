"""Cards that ask outside, done on behalf of a flow.

Decides what an error of the house is to a flow: a failure of the card, of a kind that the flow can
catch. Knows nothing of runs, and keeps nothing.
"""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from keyturn.domain.errors import (
    AddressRefused,
    DatabaseAway,
    Fenced,
    Forbidden,
    InvalidInput,
    KeyturnError,
    NoFooting,
    NotFound,
    NotReady,
    OktaThrottled,
    Refused,
    ServerError,
    TurnFailed,
)
from keyturn.domain.flows.failures import CardFailure, Failure
from keyturn.domain.flows.requests import SAFE
from keyturn.domain.flows.spec import Effect
from keyturn.domain.flows.values import Bound
from keyturn.domain.flows.walk import Act
from keyturn.services.cards import api, chance, flow, house, jwt, org, tables
from keyturn.services.cards.stage import Change, Perform, Stage, given

__all__ = ["PERFORMERS", "Change", "Perform", "Stage", "asked_once", "perform"]

MARGIN_S: Final = 1.0
"""What a card may take beyond its time: those that ask services keep to it by themselves."""
PERFORMERS: Final[Mapping[str, Perform]] = MappingProxyType(
    {
        **api.PERFORMERS,
        **org.PERFORMERS,
        **jwt.PERFORMERS,
        **house.PERFORMERS,
        **chance.PERFORMERS,
        **tables.PERFORMERS,
        **flow.PERFORMERS,
    }
)
KINDS: Final = (
    (NotReady, Failure.CONNECTION),
    (ServerError, Failure.CONNECTION),
    (AddressRefused, Failure.NETWORK),
    (Forbidden, Failure.FORBIDDEN),
    (NotFound, Failure.MISSING),
    (InvalidInput, Failure.INPUT),
    (Refused, Failure.HTTP),
    (TurnFailed, Failure.HTTP),
)
STATUSES: Final = ((Refused, 409), (OktaThrottled, 429), (TurnFailed, 502))
"""As which status the API would tell the same."""


def asked_once(act: Act) -> bool:
    """Say whether what a card does may be asked for but once: nobody would know the second time.

    Not so where its method changes nothing, and where the service knows it by its key.
    """
    spec, method = act.card.spec, given(act).get("method")
    writes = spec.effect is Effect.WRITE and not spec.repeatable and method not in SAFE
    return writes and "idempotency_key" not in act.card.inputs


async def perform(stage: Stage, act: Act) -> Bound:
    """Do what a card does, in the time that it has, and return its outputs.

    Raises CardFailure, Fenced where somebody else has the run, NoFooting where another process has
    to do it, and DatabaseAway where it can be asked for again once the database is there.
    """
    found = PERFORMERS.get(act.card.spec.name)
    if found is None:
        raise CardFailure(Failure.DEFECT, f"Nobody does {act.card.spec.name}.")
    try:
        async with asyncio.timeout(stage.timeout_s + MARGIN_S):
            return await found(stage, act)
    except (Fenced, NoFooting):
        raise
    except KeyturnError as error:
        if isinstance(error, DatabaseAway) and not asked_once(act):
            raise
        raise _failure(act, error) from None
    except TimeoutError:
        raise _late(act) from None


def _failure(act: Act, error: KeyturnError) -> CardFailure:
    if isinstance(error, DatabaseAway):
        return CardFailure(Failure.UNKNOWN_OUTCOME, error.message)
    kind = next((kind for known, kind in KINDS if isinstance(error, known)), Failure.DEFECT)
    status = next((status for known, status in STATUSES if isinstance(error, known)), None)
    retry_after_s = getattr(error, "retry_after_s", None)
    return CardFailure(kind, error.message, status=status, retry_after_s=retry_after_s)


def _late(act: Act) -> CardFailure:
    if asked_once(act):
        told = "The card took longer than it may, and nobody knows what came of it."
        return CardFailure(Failure.UNKNOWN_OUTCOME, told)
    return CardFailure(Failure.TIMEOUT, "The card took longer than it may.")
