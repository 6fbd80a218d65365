"""The record of an emergency as a file to keep, for programs and for people; no value is in it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

from keyturn.domain.lengths import spoken
from keyturn.domain.rollout import Member
from keyturn.services.emergencies import EmergencyView
from keyturn.services.emergency_evidence import EmergencyReport, Proof
from keyturn.services.evidence_files import table
from keyturn.services.ports import TurnStep
from keyturn.wire import emergencies as wire

CLOSED: Final[Sequence[wire.Standing]] = ("closed", "done")
_STATES: Final[Mapping[str, str]] = MappingProxyType({"abandoned": "aborted"})


def emergency(seen: EmergencyView) -> wire.Emergency:
    """Render an emergency and where it stands."""
    one = seen.rollout
    return wire.Emergency(
        id=one.id,
        name=one.name,
        reason=one.reason,
        selector=one.selector,
        state=one.state.value,
        told=one.told,
        within_seconds=one.within_s,
        revoke_tokens=one.revoke,
        apps=sum(seen.counts.values()),
        open=seen.open,
        standings={each.value: count for each, count in seen.counts.items()},
        revoked=seen.revoked,
        plan_hash=one.plan_hash,
        created_by=one.created_by,
        creator=one.creator,
        created_at=one.created_at,
        tidied_at=one.tidied_at,
        ended_at=one.ended_at,
    )


def closing(one: Member) -> wire.Closing:
    """Render an app of an emergency."""
    return wire.Closing(
        number=one.number,
        app_id=one.app_id,
        rotation_id=one.rotation_id,
        name=one.name,
        exposure=one.exposure,
        why=one.why,
        standing=one.standing.value,
        told=one.told,
        turn_id=one.turn_id,
        begun_at=one.begun_at,
        closed_at=one.closed_at,
        revoked_at=one.revoked_at,
    )


def document(report: EmergencyReport, now: datetime) -> wire.EmergencyEvidence:
    """Render the record of an emergency for programs."""
    return wire.EmergencyEvidence(
        emergency=emergency(report.told),
        apps=tuple(map(_proof, report.proofs)),
        exported_at=now,
    )


def _proof(proof: Proof) -> wire.ClosingProof:
    turn = proof.turn
    return wire.ClosingProof(
        **closing(proof.member).model_dump(by_alias=False),
        on_record=turn is not None,
        old_id=turn.old.okta_id if turn and turn.old else None,
        new_id=turn.new.okta_id if turn and turn.new else None,
        deactivated=_word(proof.deactivated),
        refused=_word(proof.refused),
    )


def _word(step: TurnStep | None) -> wire.OktaWord | None:
    if step is None:
        return None
    return wire.OktaWord(at=step.at, told=step.detail, request_id=step.request_id)


def markdown(told: wire.EmergencyEvidence) -> str:
    """Render the record of an emergency for people."""
    return "\n".join(_lines(told)) + "\n"


def _lines(told: wire.EmergencyEvidence) -> Iterator[str]:
    one = told.emergency
    yield f"# Emergency {one.name}"
    yield ""
    facts = {
        "reason": one.reason,
        "apps": f"{one.apps}, of {one.selector}",
        "closed": f"{sum(one.standings.get(each, 0) for each in CLOSED)} of {_apps(one.apps)}",
        "old secret may still work": _apps(one.open),
        "state": f"{_STATES.get(one.state, one.state)}. {one.told}".strip(),
        "begun": f"{_at(one.created_at)} by {one.creator}",
        "every app tried": _at(one.tidied_at),
        "ended": _at(one.ended_at),
        "time for consumers": spoken(one.within_seconds) if one.within_seconds else "none",
        "refresh tokens": f"revoked of {one.revoked} apps" if one.revoke_tokens else "left alone",
        "plan": one.plan_hash,
        "exported": _at(told.exported_at),
    }
    yield from table(["", ""], [[f"**{name}**", fact] for name, fact in facts.items()])
    yield ""
    yield "Secrets are named by Okta's ids; no value is in this file. An app is closed when Okta"
    yield "has refused its old secret: that column is Okta's own answer, with its request id."
    yield ""
    header = ["", "app", "rotation", "why here", "stands", "closed", "old secret", "deactivated"]
    rows = [_row(each, one) for each in told.apps]
    yield from table([*header, "refused", "tokens revoked", "remarks"], rows)


def _row(one: wire.ClosingProof, of: wire.Emergency) -> list[str]:
    left = one.standing == "skipped" or (of.state == "abandoned" and one.turn_id is None)
    unseen = "not by this" if left else "not yet"
    return [
        str(one.number),
        one.app_id,
        one.name,
        one.why,
        "NOT CLOSED by this" if left and not one.closed_at else one.standing,
        _at(one.closed_at, unseen),
        one.old_id or _missing(one, "none"),
        _told(one, one.deactivated, unseen),
        _told(one, one.refused, unseen),
        _at(one.revoked_at, unseen) if of.revoke_tokens else "not asked for",
        one.told,
    ]


def _told(one: wire.ClosingProof, word: wire.OktaWord | None, unseen: str) -> str:
    if word is None:
        return _missing(one, unseen)
    return f"{_at(word.at)}, {word.told}, {word.request_id}"


def _missing(one: wire.ClosingProof, told: str) -> str:
    """Say of what is not there whether that is known: a turn goes with a deleted rotation."""
    return told if one.on_record or not one.turn_id else "not on record any more"


def _apps(count: int) -> str:
    return "1 app" if count == 1 else f"{count} apps"


def _at(moment: datetime | None, none_text: str = "not yet") -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else none_text
