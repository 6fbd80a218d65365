"""Proving again who one is, right before values are shown: by what the session began with."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final

from keyturn.domain.errors import Refused, Unauthenticated
from keyturn.domain.identity import AccessToken, AuthMethod
from keyturn.domain.sensitive import Sensitive
from keyturn.services import logins, people
from keyturn.web.visiting import Visit

FIELD: Final = "proof"
FRESH: Final = timedelta(minutes=2)
"""How long it counts that somebody has just been asked by Okta."""

SHOWN_S: Final = 60
"""How long a page with values stays open by itself, in seconds."""

WRONG: Final = "This is not the access token that you logged in with."
STALE: Final = "Okta has not asked you in the last two minutes: prove it there first."


class Way(StrEnum):
    """How somebody proves again who they are."""

    PASSWORD = "password"
    TOKEN = "token"
    """Whoever logged in by a token has that, and nothing else that is theirs alone."""
    OKTA = "okta"
    PROVED = "proved"
    """Okta has just asked them."""


async def way_of(visit: Visit) -> Way:
    """Return how whoever is logged in proves it again. Raises Unauthenticated."""
    token = await _token(visit)
    if token.method is AuthMethod.OIDC_PERSON:
        return Way.PROVED if visit.world.clock.now() <= token.created_at + FRESH else Way.OKTA
    return Way.PASSWORD if token.method is AuthMethod.PASSWORD else Way.TOKEN


async def prove(visit: Visit) -> None:
    """Have the form prove again who sends it. Raises Refused, TooManyAttempts."""
    way, given = await way_of(visit), Sensitive(str(visit.form.get(FIELD, "")))
    if way is Way.PASSWORD:
        await people.prove_again(visit.world, visit.caller, given)
    elif way is Way.TOKEN and visit.session != Sensitive(given.reveal().strip()):
        raise Refused(WRONG)
    elif way is Way.OKTA:
        raise Refused(STALE)


def unkept(leads_to: str) -> Mapping[str, str]:
    """Return headers of a page with values: compressed and kept by nobody, and left by itself.

    Where scripts run it hides the values before that.
    """
    return {
        "Content-Encoding": "identity",
        "Cache-Control": "no-store",
        "Refresh": f"{SHOWN_S}; url={leads_to}",
    }


async def _token(visit: Visit) -> AccessToken:
    if visit.session is None:
        raise Unauthenticated
    return (await logins.read_token(visit.world, visit.session)).token
