"""What a turn will do, before it does it: call by call at Okta, and to each that uses the secret.

Says what is waited for, and for whom nothing waits. What is drawn as a tree is in `usage`.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from keyturn.cli import output
from keyturn.cli.usage import tree_of
from keyturn.cli.workflows import steps_in_workflows

if TYPE_CHECKING:
    from keyturn.wire.registrations import Consumer
    from keyturn.wire.rotations import Rotation
    from keyturn.wire.usage import UsageAnswer, UsedConnection, UsedRegistration

NOTHING_CHANGED = "Nothing was changed."
OF_CONNECTION = "okta-connection-key"
PROVED = 3
"""After which step the new one is served."""
SERVED = (
    "     (then readers are served the new one; the old one works on for the overlap)",
    "     (then the connection uses the new one; the old one works on for the overlap)",
)
"""What that means: to readers, or to the connection itself."""
STEPS: Mapping[str, Sequence[str]] = {
    "okta-client-secret": (
        "list the app's client secrets, and stop if one that is not Keyturn's takes the room",
        "add a client secret of Keyturn's own value",
    ),
    "okta-api-service-secret": (
        "list the integration's client secrets, and stop if a foreign one takes the room",
        "have Okta make a client secret, which it shows once; one whose value was lost is deleted",
    ),
    "okta-client-key": (
        "list the app's keys; those that are not Keyturn's are left alone",
        "add the public half of a new key",
    ),
    OF_CONNECTION: (
        "list the keys of Keyturn's own service app",
        "add the public half of a new key, as only a super administrator may",
    ),
}
TOKEN_PATH = "/oauth2/v1/token"
LOGS = "     (GET /api/v1/logs tells who uses the old one meanwhile)"
AT_ONCE = "Nothing is waited for: the old one goes at once, whoever uses it."
ADOPTS = {
    "live": "has the new one with its next use",
    "reload": "has the old one until it is reloaded",
    "restart": "has the old one until it is restarted",
}
PUT_IN = "has the old one until an admin puts the new one in, as is said below"
IN_USE = ("ready", "troubled")


def plan_of_a_turn(one: "Rotation", used: "UsageAnswer", *, emergency: bool) -> list[str]:
    """Say what a turn will do at Okta, whom it touches, and what it waits for."""
    return [
        f"A turn of {one.name} (app {one.okta_app_id}) will, at Okta:",
        *steps_of_a_turn(one.type, _calls(one), at_once=emergency),
        *([LOGS] if one.read_system_log and not emergency else []),
        "It touches:",
        *(f"  {line}" for line in tree_of(used)),
        "Then:",
        *(f"  - {output.printable(line)}" for line in _fates(one, used, emergency=emergency)),
        *steps_in_workflows(one, used, emergency=emergency),
        AT_ONCE if emergency else _waits(one),
        NOTHING_CHANGED,
    ]


def steps_of_a_turn(kind: str, calls: Sequence[str] = (), *, at_once: bool = False) -> list[str]:
    """Say what a turn of a type does at Okta, with the calls where it is known at which app."""
    lines: list[str] = []
    for number, (step, call) in enumerate(zip_longest(_steps(kind, at_once=at_once), calls), 1):
        lines.append(f"  {number}. {step}")
        lines += [f"       {call}"] if call else []
        lines += [SERVED[kind == OF_CONNECTION]] if number == PROVED else []
    return lines


def _steps(kind: str, *, at_once: bool) -> Sequence[str]:
    proof = "an assertion of it" if kind.endswith("-key") else "it"
    if kind == OF_CONNECTION:
        proof += ", and issue an access token for it"
    return (
        *STEPS[kind],
        f"introspect a junk token with {proof}, until Okta accepts the new one",
        "list again, and deactivate the old one",
        "delete it" if at_once else "after the soak, delete it",
    )


def _waits(one: "Rotation") -> str:
    overlap = {
        "fixed": f"for {one.overlap_seconds} s",
        "until-next": f"until the next turn is due, {one.overlap_seconds} s at least",
        "evidence": "until nobody uses the old one any more, "
        f"{one.overlap_seconds} to {one.backstop_seconds} s",
    }[one.overlap_policy]
    soak = f"the old one rests for {one.soak_seconds} s, and is reinstated should it be needed"
    return f"Both work {overlap}; then {soak}."


def _calls(one: "Rotation") -> Sequence[str]:
    """Return the calls by which each step is made."""
    from keyturn.adapters.okta.app_credentials import DIALECTS
    from keyturn.adapters.okta.probe import INTROSPECT_PATH
    from keyturn.domain.okta import CredentialKind

    kind = CredentialKind(one.type)
    at = DIALECTS[kind].collection.format(one.okta_app_id)
    issue = f", POST {TOKEN_PATH}" if kind is CredentialKind.CONNECTION_KEY else ""
    return (
        f"GET {at}",
        f"POST {at}",
        f"POST {INTROSPECT_PATH}{issue}",
        f"GET {at}, POST {at}/ID/lifecycle/deactivate",
        f"DELETE {at}/ID",
    )


def _fates(one: "Rotation", used: "UsageAnswer", *, emergency: bool) -> Iterable[str]:
    """Say what becomes of each that uses the secret, and whether the turn waits for it."""
    begins = "" if emergency else "; the overlap begins once it has"
    waited = one.overlap_policy == "evidence" and not emergency
    if used.readers:
        yield f"readers ({', '.join(used.readers)}) are given the new one by their next read"
    for name in used.destinations:
        yield f"destination {name} is brought the new one, and confirms it{begins}"
    for each in used.registrations:
        yield from _fates_of(each, begins=begins, waited=waited)


def _fates_of(one: "UsedRegistration", *, begins: str, waited: bool) -> Iterable[str]:
    proved = any(each.state in IN_USE and each.grant_type != "none" for each in one.connections)
    then = begins if proved else "; nothing waits for that"
    yield f"client registration {one.name} proves the new one at its server{then}"
    yield from map(_fate_of, one.connections)
    for each in one.consumers:
        yield _fate_elsewhere(each, waited=waited)


def _fate_of(one: "UsedConnection") -> str:
    if one.grant_type == "none":
        return f"connection {one.name} uses the new one with its next request"
    if one.state in IN_USE:
        goes_on = "its next renewal uses the new one, and nobody consents again"
        return f"connection {one.name} goes on with its tokens; {goes_on}"
    return f"connection {one.name} waits for whoever authorizes it, as it does now"


def _fate_elsewhere(one: "Consumer", *, waited: bool) -> str:
    then = "the overlap waits until it has confirmed that"
    if not (waited and one.required):
        then = "nothing waits for it"
    adopts = PUT_IN if one.workflows_connection else ADOPTS[one.adoption]
    return f"consumer {one.name} {adopts}; {then}"
