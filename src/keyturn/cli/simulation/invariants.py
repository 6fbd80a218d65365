"""What must always hold, one small function each.

Every function looks at what truly happened and yields one sentence for each thing that is wrong.
They are asked after every event of their kind; the numbers are those of docs/proof.md.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import combinations

from keyturn.cli.simulation.calls import Sent
from keyturn.cli.simulation.events import Commit, Disclosure, Effect, Login
from keyturn.cli.simulation.kept import Kept, Promise, Reader
from keyturn.cli.simulation.ledger import Ledger
from keyturn.domain.ids import TurnId
from keyturn.domain.rotation import Rotation
from keyturn.domain.turn import TAKING_BACK, Overlap, Phase, Policy, Word
from keyturn.sandbox.state.records import Secret as OktaSecret

Wrong = Iterator[str]

CALL_LIMIT_S = 15.0
LEASE_SHARE = 2 / 3
MOMENT_S = 1.0
"""What the product may spend between a look and the call that rests on it, in steps of its own."""
ON_ITS_WAY = timedelta(minutes=1)
"""As long a call may reach Okta after its sender has given up."""
TOO_MANY = 2
"""Who has lost as many answers in a row counts as one that has what they told."""
LOOK_S = 90.0
"""The same with two calls of fifteen seconds in between, and a network that delivers late."""
BEHIND_S = (5.0, 60.0, 3000.0)
"""So far behind is an old list of Okta's."""


# --- 1 and 2: whatever is read works ------------------------------------------------------------


def served_secret_is_accepted(ledger: Ledger, kept: Kept) -> Wrong:
    """1: what a reader can read now, or our own log-ins use, Okta's token endpoint accepts now."""
    version, (value, hash_) = kept.current, ledger.served(kept)
    if version is None or app_is_off(ledger, kept):
        return
    found = ledger.find_secret(kept.app_id, value)
    if found and found.accepts(ledger.org.now()):
        return
    if hash_ in ledger.taken:
        return
    status = f"{found.status}, usable at {found.usable_at}" if found else "unknown to Okta"
    yield f"version {version.number} of app {kept.app_id} is served and is {status}"


def known_secret_stays_active(ledger: Ledger, kept: Kept) -> Wrong:
    """2: an app keeps at least one ACTIVE client secret that we know, and never more than two."""
    living = ledger.app(kept.app_id).live_secrets
    if len(living) > kept.rules.most:
        yield f"app {kept.app_id} has {len(living)} credentials of a kind"
    if kept.current is None or app_is_off(ledger, kept):
        return
    hashes = {v.hash for v in kept.versions.values() if v.sealed} | ledger.own_hash(kept)
    if any(s.status == "ACTIVE" and s.hash in hashes for s in living):
        return
    if not hashes & ledger.taken.keys():
        yield f"app {kept.app_id} has no ACTIVE client secret that we know"


def app_is_off(ledger: Ledger, kept: Kept) -> bool:
    """Say whether somebody else has taken the app, or its client secrets, out of use."""
    app = ledger.app(kept.app_id)
    return app.status != "ACTIVE" or app.auth_method not in kept.rules.methods


def login_within_the_floor_succeeds(ledger: Ledger, login: Login) -> Wrong:
    """1: who keeps a secret no longer than the shortest overlap is never refused with it."""
    kept = login.kept
    if login.accepted or beyond_the_floor(ledger, kept, login.age_s) or app_is_off(ledger, kept):
        return
    version = next((v for v in kept.versions.values() if v.number == login.version), None)
    hash_ = (version.hash or "") if version else ""
    if version is None or hash_ in ledger.taken or kept.retired_for(hash_) is Word.AT_ONCE:
        return
    yield f"{login.who} was refused with version {login.version}, read {login.age_s:.1f} s ago"


def beyond_the_floor(ledger: Ledger, kept: Kept, age_s: float) -> bool:
    """Say whether something was read longer ago than the shortest overlap lasts."""
    orders = kept.orders_lately(ledger.now_s())
    floor_s = min(min(o.policy.floor_s, o.policy.overlap_s) for o in orders)
    return age_s + ledger.jumped_since_s(ledger.now_s() - age_s) >= floor_s


# --- 3: ours and theirs -------------------------------------------------------------------------


