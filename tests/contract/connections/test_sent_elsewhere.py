"""Nobody has what others keep sent to an address of their own."""

from dataclasses import replace

import pytest
from connections_kit import CLIENT, DOCUMENT, DRAFT, SECRET, authorized, registered, servers
from rig import PLACE, Rig

from keyturn.domain.access import Caller, Grant, Holding, Role, Verb
from keyturn.domain.errors import Forbidden, Refused
from keyturn.domain.oauth.connection import GrantType
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.project import Project
from keyturn.domain.sensitive import Sensitive
from keyturn.services.grants import ConnectionDraft
from keyturn.services.oauth_connections import create_connection
from keyturn.services.registrations import (
    Credential,
    RegistrationChange,
    create_registration,
    update_registration,
)
from keyturn.services.secret_changes import create_secret

PROD = replace(PLACE, environment="prod")
THEIRS = {"token": "https://evil.example/token"}


async def confined(rig: Rig, *verbs: Verb) -> Caller:
    """Return somebody who may do this much in the environment dev alone."""
    async with rig.world.store.reading() as tx:
        (project,) = await tx.list(Project)
    role = Role("some", "Some", (Grant(frozenset(verbs), environments=("dev",)),))
    return replace(rig.admin, holdings=(Holding(role, project.id),))


async def test_a_reference_leads_where_its_writer_may_read_alone(rig: Rig) -> None:
    """What an extra refers to is sent to the server: whoever writes it must be let read it."""
    await create_secret(rig.world, rig.admin, PROD, "DB", Sensitive("canary-prod"))
    caller = await confined(rig, Verb.EDIT_GRANTS, Verb.READ_SECRETS)
    extra = {"in": "form", "name": "x", "value": "${prod.DB}"}
    draft = replace(DRAFT, provider={"endpoints": THEIRS, "extras": [extra]})
    with pytest.raises(Forbidden, match="by reference"):
        await create_registration(rig.world, caller, draft)
    async with rig.world.store.reading() as tx:
        assert not await tx.list(ClientRegistration)
    assert servers(rig).used_secrets == []
    servers(rig).secrets[CLIENT] = {SECRET}
    made = await create_registration(rig.world, caller, DRAFT)
    change = RegistrationChange(
        provider={**DOCUMENT, "extras": [extra]}, credential=Credential(CLIENT, Sensitive(SECRET))
    )
    with pytest.raises(Forbidden, match="by reference"):
        await update_registration(rig.world, caller, made.registration.id, change)
    await update_registration(rig.world, rig.admin, made.registration.id, change)


async def test_what_connections_hold_goes_to_no_other_host(rig: Rig) -> None:
    """Refresh tokens and passwords stay with the server that they are of."""
    await authorized(rig)
    change = RegistrationChange(
        provider={"endpoints": THEIRS}, credential=Credential(CLIENT, Sensitive(SECRET))
    )
    before = await registered(rig)
    with pytest.raises(Refused, match="another host"):
        await update_registration(rig.world, rig.admin, before.id, change)
    assert (await registered(rig)).provider == before.provider


async def test_a_token_is_exchanged_by_those_who_may_use_it(rig: Rig) -> None:
    """The source's token is sent to the registration's server, as if it had been asked for."""
    source = await authorized(rig)
    caller = await confined(rig, Verb.EDIT_GRANTS, Verb.READ_SECRETS, Verb.READ_GRANTS)
    draft = ConnectionDraft(
        "x", (await registered(rig)).id, GrantType.EXCHANGE, (), source=source.id
    )
    with pytest.raises(Forbidden):
        await create_connection(rig.world, caller, draft)
