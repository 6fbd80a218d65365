"""What an app has at Okta: looked at, retired or adopted by its owner's word, mended, revealed."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.drift import PROPOSED
from keyturn.domain.errors import CallerError, Forbidden, KeyturnError, NotFound, OktaError, Refused
from keyturn.domain.foreign import Consent
from keyturn.domain.ids import CredentialId
from keyturn.domain.secret import Copy
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.slots import Slot
from keyturn.services.consent import adopt_existing, retire_existing
from keyturn.services.drift import repair_finding
from keyturn.services.generated_credentials import read_generated_credentials
from keyturn.services.rotations import RotationView
from keyturn.services.slots import Slots, read_slots
from keyturn.services.watching import watch_rotation
from keyturn.web.one_rotation import PATH, One, find_one
from keyturn.web.pages.rotation import draw, named
from keyturn.web.problems import status_of
from keyturn.web.proving import prove, unkept, way_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

NOT_THERE: Final = "Okta does not list that one any more: look at what it lists now."
OWN: Final = "It is a credential of Keyturn's own: its value is shown to nobody."


async def show(visit: Visit) -> Response:
    """Show what Okta lists for the app, right now."""
    one, error = await find_one(visit), None
    try:
        found = await _look(visit, one, check_okta=True)
    except OktaError as failed:
        found, error = await _look(visit, one, check_okta=False), failed
    dead = [each for each in found.slots if each.refused] if found.checked_at else []
    return visit.render(
        "rotations/okta.html",
        one=one,
        found=found,
        dead=dead,
        repairs=await _repairs(visit, one) if dead else {},
        picture=draw(one, found.slots, visit.world.clock.now()),
        named=named,
        foreign=[each for each in found.slots if _foreign(each, found)],
        error=one.prose(error.message) if error else "",
    )


async def ask_retire(visit: Visit, error: KeyturnError | None = None) -> Response:
    """Say what the consent to retire a foreign credential leads to."""
    return await _ask(visit, "rotations/retire.html", error)


async def retire(visit: Visit) -> Response:
    """Consent to the retirement of a foreign credential, by its id and the day it was made."""

    async def give(one: One) -> RotationView:
        given = Consent(CredentialId(visit.said("secret")), _day(visit))
        return await retire_existing(visit.world, visit.caller, one.rotation.id, given)

    return await _do(visit, give, ask_retire, "It is retired as every old one is.")


async def ask_adopt(visit: Visit, error: KeyturnError | None = None) -> Response:
    """Say what it leads to that a foreign credential is served."""
    return await _ask(visit, "rotations/adopt.html", error)


async def adopt(visit: Visit) -> Response:
    """Serve a foreign credential from now on."""

    async def give(one: One) -> RotationView:
        value = Sensitive(str(visit.form.get("value", "")).strip())
        return await adopt_existing(
            visit.world,
            visit.caller,
            one.rotation.id,
            secret_id=visit.said("secret"),
            value=value if value.reveal() else None,
        )

    return await _do(visit, give, ask_adopt, "It is served now.")


async def ask_repair(visit: Visit, error: KeyturnError | None = None) -> Response:
    """Say how a finding would be mended."""
    watch = await watch_rotation(visit.world, visit.caller, visit.given("rotation_id"))
    sight = await watch.look(visit.caller)
    finding_id = visit.given("finding_id")
    finding = next((each for each in sight.findings if each.id == finding_id), None)
    if finding is None:
        raise NotFound("There is no such finding, or it is mended already.")
    one = One(visit, sight.of)
    _require_turner(one)
    return visit.render(
        "rotations/repair.html",
        status=status_of(error) if error else 200,
        one=one,
        finding=finding,
        repair=PROPOSED[finding.kind],
        error=one.prose(error.message) if error else "",
    )


async def repair(visit: Visit) -> Response:
    """Mend a finding as proposed."""

    async def give(one: One) -> object:
        return await repair_finding(visit.world, visit.caller, visit.given("finding_id"))

    return await _do(visit, give, ask_repair, "It is mended; Okta is looked at again soon.")


async def ask_reveal(visit: Visit, error: KeyturnError | None = None) -> Response:
    """Ask who it is before values are shown."""
    one = await find_one(visit)
    one.require(Verb.READ_CREDENTIALS)
    if not one.readable:
        raise Forbidden(OWN)
    return visit.render(
        "rotations/reveal.html",
        status=status_of(error) if error else 200,
        one=one,
        way=await way_of(visit),
        error=one.prose(error.message) if error else "",
    )


async def reveal(visit: Visit) -> Response:
    """Show what works at Okta in clear, once, to whoever has just proved who they are."""
    one = await find_one(visit)
    copy = Copy.WITHHELD if visit.said("looking") else Copy.UNSAID
    try:
        await prove(visit)
        found = await read_generated_credentials(
            visit.world, visit.caller, one.rotation.id, copy=copy
        )
    except CallerError as error:
        return await ask_reveal(visit, error)
    served = found.credentials[found.active_index] if found.credentials else None
    return visit.render(
        "rotations/revealed.html", headers=unkept(one.href), one=one, found=found, served=served
    )


async def _repairs(visit: Visit, one: One) -> Mapping[str, str]:
    """Return the pages on which what was found wrong is mended, by the ids at Okta."""
    watch = await watch_rotation(visit.world, visit.caller, one.rotation.id)
    sight = await watch.look(visit.caller)
    return {each.subject: f"{one.href}/findings/{each.id}" for each in sight.findings}


async def _look(visit: Visit, one: One, *, check_okta: bool) -> Slots:
    return await read_slots(visit.world, visit.caller, one.rotation.id, check_okta=check_okta)


async def _ask(visit: Visit, template: str, error: KeyturnError | None) -> Response:
    one = await find_one(visit)
    _require_turner(one)
    secret_id = visit.said("secret") or visit.query.get("secret", "")
    found = await _look(visit, one, check_okta=True)
    slot = next((each for each in found.slots if each.okta_id == secret_id), None)
    if slot is None or not _foreign(slot, found):
        raise Refused(NOT_THERE)
    return visit.render(
        template,
        status=status_of(error) if error else 200,
        one=one,
        slot=slot,
        error=one.prose(error.message) if error else "",
    )


async def _do(
    visit: Visit,
    give: Callable[[One], Awaitable[object]],
    again: Callable[[Visit, KeyturnError], Awaitable[Response]],
    told: str,
) -> Response:
    """Do what was asked about, and show the rotation; what is refused is asked about again."""
    one = await find_one(visit)
    try:
        await give(one)
    except (Forbidden, NotFound):
        raise
    except KeyturnError as error:
        return await again(visit, error)
    return visit.redirect(one.href, told)


def _require_turner(one: One) -> None:
    one.require(Verb.ROTATE)


def _foreign(slot: Slot, found: Slots) -> bool:
    """Say whether its owner may decide about it: nobody here knows it, and it takes room."""
    rules = found.rotation.kind.rules
    return slot.version is None and slot.deletes_at is None and not rules.shared


def _day(visit: Visit) -> date:
    try:
        return date.fromisoformat(visit.said("made"))
    except ValueError:
        raise Refused("Name the day on which it was made, such as 2026-11-21.") from None


ROUTES: Final = (
    page(f"{PATH}/okta", show),
    page(f"{PATH}/retire", ask_retire),
    action(f"{PATH}/retire", retire),
    page(f"{PATH}/adopt", ask_adopt),
    action(f"{PATH}/adopt", adopt),
    page(f"{PATH}/findings/{{finding_id}}", ask_repair),
    action(f"{PATH}/findings/{{finding_id}}", repair),
    page(f"{PATH}/reveal", ask_reveal),
    action(f"{PATH}/reveal", reveal),
)