def made_by_us_is_known_to_us(ledger: Ledger, kept: Kept) -> Wrong:
    """3: every credential that our calls added is in the store by its hash, and there once."""
    known = {version.hash for version in kept.versions.values()}
    ours = [s for s in ledger.app(kept.app_id).live_secrets if s.made_by == ledger.principal]
    for secret in ours:
        if secret.hash not in known and not _explained(ledger, kept, secret):
            yield f"client secret {secret.id} was added by us and is not in the store"
    for one, other in combinations(ours, 2):
        later = max(one.created_at, other.created_at)
        if one.hash == other.hash and not _let_in(ledger, kept, later):
            yield f"one value was added twice to app {kept.app_id}"


def _let_in(ledger: Ledger, kept: Kept, at: datetime) -> bool:
    """Say whether somebody else had just emptied the place that kept a call on its way out."""
    emptied_at = ledger.emptied.get(kept.app_id)
    return emptied_at is not None and timedelta() <= at - emptied_at <= ON_ITS_WAY


def _explained(ledger: Ledger, kept: Kept, secret: OktaSecret) -> bool:
    """Say whether a value that Okta chose was lost with its answer, and is a turn's to remove.

    That is the turn that had asked for it, or one that retires it because an owner has named it.
    A turn that somebody aborts has to name what it leaves.
    """
    if secret.hash in ledger.lost or (secret.id in ledger.left and not kept.rules.own_value):
        return True
    named = secret.id in ledger.consented
    return not kept.rules.own_value and any(
        turn.id == ledger.added_by.get(secret.id)
        or (named and turn.old is not None and turn.old.okta_id == secret.id)
        for turn in ledger.open_turns(kept.app_id)
    )


def foreign_is_left_alone(ledger: Ledger, effect: Effect) -> Wrong:
    """3: nothing is deactivated or deleted that we neither made nor adopted, without consent."""
    secret = secret_named(ledger, effect)
    if secret is None or effect.sent.kind not in ("deactivate", "delete"):
        return
    kept = ledger.kept.get(effect.sent.app_id)
    known = {v.hash for v in kept.versions.values()} if kept else set()
    turn_id = effect.sent.work.turn_id if effect.sent.work else None
    asked_for = secret.id in ledger.consented
    its_own = turn_id is not None and ledger.added_by.get(secret.id) == turn_id
    if not (asked_for or its_own or (secret.hash in known and secret.hash not in ledger.lost)):
        yield f"{effect.sent.kind} of client secret {secret.id}, which is not ours"


# --- 4: in its time, by one hand ----------------------------------------------------------------


def nothing_is_retired_before_its_gate(ledger: Ledger, effect: Effect) -> Wrong:
    """4: an old client secret is deactivated only once its overlap is over, by its policy."""
    secret, kept = secret_named(ledger, effect), ledger.kept.get(effect.sent.app_id)
    if secret is None or kept is None or effect.sent.kind != "deactivate":
        return
    now_s = ledger.now_s()
    if kept.retired_s.get(secret.hash) != now_s or never_served(ledger, kept, secret):
        return
    if ledger.served(kept)[1] == secret.hash:
        yield f"client secret {secret.id} was deactivated while it is in use"
        return
    turn = ledger.turns.get(effect.sent.work.turn_id or "") if effect.sent.work else None
    word = turn.word if turn and turn.word not in TAKING_BACK else None
    if word is Word.AT_ONCE:
        return
    back = bool(turn and turn.reinstated and word is None)
    why = _why_not_again if back else _why_shut
    told = [why(ledger, kept, secret, order, word) for order in kept.orders_lately(now_s)]
    if all(told):
        yield f"client secret {secret.id} was deactivated too early: {told[-1]}"


def nobody_is_cut_off_before_the_deadline(ledger: Ledger, effect: Effect) -> Wrong:
    """4: in an emergency that leaves consumers time, who holds the old one has it.

    Once all are known to have the new one nobody needs any more; nor is anything promised that the
    turn's own gate, which may just have opened, did not. What is taken back because Okta never
    accepted it was nobody's.
    """
    secret, kept = secret_named(ledger, effect), ledger.kept.get(effect.sent.app_id)
    if secret is None or kept is None or effect.sent.kind != "deactivate":
        return
    by_us = kept.retired_s.get(secret.hash) == ledger.now_s()
    by_us = by_us and not never_served(ledger, kept, secret)
    turn = ledger.turns.get(effect.sent.work.turn_id or "") if effect.sent.work else None
    if not by_us or turn is None or turn.word is not Word.AT_ONCE:
        return
    left = [_left_s(ledger, kept, one) for one in kept.promises if turn.id not in one.but]
    behind = [each.name for each in ledger.readers_behind(kept) if each.lost < TOO_MANY]
    orders = kept.orders_lately(ledger.now_s())
    shut = all(_why_shut(ledger, kept, secret, order, None) for order in orders)
    if left and min(left) > 0 and behind and shut:
        yield f"{secret.id}, held by {', '.join(behind)}, ended {min(left):.1f} s too early"


