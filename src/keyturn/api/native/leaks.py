"""Leak reports: taken in, also as GitHub's secret scanning sends them, listed, ended, closed."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from pydantic import TypeAdapter, ValidationError

from keyturn.api.authn import TheCaller, TheWorld, address_of
from keyturn.api.description import ASKS_AN_ISSUER, COUNTS_ATTEMPTS, Responses
from keyturn.api.lenient import LenientRoute
from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.leaks import LeakReport, Source, State
from keyturn.domain.sensitive import Sensitive
from keyturn.services import emergency_files, leak_closing, leak_scanning, leaks
from keyturn.services.leak_closing import LeakClosing
from keyturn.services.leak_scanning import Scanned, Verdict
from keyturn.services.leaks import LeakDraft
from keyturn.wire import leaks as wire
from keyturn.wire.base import Id
from keyturn.wire.emergencies import EmergencyAnswer

router = APIRouter(prefix="/api/v1/leaks", tags=["Leaks"], route_class=LenientRoute)

_MESSAGE = TypeAdapter(list[wire.ScannedToken])
_REFUSALS: Responses = {401: {}, 404: {}, 413: {}, 422: {}, **ASKS_AN_ISSUER}


@router.post("/github", responses=_REFUSALS)
async def take_scan(
    world: TheWorld,
    request: Request,
    key_id: Annotated[str, Header(alias="github-public-key-identifier", max_length=256)] = "",
    signature: Annotated[str, Header(alias="github-public-key-signature", max_length=256)] = "",
) -> list[wire.ScannedLabel]:
    """Take in what GitHub's secret scanning has found, and tell which of the values are real.

    The message is proved by GitHub's signature over it; a token is not asked for.
    """
    body, address = await request.body(), address_of(request)
    github = await leak_scanning.admit_scan(
        world, body, key_id=key_id, signature=signature, address=address
    )
    found = [_scanned(each) for each in _parsed(body)]
    return [
        _label(each)
        for each in await leak_scanning.take_scan(world, github, found, address=address)
    ]


@router.post("", responses=COUNTS_ATTEMPTS)
async def report_leaks(
    world: TheWorld, caller: TheCaller, body: wire.ReportLeaks
) -> wire.ReceivedAnswer:
    """Take reports in; whoever may not read them is not told whether any is of a secret here."""
    drafts = [_draft(each) for each in body.reports]
    received = await leaks.report_leaks(world, caller, drafts, Source(body.source))
    shown = None if received.reports is None else tuple(map(leak, received.reports))
    return wire.ReceivedAnswer(received=received.count, reports=shown)


@router.get("")
async def list_leaks(
    world: TheWorld, caller: TheCaller, query: Annotated[wire.LeaksQuery, Query()]
) -> wire.LeaksAnswer:
    """List the newest leak reports, of any state or one, the newest first."""
    state = State(query.state) if query.state else None
    found = await leaks.list_leaks(world, caller, state=state, limit=query.limit)
    return wire.LeaksAnswer(leaks=tuple(map(leak, found)))


@router.get("/{leak_id}")
async def read_leak(world: TheWorld, caller: TheCaller, leak_id: Id) -> wire.LeakAnswer:
    """Read one leak report: which secret it is about, and what has come of it."""
    return wire.LeakAnswer(leak=leak(await leak_closing.read_leak(world, caller, leak_id)))


@router.post("/{leak_id}/end")
async def end_leak(
    world: TheWorld, caller: TheCaller, leak_id: Id, body: wire.EndLeak
) -> wire.LeakAnswer:
    """End a leak report, because its secret was closed by hand or has not leaked."""
    ended = await leaks.end_leak(world, caller, leak_id, body.reason, false_alarm=body.false_alarm)
    return wire.LeakAnswer(leak=leak(ended))


@router.post("/{leak_id}/emergency")
async def close_leak(
    world: TheWorld, caller: TheCaller, leak_id: Id, body: wire.CloseLeak
) -> EmergencyAnswer:
    """Begin the emergency that closes the app of a leak report."""
    closing = LeakClosing(body.reason, body.plan_hash, body.within_seconds, body.revoke_tokens)
    begun = await leak_closing.close_leak(world, caller, leak_id, closing)
    return EmergencyAnswer(emergency=emergency_files.emergency(begun))


def leak(report: LeakReport) -> wire.Leak:
    """Render a leak report."""
    return wire.Leak(
        id=report.id,
        at=report.at,
        source=report.source.value,
        reporter=report.reporter,
        hash=report.hash,
        where=report.seen_in,
        note=report.told,
        state=report.state.value,
        which=report.which.value if report.which else None,
        app=report.app,
        connection_id=report.connection_id,
        app_id=report.app_id,
        client_id=report.client_id,
        rotation_id=report.rotation_id,
        emergency_id=report.emergency_id,
        ended_at=report.ended_at,
        ended_by=report.ended_by,
        ended_why=report.ended_why,
    )


def _draft(body: wire.ReportLeak) -> LeakDraft:
    return LeakDraft(
        value=Sensitive(body.value) if body.value else None,
        hash=body.hash,
        prefix=Sensitive(body.prefix) if body.prefix else None,
        seen_in=body.where,
        told=body.note,
    )


def _parsed(body: bytes) -> list[wire.ScannedToken]:
    """Parse GitHub's message. Raises InvalidInput, which repeats nothing of it."""
    try:
        return _MESSAGE.validate_json(body)
    except ValidationError:
        rule = "must be a JSON array of objects with token, type, url and source"
        raise InvalidInput(FieldProblem(("body",), rule)) from None


def _scanned(one: wire.ScannedToken) -> Scanned:
    return Scanned(Sensitive(one.token), one.type, one.url, one.source)


def _label(verdict: Verdict) -> wire.ScannedLabel:
    return wire.ScannedLabel(
        token_hash=verdict.token_hash,
        token_type=verdict.type,
        label="true_positive" if verdict.known else "false_positive",
    )
