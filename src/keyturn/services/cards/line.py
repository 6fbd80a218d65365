"""The way to a service on behalf of one card: by its connection, or by none.

Decides when a request is made a second time: once for the service's nonce in the DPoP proof
(RFC 9449, 9), and once with a renewed token where the service refused the one that it was shown
(RFC 6750, 3.1). A request that was answered by 401 has done nothing, whatever its method is.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Final

from keyturn.domain.access import Verb
from keyturn.domain.flows.failures import CardFailure, Failure, wrong_input
from keyturn.domain.flows.masking import spelled, told_secrets
from keyturn.domain.flows.requests import Request, origin
from keyturn.domain.flows.walk import Act
from keyturn.domain.oauth.connectors import OF_OKTA
from keyturn.domain.sensitive import Sensitive
from keyturn.services import gate
from keyturn.services.aliases import resolve_alias
from keyturn.services.cards.stage import Stage, late
from keyturn.services.clients import provider_of
from keyturn.services.oauth_connections import (
    ConnectionView,
    Pass,
    Wanted,
    authorize_request,
    read_stored,
    view,
)
from keyturn.services.ports import NoAnswer, ResourceAnswer, ResourceRequest
from keyturn.services.projects import target_of

NONCE: Final = re.compile(r"[!#-\[\]-~]{1,1024}")


class _Wants(Enum):
    """Why a service would take the same request if it were made again."""

    NONCE = auto()
    TOKEN = auto()


@dataclass
class Line:
    """The way to a service; ``seen`` is the connection that it goes by, None for none.

    ``until`` is when the card's time is over, in the event loop's seconds. ``secrets`` are texts
    that nobody may see in an answer: they were sent, or are the run's.
    """

    stage: Stage
    act: Act
    seen: ConnectionView | None
    until: float
    secrets: frozenset[str]
    passed: Pass | None = field(default=None, repr=False)

    @property
    def home(self) -> str:
        """Return where the connection's token belongs, by scheme, host and port; empty: anywhere.

        The token of an org is for that org. What others' tokens are for, their registrations do not
        tell: whoever writes the flow does.
        """
        if self.seen is None or self.seen.registration.connector not in OF_OKTA:
            return ""
        return origin(provider_of(self.seen.registration).issuer)

    def require_home(self, url: str) -> None:
        """Raise CardFailure for an address that the connection's token is not for."""
        if self.home and origin(url) != self.home:
            rule = f"must be at {self.home}, which the connection is for alone"
            raise wrong_input("url", rule)

    def left_s(self) -> float:
        """Return how many seconds the card has left. Raises CardFailure where there are none."""
        left_s = self.until - asyncio.get_running_loop().time()
        if left_s <= 0:
            raise late()
        return left_s


async def open_line(stage: Stage, act: Act) -> Line:
    """Open the way that a card's connection leads. Raises CardFailure, Forbidden."""
    until = asyncio.get_running_loop().time() + stage.timeout_s
    seen = await _find(stage, act) if act.card.connection else None
    if seen is None and act.card.spec.connectors and not act.card.spec.connection_optional:
        raise CardFailure(Failure.CONNECTION, f"{act.card.spec.name} needs a connection.")
    return Line(stage, act, seen, until, stage.secrets | told_secrets(act.inputs))


async def _find(stage: Stage, act: Act) -> ConnectionView:
    name, spec, target = act.card.connection, act.card.spec, target_of(stage.place)
    async with stage.world.store.reading() as tx:
        found = await resolve_alias(tx, stage.place, name)
        seen = await view(tx, await read_stored(tx, found)) if found else None
    if seen is None or not gate.may(stage.caller, Verb.USE_GRANTS, target):
        subject = f"connection {stage.place}:{name} (token)"
        await gate.require(stage.world, stage.caller, Verb.USE_GRANTS, target, subject=subject)
        told = f"There is no connection or alias {name} in {stage.place}."
        raise CardFailure(Failure.CONNECTION, told)
    if seen.registration.connector not in spec.connectors:
        told = f"{spec.name} runs on connections of {' or '.join(spec.connectors)}"
        raise CardFailure(
            Failure.CONNECTION, f"{told}; {name} is one of {seen.registration.connector}."
        )
    return seen


async def exchange(line: Line, asked: Request) -> ResourceAnswer:
    """Make a request, as the connection authorizes it, and return what was answered.

    Raises CardFailure where nothing was, and NotReady, Forbidden, AddressRefused: then nothing was
    sent.
    """
    line.require_home(asked.url)
    wanted, made = Wanted(method=asked.method, url=asked.url), set[_Wants]()
    passed = await _authorized(line, wanted)
    while True:
        answer = await _sent(line, asked, passed)
        why = _wants(answer, passed)
        if passed is None or why is None or why in made:
            return answer
        made.add(why)
        if why is _Wants.NONCE:
            wanted = replace(wanted, nonce=answer.header("dpop-nonce"))
        else:
            wanted = replace(wanted, refused=passed.number)
        before, passed = passed, await _authorized(line, wanted)
        if why is _Wants.TOKEN and passed and passed.number == before.number:
            return answer  # it is too young for another to be any better


async def _authorized(line: Line, wanted: Wanted) -> Pass | None:
    """Return what a request is authorized by; what proves no single one serves for several."""
    if line.seen is None:
        return None
    plain = wanted.refused is None and wanted.nonce is None
    if plain and line.passed and "DPoP" not in line.passed.headers:
        return line.passed
    world, caller = line.stage.world, line.stage.caller
    try:
        async with asyncio.timeout_at(line.until):
            passed = await authorize_request(world, caller, line.seen.connection.id, wanted)
    except TimeoutError:
        raise late() from None
    line.passed = passed
    line.secrets |= spelled(each.reveal() for each in passed.headers.values())
    return passed


async def _sent(line: Line, asked: Request, passed: Pass | None) -> ResourceAnswer:
    request = ResourceRequest(
        asked.method,
        asked.url,
        _together(asked.headers, passed.headers if passed else {}),
        asked.body,
        limit_s=line.left_s(),
        certificate=passed.certificate if passed else None,
    )
    came = await line.stage.world.resources.exchange(request)
    if isinstance(came, NoAnswer):
        raise _unanswered(came, once=asked.once)
    return came


def _together(
    mine: Mapping[str, str], theirs: Mapping[str, Sensitive]
) -> Mapping[str, str | Sensitive]:
    twice = {"authorization", *(name.lower() for name in theirs)} & mine.keys() if theirs else set()
    if twice:
        told = ", ".join(sorted(twice))
        raise wrong_input("headers", f"must not have {told}: the connection gives it")
    return {**mine, **theirs}


def _unanswered(came: NoAnswer, *, once: bool) -> CardFailure:
    if came.sent and once:
        told = "The request was sent, and nobody knows what came of it: look before it is repeated."
        return CardFailure(Failure.UNKNOWN_OUTCOME, f"{told} ({came.why})")
    if came.late:
        return CardFailure(Failure.TIMEOUT, "There was no answer in the card's time.")
    return CardFailure(Failure.NETWORK, f"There was no answer ({came.why}).")


def _wants(answer: ResourceAnswer, passed: Pass | None) -> _Wants | None:
    if passed is None or not passed.number or answer.status != 401:
        return None
    challenge = answer.header("www-authenticate")
    if "use_dpop_nonce" in challenge and NONCE.fullmatch(answer.header("dpop-nonce")):
        return _Wants.NONCE
    named = re.search(r'error="?([a-z_]{1,50})', challenge)
    return _Wants.TOKEN if named is None or named[1] == "invalid_token" else None
