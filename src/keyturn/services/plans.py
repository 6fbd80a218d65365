"""What a turn will do, before it does it: call by call at Okta, and to each that uses the secret.

Says what is waited for, and for whom nothing waits. Nothing is changed by asking.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from types import MappingProxyType
from typing import Final

from keyturn.domain.access import Caller
from keyturn.domain.closing import by_probes
from keyturn.domain.lengths import spoken
from keyturn.domain.oauth.connection import GrantType, State
from keyturn.domain.oauth.consumers import Adoption, Consumer
from keyturn.domain.okta import CredentialKind
from keyturn.domain.okta_paths import COLLECTIONS, INTROSPECT_PATH, LOGS_PATH, TOKEN_PATH
from keyturn.domain.rotation import Rotation
from keyturn.domain.turn import Overlap, Policy
from keyturn.services.plans_by_hand import ByHand, steps_in_workflows
from keyturn.services.ports import World
from keyturn.services.rotations import RotationView, view
from keyturn.services.usage import ConnectionUse, RegistrationUse, Usage, usage_of_rotation

PROVED: Final = 3
"""After which step the new one is served."""
SERVED: Final = "then readers are served the new one"
USED: Final = "then the connection uses the new one"
ON: Final = "; the old one works on for the overlap"
LOGS: Final = f"GET {LOGS_PATH} tells who uses the old one meanwhile"
AT_ONCE: Final = "Nothing is waited for: the old one goes at once, whoever uses it."

BEGINNINGS: Final[Mapping[CredentialKind, Sequence[str]]] = MappingProxyType(
    {
        CredentialKind.CLIENT_SECRET: (
            "list the app's client secrets, and stop if one that is not Keyturn's takes the room",
            "add a client secret of Keyturn's own value",
        ),
        CredentialKind.API_SERVICE_SECRET: (
            "list the integration's client secrets, and stop if a foreign one takes the room",
            "have Okta make a client secret, shown once; one whose value was lost is deleted",
        ),
        CredentialKind.CLIENT_KEY: (
            "list the app's keys; those that are not Keyturn's are left alone",
            "add the public half of a new key",
        ),
        CredentialKind.CONNECTION_KEY: (
            "list the keys of Keyturn's own service app",
            "add the public half of a new key, as only a super administrator may",
        ),
    }
)
UNLISTED: Final[Sequence[str]] = (
    "make sure that Okta accepts the old one: the app is as it was, and nothing is listed",
    "add a client secret of Keyturn's own value, or list what takes the room where Okta says so",
)
CLOSED: Final = "make sure that Okta accepts both, deactivate the old one, and see it refused"
ADOPTS: Final[Mapping[Adoption, str]] = MappingProxyType(
    {
        Adoption.LIVE: "has the new one with its next use",
        Adoption.RELOAD: "has the old one until it is reloaded",
        Adoption.RESTART: "has the old one until it is restarted",
    }
)
PUT_IN: Final = "has the old one until an admin puts the new one in, as is said below"
IN_USE: Final = frozenset({State.READY, State.TROUBLED})


@dataclass(frozen=True)
class PlannedStep:
    """What is done at Okta, and by which calls, where it is known at which app.

    ``then`` is what follows of it elsewhere.
    """

    told: str
    calls: tuple[str, ...] = ()
    then: str = ""


@dataclass(frozen=True)
class TurnPlan:
    """What a turn of a rotation will do.

    ``fates`` tell what becomes of each that uses the secret, ``by_hand`` what an admin does in
    Okta Workflows, ``waits`` what is waited for.
    """

    of: RotationView
    emergency: bool
    steps: Sequence[PlannedStep]
    usage: Usage
    fates: Sequence[str]
    by_hand: Sequence[ByHand]
    waits: str


async def plan_turn(
    world: World, caller: Caller, rotation_id: str, *, emergency: bool = False
) -> TurnPlan:
    """Tell what a turn of a rotation will do. Raises NotFound, Forbidden.

    Okta is asked whether its System Log may be read, where that decides what is to be done by hand.
    """
    used = await usage_of_rotation(world, caller, rotation_id, log=True)
    return plan_of(await view(world, rotation_id), used, emergency=emergency)


def plan_of(of: RotationView, used: Usage, *, emergency: bool = False) -> TurnPlan:
    """Tell what a turn of a rotation will do, by what hangs on its secret."""
    return TurnPlan(
        of=of,
        emergency=emergency,
        steps=steps_at_app(of.rotation, emergency=emergency),
        usage=used,
        fates=_fates(of.rotation, used, emergency=emergency),
        by_hand=steps_in_workflows(of, used, emergency=emergency),
        waits=AT_ONCE if emergency else waits_of(of.rotation),
    )


def steps_of_a_turn(
    kind: CredentialKind, calls: Sequence[tuple[str, ...]] = (), *, at_once: bool = False
) -> Sequence[PlannedStep]:
    """Return what a turn of a kind does at Okta, with the calls where it is known at which app."""
    told = by_probes(kind) and at_once
    beginning = UNLISTED if told else BEGINNINGS[kind]
    texts = (*beginning, *_endings(kind, at_once=at_once))
    known = calls or ((),) * len(texts)
    steps = [PlannedStep(told, by) for told, by in zip(texts, known, strict=True)]
    then = USED if kind.rules.of_connection else SERVED
    steps[PROVED - 1] = replace(steps[PROVED - 1], then=then if at_once else then + ON)
    return steps


def _fates(rotation: Rotation, used: Usage, *, emergency: bool) -> Sequence[str]:
    """Tell what becomes of each that uses the secret, and whether the turn waits for it."""
    begins = "" if emergency else "; the overlap begins once it has"
    waited = rotation.policy.overlap is Overlap.EVIDENCE and not emergency
    readers = f"readers ({', '.join(used.readers)}) are given the new one by their next read"
    return [
        *([readers] if used.readers else []),
        *(
            f"destination {name} is brought the new one, and confirms it{begins}"
            for name in used.destinations
        ),
        *chain.from_iterable(
            _fates_of(each, begins=begins, waited=waited) for each in used.registrations
        ),
    ]


def waits_of(rotation: Rotation) -> str:
    """Tell for how long both work, and how long the old one rests before it is deleted."""
    both = policy_told(rotation.policy)
    return f"{both}, and is reinstated should it be needed."


def policy_told(policy: Policy) -> str:
    """Tell for how long both work, and how long the old one rests then, without a full stop."""
    at_least = spoken(policy.overlap_s)
    overlap = {
        Overlap.FIXED: f"for {at_least}",
        Overlap.UNTIL_NEXT: f"until the next turn is due, {at_least} at least",
        Overlap.EVIDENCE: "until nobody uses the old one any more, "
        f"{at_least} to {spoken(policy.backstop_s)}",
    }[policy.overlap]
    return f"Both work {overlap}; then the old one rests for {spoken(policy.soak_s)}"


def steps_at_app(rotation: Rotation, *, emergency: bool = False) -> Sequence[PlannedStep]:
    """Return what a turn does at Okta, with the calls at its app."""
    calls = _calls(rotation)
    if emergency and by_probes(rotation.kind):
        calls = _without_lists(calls)
    steps = steps_of_a_turn(rotation.kind, calls, at_once=emergency)
    if not rotation.policy.log or emergency:
        return steps
    return [*steps[:-1], replace(steps[-1], then=LOGS)]


def _endings(kind: CredentialKind, *, at_once: bool) -> Sequence[str]:
    proof = "an assertion of it" if kind.rules.are_keys else "it"
    if kind.rules.of_connection:
        proof += ", and issue an access token for it"
    return (
        f"introspect a junk token with {proof}, until Okta accepts the new one",
        CLOSED if at_once and by_probes(kind) else "list again, and deactivate the old one",
        "delete it" if at_once else "after the soak, delete it",
    )


def _calls(rotation: Rotation) -> Sequence[tuple[str, ...]]:
    """Return the calls by which each step is made."""
    at = COLLECTIONS[rotation.kind].format(rotation.app_id)
    issue = (f"POST {TOKEN_PATH}",) if rotation.kind.rules.of_connection else ()
    return (
        (f"GET {at}",),
        (f"POST {at}",),
        (f"POST {INTROSPECT_PATH}", *issue),
        (f"GET {at}", f"POST {at}/ID/lifecycle/deactivate"),
        (f"DELETE {at}/ID",),
    )


def _without_lists(calls: Sequence[tuple[str, ...]]) -> Sequence[tuple[str, ...]]:
    """Ask by probes instead, which count against the app's own limits."""
    probe = f"POST {INTROSPECT_PATH}"
    asked = [tuple(probe if call.startswith("GET ") else call for call in each) for each in calls]
    return [each if number != PROVED else (*each, probe) for number, each in enumerate(asked)]