def _left_s(ledger: Ledger, kept: Kept, promise: Promise) -> float:
    """Return what is left of the time since then, or since what is current is served."""
    since_s = max(promise.asked_s, kept.promoted_s)
    return since_s + promise.within_s - ledger.now_s() - ledger.jumped_since_s(since_s)


def nothing_is_retired_before_it_is_delivered(ledger: Ledger, effect: Effect) -> Wrong:
    """4: no old one is deactivated while a destination lacks what is served, but by a word."""
    kept = retired_unasked(ledger, effect)
    if not kept or not kept.brought or kept.current is None:
        return
    if kept.brought() != ledger.value(kept.current):
        yield f"{effect.sent.secret_id} was deactivated and its destination lacks the new one"


def retired_unasked(ledger: Ledger, effect: Effect) -> Kept | None:
    """Return the app of which a turn has deactivated what was served, without anybody's word."""
    secret, kept = secret_named(ledger, effect), ledger.kept.get(effect.sent.app_id)
    if secret is None or kept is None or effect.sent.kind != "deactivate":
        return None
    by_the_turn = kept.retired_s.get(secret.hash) == ledger.now_s()
    turn_id = effect.sent.work.turn_id if effect.sent.work else None
    if not by_the_turn or turn_id in kept.words or never_served(ledger, kept, secret):
        return None
    return kept


def _why_shut(
    ledger: Ledger, kept: Kept, secret: OktaSecret, order: Rotation, word: Word | None
) -> str:
    policy, finish = order.policy, word is Word.FINISH
    shortest_s = min(policy.floor_s, policy.overlap_s) if finish else policy.overlap_s
    past_s = ledger.now_s() - kept.promoted_s + ledger.jumped_since_s(kept.promoted_s)
    if past_s < shortest_s - 0.001:
        return f"both worked for {past_s:.3f} s only, of {shortest_s}"
    if finish or policy.overlap is Overlap.FIXED:
        return ""
    if policy.overlap is Overlap.UNTIL_NEXT:
        due_at, now = order.next_rotation_at, ledger.world.clock.now()
        soon = due_at is not None and now >= due_at - timedelta(seconds=policy.soak_s)
        return "" if soon else f"the next turn is due at {due_at}"
    if past_s >= policy.backstop_s:
        return ""
    behind = ledger.readers_behind(kept)
    late = [reader.name for reader in behind if _could_be_known(ledger, reader)]
    if late:
        return f"still held by {', '.join(late)}"
    return _why_loud(ledger, secret, policy)


def _could_be_known(ledger: Ledger, reader: Reader) -> bool:
    """Say whether a reader that is behind could be known to be: one lost answer is reckoned with.

    Who asks a second time counts as one that holds what it was given the first time.
    """
    return reader.read_s < ledger.now_s() - LOOK_S and reader.lost < TOO_MANY


def _why_not_again(
    ledger: Ledger, kept: Kept, secret: OktaSecret, order: Rotation, word: Word | None
) -> str:
    """Tell why a client secret that had to be reinstated is not retired a second time."""
    if not order.policy.log:
        return "it had been reinstated, and nobody has said that it may go"
    return _why_loud(ledger, secret, order.policy)


def _why_loud(ledger: Ledger, secret: OktaSecret, policy: Policy) -> str:
    used_s = ledger.used_s.get(secret.id)
    if not policy.log or used_s is None:
        return ""
    quiet_s = ledger.now_s() - used_s + ledger.jumped_since_s(used_s)
    blind = ledger.now_s() - ledger.log_blind_s < policy.quiet_s
    if blind or quiet_s < LOOK_S or quiet_s >= policy.quiet_s - LOOK_S:
        return ""
    return f"used {quiet_s:.0f} s ago, quiet is {policy.quiet_s} s"


def never_served(ledger: Ledger, kept: Kept, secret: OktaSecret) -> bool:
    """Say whether a secret was nobody's: not served, and no owner's who has named it.

    What a turn of ours added and lost may be named by somebody who takes it for an owner's.
    """
    ours = secret.id in ledger.added_by
    return secret.hash not in kept.served and (ours or secret.id not in ledger.consented)


