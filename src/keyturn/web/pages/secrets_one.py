"""One secret: what is known of it, and its value where somebody proves that they may see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from keyturn.domain.access import Target, Verb
from keyturn.domain.destination import Destination
from keyturn.domain.errors import CallerError, KeyturnError, NotFound
from keyturn.domain.secret import Copy
from keyturn.services import gate
from keyturn.services.destinations import list_destinations
from keyturn.services.readers import HeldView, acknowledge, list_held
from keyturn.services.rotations import RotationView, read_rotation
from keyturn.services.secrets import ReadSecret, Wish, list_versions, read_secret_by_id
from keyturn.web.problems import status_of
from keyturn.web.proving import prove, unkept, way_of
from keyturn.web.routing import action, page
from keyturn.web.spots import PAGE, Spot, spot_at
from keyturn.web.visiting import Visit

VERSIONS: Final = 50
"""How many versions a page shows."""
UNSHOWN: Final = Wish(shown=False, imports=False)
ONE: Final = f"{PAGE}/{{secret_id}}"


@dataclass(frozen=True)
class Shown:
    """A secret without its value, and the folder that it is in."""

    spot: Spot
    read: ReadSecret

    @property
    def name(self) -> str:
        """Return what it is called."""
        return self.read.secret.name

    @property
    def href(self) -> str:
        """Return the address of its page."""
        return f"{PAGE}/{self.read.secret.id}"


async def find_shown(visit: Visit) -> Shown:
    """Return the secret that the path names. Raises NotFound, Forbidden."""
    secret_id = visit.given("secret_id")
    read = await read_secret_by_id(visit.world, visit.caller, secret_id, wish=UNSHOWN)
    return Shown(spot_at(visit, read.place), read)


async def show(visit: Visit) -> Response:
    """Show what is known of a secret."""
    one = await find_shown(visit)
    world, caller, secret = visit.world, visit.caller, one.read.secret
    versions = await list_versions(world, caller, secret.id, limit=VERSIONS, shown=False)
    return visit.render(
        "secrets/show.html",
        one=one,
        secret=secret,
        versions=versions,
        rotation=await _rotation(visit, one),
        most=VERSIONS,
        held=await _held(visit, one),
        destinations=await _destinations(visit, one),
        audited=_audited(visit, one),
    )


async def show_reveal(visit: Visit) -> Response:
    """Ask who it is before a value is shown."""
    return await _asked(visit, await find_shown(visit))


async def reveal(visit: Visit) -> Response:
    """Show one value, on record as a read, on a page that is neither kept nor compressed."""
    one = await find_shown(visit)
    try:
        await prove(visit)
    except CallerError as error:
        return await _asked(visit, one, error)
    read = await _revealed(visit, one)
    return visit.render(
        "secrets/revealed.html",
        headers=unkept(one.href),
        one=one,
        version=read.version,
        value=read.value.reveal(),
        noted=read.secret.rotation_id is not None and not visit.said("looking"),
    )


async def release(visit: Visit) -> Response:
    """Say that whoever is logged in holds no older version any more."""
    one = await find_shown(visit)
    number = one.read.version.number
    await acknowledge(visit.world, visit.caller, one.spot.where, one.name, number)
    return visit.redirect(one.href, "No turn waits for you any more.")


async def _revealed(visit: Visit, one: Shown) -> ReadSecret:
    """Read the value; who says that they only look holds nothing by it."""
    copy = Copy.WITHHELD if visit.said("looking") else Copy.UNSAID
    wish = Wish(imports=False, expanded=bool(visit.said("expanded")), copy_of=lambda _: copy)
    secret_id, number = one.read.secret.id, _version(visit)
    return await read_secret_by_id(visit.world, visit.caller, secret_id, version=number, wish=wish)


async def _asked(visit: Visit, one: Shown, error: KeyturnError | None = None) -> Response:
    one.spot.require(Verb.READ_SECRETS)
    number = _version(visit) or one.read.version.number
    return visit.render(
        "secrets/reveal.html",
        status=status_of(error) if error else 200,
        one=one,
        number=number,
        way=await way_of(visit),
        error=error.message if error else "",
    )


def _version(visit: Visit) -> int | None:
    """Return the number of the version that is asked for; None for the current one."""
    told = visit.said("version") or visit.query.get("version", "")
    if not told:
        return None
    if not (told.isascii() and told.isdigit() and len(told) < 10):
        raise NotFound("There is no such version.")
    return int(told)


def _audited(visit: Visit, one: Shown) -> str:
    """Return where its reads are in the audit log, for whoever may read that.

    Readers name the project by its slug or its id, so the subject is looked for without it.
    """
    if not gate.may(visit.caller, Verb.READ_AUDIT, Target()):
        return ""
    where = one.spot.where
    subject = f"/{where.environment}{where.path}:{one.name}"
    return f"/audit?{urlencode({'verb': Verb.READ_SECRETS, 'subject': subject})}"


async def _rotation(visit: Visit, one: Shown) -> RotationView | None:
    rotation_id = one.read.secret.rotation_id
    if rotation_id is None or not one.spot.may(Verb.READ_ROTATIONS):
        return None
    return await read_rotation(visit.world, visit.caller, rotation_id)


async def _held(visit: Visit, one: Shown) -> HeldView | None:
    """Return who holds which version; only reads of what a rotation keeps are noted."""
    if one.read.secret.rotation_id is None or not one.spot.may(Verb.READ_ROTATIONS):
        return None
    return await list_held(visit.world, visit.caller, one.spot.where, one.name)


async def _destinations(visit: Visit, one: Shown) -> Sequence[Destination]:
    if not one.spot.may(Verb.READ_DESTINATIONS):
        return ()
    project = one.spot.where.project
    every = await list_destinations(visit.world, visit.caller, project=project)
    folder_id = one.read.place.folder.id
    here = [each.destination for each in every if each.place.folder.id == folder_id]
    return [each for each in here if each.covers(one.name)]


ROUTES: Final = (
    page(ONE, show),
    page(f"{ONE}/reveal", show_reveal),
    action(f"{ONE}/reveal", reveal),
    action(f"{ONE}/release", release),
)
