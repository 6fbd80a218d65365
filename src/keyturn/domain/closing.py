"""How an emergency closes an app by two calls of Okta's management API: add, and deactivate.

What a turn else lists is told by probes here, which count against the app's own limits. An app has
two client secrets at most; where Okta accepts the new one and the old one, those are the two, and
neither is a stranger's. Decides nothing where that does not follow: the turn lists then.
"""

from datetime import datetime, timedelta

from keyturn.domain.failures import Block, try_later
from keyturn.domain.foreign import blocked_by, came_back
from keyturn.domain.ids import CredentialId
from keyturn.domain.okta import CredentialKind, Probe
from keyturn.domain.setback import is_served_and_active, unless_accepted
from keyturn.domain.sight import Do, Look, Seen, Sight, Step, by_hash
from keyturn.domain.turn import SETTLED, Act, Held, Opened, Policy, Reason, Turn, Word

TWO = 2
"""As many credentials as two probes can tell of."""

OTHERS_FIRST = "the other apps of the emergency, which are closed first"
STILL_ACCEPTED = "Okta to refuse the old client secret"
ACTIVE_AGAIN = "Okta accepts the old one, which is ACTIVE there: it is deactivated again."


def by_probes(kind: CredentialKind) -> bool:
    """Say whether two probes can tell all that there is of a kind of credential."""
    return kind.rules.own_value and kind.rules.most == TWO


def told_by_probes(turn: Turn) -> bool:
    """Say whether probes may stand in for Okta's list.

    In an emergency, for an app whose secrets are two at most and both known by their values; where
    a deactivation has come to nothing the turn lists.
    """
    old = turn.old
    known = old is not None and old.version is not None and old.okta_id is not None
    untried = turn.opened is None
    return turn.word is Word.AT_ONCE and by_probes(turn.kind) and known and untried


def room_by_probe(turn: Turn, seen: Seen) -> Look | bool:
    """Tell whether the new one may be added unseen: Okta says itself if there is no room.

    True where the old one works, so that the app is there, ACTIVE, and uses a client secret.
    """
    if not told_by_probes(turn) or seen.credentials is not None:
        return False
    return Look(Sight.OLD_PROBE) if seen.old_probe is None else seen.old_probe is Probe.ACCEPTED


def target_by_probes(turn: Turn, seen: Seen) -> Look | CredentialId | None:
    """Tell what may be deactivated unseen: the recorded old one, where both are accepted now.

    None where Okta has to be asked for its list.
    """
    if not told_by_probes(turn) or seen.credentials is not None or turn.old is None:
        return None
    for sight, told in ((Sight.NEW_PROBE, seen.new_probe), (Sight.OLD_PROBE, seen.old_probe)):
        if told is None:
            return Look(sight)
        if told is Probe.REJECTED:
            return None
    served = turn.new is not None and seen.served == turn.new.hash
    return turn.old.okta_id if served else None


def unclosed(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step | None:
    """Prove by a probe that an emergency has closed the app: Okta refuses the old one.

    None once it does. What somebody has activated again is deactivated again; what is INACTIVE and
    still accepted after the policy's patience stops the turn.
    """
    old = turn.old
    if turn.word is not Word.AT_ONCE or old is None or old.version is None:
        return None
    if seen.old_probe is None:
        return Look(Sight.OLD_PROBE)
    if seen.old_probe is Probe.REJECTED:
        return None
    wait = try_later(turn, now, STILL_ACCEPTED)
    if now < turn.entered_at + SETTLED:
        return wait
    if seen.credentials is None:
        return Look(Sight.CREDENTIALS)
    if came_back(turn, seen.credentials):
        return blocked_by(turn, seen.credentials, now)
    return _again(turn, old, seen, now) or (
        wait
        if now < turn.entered_at + timedelta(seconds=policy.patience_s)
        else Block(Reason.OLD_SECRET_CHANGED, "Okta still accepts it.")
    )


def _again(turn: Turn, old: Held, seen: Seen, now: datetime) -> Step | None:
    """Deactivate the old one once more where it is ACTIVE; what readers are given has to work."""
    listed = by_hash(seen.credentials or (), old.hash)
    if listed is None or not listed.active:
        return None
    if not is_served_and_active(turn, seen):
        return unless_accepted(turn, seen, now)
    return Do(Act.RETIRE, listed.id, Opened.WORD, ACTIVE_AGAIN)
