"""What a turn leaves to people: the new secret put into connections inside Okta Workflows.

Keyturn changes nothing in Okta Workflows, which has no API for it: it says what is to be clicked,
and what proves it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from keyturn.domain.oauth.consumers import Consumer
from keyturn.domain.okta_paths import LOGS_PATH
from keyturn.domain.rotation import Rotation
from keyturn.domain.turn import Overlap
from keyturn.services.rotations import RotationView
from keyturn.services.usage import RegistrationUse, Usage

IN_THE_CONSOLE: Final = (
    "chooses Reauthorize, or makes a new one of that name; enters client id and new",
    "secret, and signs in as the service account",
)
PROOF: Final = (
    f"read in Okta's System Log (GET {LOGS_PATH}), at every look of the overlap:",
    "- workflows.user.connection.create or .reauthorize of that name: it was tried",
    "- after that, a token granted for the new secret, and none for the old one: it works",
)
BY_WORD: Final = "Keyturn cannot see it: {}. Say so once it is done:"
OTHERWISE: Final = "or, once the log cannot tell but you can:"


@dataclass(frozen=True)
class ByHand:
    """What somebody does, and more lines about it; a command stands in a line of its own."""

    told: str
    more: tuple[str, ...]


def steps_in_workflows(of: RotationView, used: Usage, *, emergency: bool) -> Sequence[ByHand]:
    """Say what an admin does in Okta Workflows once the new secret is served, and what proves it.

    Nothing where no connection there is told of.
    """
    inside = [
        (registration, consumer)
        for registration in used.registrations
        for consumer in registration.consumers
        if consumer.workflows
    ]
    if not inside:
        return ()
    proof = _proof(of.rotation, used, emergency=emergency)
    confirming = (f"  {_confirming(*each)}" for each in inside)
    return (
        ByHand("reads the new secret", (_reading(of),)),
        *(ByHand(_opening(consumer), IN_THE_CONSOLE) for _, consumer in inside),
        ByHand("is done once each is proved", (*proof, *confirming)),
    )


def _opening(one: Consumer) -> str:
    named = f'"{one.workflows}" (consumer {one.name})'
    return f"opens Connections in the Workflows console, and at {named}"


def _proof(one: Rotation, used: Usage, *, emergency: bool) -> Sequence[str]:
    if emergency or one.policy.overlap is not Overlap.EVIDENCE:
        return (BY_WORD.format("nothing waits for it in such a turn"),)
    if not one.policy.log:
        return (BY_WORD.format("the policy has no System Log read (--read-system-log)"),)
    if used.log_readable is False:
        return (BY_WORD.format("its access lacks okta.logs.read"),)
    return (*PROOF, OTHERWISE)


def _reading(of: RotationView) -> str:
    where = f"--env {of.place.environment.slug} --path {of.place.folder.path}"
    return f"keyturn secret get {of.rotation.mapping.client_secret} {where} --acknowledge"


def _confirming(registration: RegistrationUse, consumer: Consumer) -> str:
    name = registration.view.registration.name
    return f"keyturn registration consumer confirm {name} {consumer.name}"
