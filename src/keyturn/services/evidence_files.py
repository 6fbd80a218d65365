"""The record of one turn as a file to keep, for programs and for people; a value is in neither."""

from collections.abc import Iterator
from datetime import datetime

from keyturn.domain.evidence import Gate, Open, Shut, Waiting
from keyturn.domain.lengths import spoken
from keyturn.domain.okta import CredentialKind
from keyturn.domain.turn import Blocked, Held, Phase
from keyturn.services.reports import TurnReport, TurnView
from keyturn.wire import turns as wire

OF_POLICY = (
    "Overlap, backstop, use of the log and soak are the rotation's policy as of the export; the "
    "audit log tells who changed the rotation, and when."
)
"""Of when the policy is."""
OF_SECRETS = (
    "Secrets are named by Okta's id and by Okta's hash: base64url of the first 16 bytes of",
    "SHA-256. No value is in this file.",
)
OF_KEYS = (
    "Keys are named by Okta's id and by their thumbprint (RFC 7638): base64url of the SHA-256 of",
    "the public half. No private key is in this file.",
)
"""How the column of hashes is to be read."""


def turn(view: TurnView) -> wire.Turn:
    """Render a turn with its steps."""
    told = view.turn
    return wire.Turn(
        id=told.id,
        rotation_id=told.rotation_id,
        trigger=told.trigger,
        phase=told.phase,
        created_at=told.created_at,
        entered_at=told.entered_at,
        ended_at=told.ended_at,
        wake_at=told.wake_at,
        paused_at=told.paused_at,
        blocked=_blocked(told.blocked),
        word=told.word,
        opened=told.opened,
        reinstated=told.reinstated,
        gate=_gate(view.gate) if view.gate else None,
        unconfirmed=tuple(view.unconfirmed),
        old=_held(told.old),
        new=_held(told.new),
        steps=tuple(
            wire.TurnStep(
                number=step.number,
                at=step.at,
                phase=step.phase,
                step=step.step,
                detail=step.detail,
                request_id=step.request_id,
                error_id=step.error_id,
            )
            for step in view.steps
        ),
    )


def document(report: TurnReport, now: datetime) -> wire.Evidence:
    """Render the record of a turn for programs."""
    rotation, app_id = report.rotation, report.told.turn.app_id
    return wire.Evidence(
        rotation_id=rotation.id,
        rotation_name=rotation.name,
        place="the connection itself" if rotation.kind.rules.of_connection else str(report.place),
        org=report.connection.instance_url,
        app_id=app_id,
        client_id=rotation.client_id if app_id == rotation.app_id else "",
        overlap_policy=rotation.policy.overlap,
        overlap_seconds=rotation.policy.overlap_s,
        soak_seconds=rotation.policy.soak_s,
        backstop_seconds=rotation.policy.backstop_s,
        quiet_seconds=rotation.policy.quiet_s,
        read_system_log=rotation.policy.log,
        waited_for=_waited_for(report.told),
        turn=turn(report.told),
        exported_at=now,
    )


def markdown(told: wire.Evidence, kind: CredentialKind) -> str:
    """Render the record of a turn for people; ``kind`` is what its rotation turns."""
    return "\n".join(_lines(told, kind)) + "\n"


def _lines(told: wire.Evidence, kind: CredentialKind) -> Iterator[str]:
    one = told.turn
    yield f"# Turn of {told.rotation_name}"
    yield ""
    facts = {
        "rotation": f"{told.rotation_name} ({told.rotation_id})",
        "serves": told.place,
        "app": f"{told.app_id}, client id {told.client_id or 'not on record'}, at {told.org}",
        "turn": f"{one.id}, {one.trigger}",
        "phase": f"{one.phase}, since {_at(one.entered_at)}",
        "began": _at(one.created_at),
        "ended": _at(one.ended_at),
        "old secret": _secret(one.old),
        "new secret": _secret(one.new),
        "overlap": f"{told.overlap_policy}, {spoken(told.overlap_seconds)} at least",
        "backstop": spoken(told.backstop_seconds),
        "Okta's System Log": _log(told),
        "waited for": "; ".join(told.waited_for) or "nobody",
        "gate opened by": one.opened or "not yet opened",
        "old secret reinstated": _times(one.reinstated),
        "soak": spoken(told.soak_seconds),
        "exported": _at(told.exported_at),
    }
    if one.paused_at:
        facts["paused"] = f"since {_at(one.paused_at)}"
    if one.blocked:
        facts["blocked"] = f"{one.blocked.reason}: {one.blocked.detail}"
    yield from table(["", ""], [[f"**{name}**", fact] for name, fact in facts.items()])
    yield ""
    yield OF_POLICY
    yield ""
    yield from OF_KEYS if kind.rules.are_keys else OF_SECRETS
    yield ""
    rows = [
        [str(s.number), _at(s.at), s.phase, s.step, s.detail, s.request_id, s.error_id]
        for s in one.steps
    ]
    header = ["", "when", "phase", "step", "detail", "Okta's request id", "Okta's error id"]
    yield from table(header, rows)


def _waited_for(view: TurnView) -> tuple[str, ...]:
    """Return what the recorded waits since the promotion name, each once."""
    phases = (Phase.PROMOTED, Phase.OVERLAPPING)
    waits = [s.detail for s in view.steps if s.step == "wait" and s.phase in phases]
    return tuple(dict.fromkeys(part for told in waits for part in told.split("; ") if part))


def _times(count: int) -> str:
    return {0: "never", 1: "once"}.get(count, f"{count} times")


def _log(told: wire.Evidence) -> str:
    if not told.read_system_log:
        return "not read"
    return f"read; quiet after {spoken(told.quiet_seconds)} without a use"


def table(header: list[str], rows: list[list[str]]) -> Iterator[str]:
    """Render a table of Markdown; no cell ends early."""
    for cells in (header, ["---"] * len(header), *rows):
        yield "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _at(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "not yet"


def _secret(held: wire.Held | None) -> str:
    if held is None:
        return "none"
    version = f", version {held.version}" if held.version else ", not Keyturn's"
    return f"{held.okta_id or 'not named yet'}, hash {held.hash}{version}"


def _held(held: Held | None) -> wire.Held | None:
    if held is None:
        return None
    return wire.Held(hash=held.hash, okta_id=held.okta_id, version=held.version)


def _blocked(blocked: Blocked | None) -> wire.Blocked | None:
    """Render the reason's name for programs and its sentences, with the detail, for people."""
    if blocked is None:
        return None
    reason = blocked.reason.name.lower()
    return wire.Blocked(reason=reason, detail=str(blocked), phase=blocked.phase)


def _gate(gate: Gate) -> wire.Gate:
    match gate:
        case Open(by, unmet):
            return wire.Gate(state="open", by=by, waiting=tuple(map(_waiting, unmet)))
        case Shut(waiting):
            return wire.Gate(state="shut", by=None, waiting=tuple(map(_waiting, waiting)))
        case _:
            return wire.Gate(state="unread", by=None, waiting=())


def _waiting(waiting: Waiting) -> wire.Waiting:
    return wire.Waiting(cause=waiting.cause, who=waiting.who, until=waiting.until)
