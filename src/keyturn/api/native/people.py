"""People: accounts of this installation's own, and how they log in."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from keyturn.api.authn import TheCaller, TheWorld, address_of
from keyturn.api.description import COUNTS_ATTEMPTS
from keyturn.api.infisical import identities
from keyturn.api.infisical.login import body_of, read_body, shown
from keyturn.api.lenient import LenientRoute
from keyturn.domain.sensitive import Sensitive
from keyturn.services import people
from keyturn.wire.base import TEXT_MAX
from keyturn.wire.identities import IdentityAnswer
from keyturn.wire.login import LoggedIn
from keyturn.wire.people import (
    ChangePassword,
    CreatePerson,
    PasswordAnswer,
    PersonLogin,
    SetPassword,
)

router = APIRouter(prefix="/api/v1", tags=["People"], route_class=LenientRoute)

Named = Annotated[str, Path(max_length=TEXT_MAX)]


@router.post(
    "/auth/login",
    openapi_extra=body_of(PersonLogin),
    responses=COUNTS_ATTEMPTS,
    tags=["Login"],
)
async def log_in_person(request: Request, world: TheWorld) -> LoggedIn:
    """Exchange an e-mail address and a password for an access token."""
    asked = await read_body(request, PersonLogin)
    password, address = Sensitive(asked.password), address_of(request)
    return shown(await people.log_in_person(world, asked.email, password, address=address))


@router.post("/auth/password", responses=COUNTS_ATTEMPTS)
async def change_own_password(
    world: TheWorld, caller: TheCaller, body: ChangePassword
) -> PasswordAnswer:
    """Change one's own password; every log-in by it ends."""
    old, new = Sensitive(body.old_password), Sensitive(body.new_password)
    await people.change_own_password(world, caller, old=old, new=new)
    return PasswordAnswer()


@router.post("/people", responses=COUNTS_ATTEMPTS)
async def create_person(world: TheWorld, caller: TheCaller, body: CreatePerson) -> IdentityAnswer:
    """Create a person, whose identity is called by the e-mail address."""
    password = Sensitive(body.password)
    made = await people.create_person(world, caller, body.email, password, role=body.role)
    return IdentityAnswer(identity=identities.shown(made))


@router.put("/people/{identity_id}/password", responses=COUNTS_ATTEMPTS)
async def set_password(
    world: TheWorld, caller: TheCaller, identity_id: Named, body: SetPassword
) -> PasswordAnswer:
    """Set a person's password anew; whoever was logged in by it is no longer."""
    await people.set_password(world, caller, identity_id, Sensitive(body.password))
    return PasswordAnswer()
