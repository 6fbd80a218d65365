"""What stands at Okta beside a turn's own credentials, and takes the room of the new one.

Decides whether it is a remainder of ours, which goes, or somebody else's, which is named with its
age and with what its owner may choose. Knows nothing of how that choice is made.
"""

from dataclasses import dataclass
from datetime import date, datetime

from keyturn.domain.errors import Refused
from keyturn.domain.failures import Block, Wait, list_later
from keyturn.domain.ids import CredentialId
from keyturn.domain.okta import Credential
from keyturn.domain.sight import Do, Seen, by_hash
from keyturn.domain.turn import UNSERVED, Act, Held, Phase, Reason, Turn, Word

OUTDATED = "Okta's list to show no more as ACTIVE what Keyturn has deleted"
LIST_TRIES = 6
"""How often a list is read anew that shows it; some two minutes."""


@dataclass(frozen=True)
class Consent:
    """An owner's word about one credential: its id, and the day (UTC) on which it was made."""

    id: CredentialId
    made_on: date


def heed(consent: Consent, credential: Credential) -> None:
    """Raise Refused unless the consent is about this one, by the day on which it was made too."""
    made_on = credential.created_at.date()
    if consent.made_on != made_on:
        raise Refused(
            f"{credential.id} was made {made_on}, not {consent.made_on}: nothing was changed. "
            "See which one you mean; its id and that day name it."
        )


def make_room(turn: Turn, seen: Seen, now: datetime) -> Do | Wait | Block:
    """Delete what an earlier turn has left INACTIVE; without any, block and name what is there.

    One of ours that is ACTIVE was deleted by the turn that superseded it: the list may be old.
    """
    listed = seen.credentials or ()
    left = [each for each in listed if each.hash in seen.superseded]
    remainder = next((each for each in left if not each.active), None)
    if remainder:
        return Do(Act.CLEAR, remainder.id)
    if left and turn.doubts < LIST_TRIES:
        return list_later(turn, now, OUTDATED)
    return blocked_by(turn, listed, now)


def blocked_by(turn: Turn, listed: tuple[Credential, ...], now: datetime) -> Block:
    """Block for the credentials that are not the turn's own, each with its age and its choices.

    A second one of our own value counts as strange, and is told so.
    """
    back = turn.old.hash if turn.old else None
    strange = _strange(turn, listed)
    told = ", ".join(f"{aged(s, now)}{_back(s, back)}" for s in strange)
    choices = [choice for each in strange if (choice := _choices(turn, each))]
    remove = "Or remove it at Okta" if choices else "Remove it at Okta"
    wait = f"{remove}, then: `keyturn turn resume {turn.rotation_id}`."
    return Block(Reason.FOREIGN_SECRET, " ".join([f"Foreign: {told}.", *choices, wait]))


def _strange(turn: Turn, listed: tuple[Credential, ...]) -> list[Credential]:
    """List what is not the turn's own; what readers are given is, under whatever id it works."""
    ours = {(held.okta_id, held.hash) for held in (turn.old, turn.new) if held}
    own, given = [each for each in listed if (each.id, each.hash) in ours], _given(turn)
    if given and given.hash not in {each.hash for each in own}:
        own += filter(None, [by_hash(listed, given.hash)])
    return [each for each in listed if each not in own]


def _given(turn: Turn) -> Held | None:
    return turn.old if turn.phase in UNSERVED else turn.new


def came_back(turn: Turn, listed: tuple[Credential, ...]) -> bool:
    """Say whether the old value works at Okta under another id than the turn's."""
    old = turn.old
    return old is not None and any(
        each.active and each.hash == old.hash and each.id != old.okta_id for each in listed
    )


def aged(credential: Credential, now: datetime) -> str:
    """Render a credential's id, status, and age, by which its owner knows it."""
    days = (now.date() - credential.created_at.date()).days
    age = "today" if days <= 0 else f"{days} day{'s' if days > 1 else ''} ago"
    return f"{credential.id} ({credential.status}, made {credential.created_at:%Y-%m-%d}, {age})"


def _back(credential: Credential, old_hash: str | None) -> str:
    return ": the old value come back" if credential.hash == old_hash else ""


def _choices(turn: Turn, credential: Credential) -> str:
    if turn.phase is Phase.SOAKING:
        leaked = turn.word is Word.AT_ONCE
        return "" if leaked else f"`keyturn turn reinstate {turn.rotation_id}` lets it work on."
    given = _given(turn)
    if given and credential.hash == given.hash:
        return ""  # one more of what readers are given is neither served nor retired
    named = f"{turn.rotation_id} {credential.id}"
    entered = "" if credential.value else " --value-stdin"
    adopt = f"`keyturn rotation adopt-existing {named}{entered}` serves it. "
    retire = f"`keyturn rotation retire-existing {named} --made {credential.created_at:%Y-%m-%d}`"
    adoptable = credential.active and turn.phase is not Phase.OVERLAPPING
    return f"{adopt if adoptable else ''}{retire} retires it."