def only_what_is_needed_is_activated(ledger: Ledger, effect: Effect) -> Wrong:
    """4: nothing is activated but what readers are given, or what its turn has to reinstate."""
    secret, kept = secret_named(ledger, effect), ledger.kept.get(effect.sent.app_id)
    if secret is None or kept is None or effect.sent.kind != "activate":
        return
    turn = ledger.turns.get(effect.sent.work.turn_id or "") if effect.sent.work else None
    reinstated = turn is not None and turn.old is not None and turn.old.okta_id == secret.id
    served = kept.current is None or kept.current.hash == secret.hash
    if not (reinstated or served or ledger.now_s() - kept.promoted_s < LOOK_S):
        yield f"client secret {secret.id} was activated, which nobody is given"


def one_turn_at_a_time(ledger: Ledger, kept: Kept) -> Wrong:
    """4: at most one turn of an app is open."""
    turns = ledger.open_turns(kept.app_id)
    if len(turns) > 1:
        yield f"app {kept.app_id} has {len(turns)} open turns"


def who_lost_a_turn_writes_nothing(ledger: Ledger, commit: Commit) -> Wrong:
    """4: a worker whose turn somebody else has claimed changes nothing of it in the store."""
    work = commit.work
    if work is None or work.turn_id is None or commit.claims:
        return
    epoch = commit.epochs.get(TurnId(work.turn_id))
    if epoch is not None and epoch != work.epoch:
        yield f"{work} wrote to a turn of epoch {epoch}, which it held in epoch {work.epoch}"


def who_may_have_lost_a_turn_sends_nothing(ledger: Ledger, sent: Sent) -> Wrong:
    """4: no change is sent to Okta once the lease on the turn may have passed to somebody else."""
    if sent.work is None or sent.work.turn_id is None or not sent.changes:
        return
    lease_s = ledger.world.limits.lease.total_seconds()
    held_s = sent.at_s - sent.work.held_since_s
    if held_s > lease_s * LEASE_SHARE + CALL_LIMIT_S + MOMENT_S:
        yield f"{sent.work} sent {sent.kind} {held_s:.1f} s after it last held its turn"


# --- 5: forward only ----------------------------------------------------------------------------


def versions_ascend(ledger: Ledger, disclosure: Disclosure) -> Wrong:
    """5: no reader is given an older version than it was given before."""
    reader = disclosure.reader
    if disclosure.version < reader.version:
        yield f"{reader.name} was given version {disclosure.version} after {reader.version}"


# --- 7: within the rate -------------------------------------------------------------------------


def full_bucket_is_left_alone(ledger: Ledger, effect: Effect) -> Wrong:
    """7: who was told that a rate limit is used up does not call before the window turns."""
    earned = effect.entry.status == 429 and effect.entry.fault is None
    if earned and ledger.now_s() < effect.told_full_until_s - MOMENT_S:
        yield f"{effect.sent.work} called a bucket that it knew to be used up"


# --- 9: an end ----------------------------------------------------------------------------------


def every_turn_ends(ledger: Ledger, kept: Kept) -> Wrong:
    """9: once faults have stopped, every turn ends, or is blocked with a reason."""
    for turn in ledger.open_turns(kept.app_id):
        reason = turn.blocked.reason if turn.blocked else None
        if turn.phase is not Phase.BLOCKED or not reason:
            yield f"turn {turn.id} is still {turn.phase} (wakes at {turn.wake_at})"


def secret_named(ledger: Ledger, effect: Effect) -> OktaSecret | None:
    """Return the credential that a call has just changed, None where it changed none."""
    if effect.entry.outcome != "ok" or not effect.sent.secret_id:
        return None
    known = effect.sent.app_id in ledger.org.apps
    secrets = ledger.app(effect.sent.app_id).secrets if known else ()
    return next((s for s in secrets if s.id == effect.sent.secret_id), None)


STANDING: Sequence[Callable[[Ledger, Kept], Wrong]] = (
    served_secret_is_accepted,
    known_secret_stays_active,
    made_by_us_is_known_to_us,
    one_turn_at_a_time,
)
"""Asked of every app after every event."""

OF_EFFECTS: Sequence[Callable[[Ledger, Effect], Wrong]] = (
    foreign_is_left_alone,
    nothing_is_retired_before_its_gate,
    nobody_is_cut_off_before_the_deadline,
    nothing_is_retired_before_it_is_delivered,
    only_what_is_needed_is_activated,
    full_bucket_is_left_alone,
)
OF_COMMITS: Sequence[Callable[[Ledger, Commit], Wrong]] = (who_lost_a_turn_writes_nothing,)
OF_DISCLOSURES: Sequence[Callable[[Ledger, Disclosure], Wrong]] = (versions_ascend,)