def _fates_of(one: RegistrationUse, *, begins: str, waited: bool) -> Iterable[str]:
    proved = any(_is_proved(each) for each in one.connections)
    then = begins if proved else "; nothing waits for that"
    yield f"client registration {one.view.registration.name} proves the new one at its server{then}"
    yield from map(_fate_of, one.connections)
    for each in one.consumers:
        yield _fate_elsewhere(each, waited=waited)


def _is_proved(use: ConnectionUse) -> bool:
    one = use.connection
    return one.state in IN_USE and one.grant_type is not GrantType.NONE


def _fate_of(use: ConnectionUse) -> str:
    one = use.connection
    if one.grant_type is GrantType.NONE:
        return f"connection {one.name} uses the new one with its next request"
    if one.state in IN_USE:
        goes_on = "its next renewal uses the new one, and nobody consents again"
        return f"connection {one.name} goes on with its tokens; {goes_on}"
    return f"connection {one.name} waits for whoever authorizes it, as it does now"


def _fate_elsewhere(one: Consumer, *, waited: bool) -> str:
    then = "the overlap waits until it has confirmed that"
    if not (waited and one.required):
        then = "nothing waits for it"
    adopts = PUT_IN if one.workflows else ADOPTS[one.adoption]
    return f"consumer {one.name} {adopts}; {then}"
