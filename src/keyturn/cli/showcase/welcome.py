"""How whoever starts a showcase gets in: as a person in a browser, by a token in a terminal.

Both are made anew at each start: of what was told before, only hashes are kept.
"""

import base64
from dataclasses import dataclass, field, replace
from typing import Final

from keyturn.domain.access import ADMIN, Caller
from keyturn.domain.identity import Identity, TokenRules
from keyturn.domain.person import Password
from keyturn.domain.sensitive import Sensitive
from keyturn.services.identities import caller_of
from keyturn.services.people import create_person, set_password
from keyturn.services.ports import World
from keyturn.services.records import must
from keyturn.services.token_auth import create_token, list_tokens, revoke_token

EMAIL: Final = "admin@acme.example"
TOKEN: Final = "showcase"
PASSWORD_BYTES: Final = 10


@dataclass(frozen=True)
class LogIn:
    """What a person types, and the access token that commands use."""

    email: str
    password: Sensitive = field(repr=False)
    token: Sensitive = field(repr=False)


async def administrator(world: World) -> Caller:
    """Return the identity that the installation was set up with, as a caller."""
    async with world.store.reading() as tx:
        return await caller_of(tx, await must(tx.find(Identity, name="administrator")))


async def welcome(world: World) -> LogIn:
    """Let a person and commands in, who may do everything."""
    admin, password = await administrator(world), _new_password(world)
    async with world.store.reading() as tx:
        person = await tx.find(Identity, name=EMAIL)
    if person:
        await set_password(world, admin, person.id, password)
    else:
        await create_person(world, admin, EMAIL, password, role=ADMIN.slug)
    await _backdate(world)
    for token in await list_tokens(world, admin, admin.id):
        if token.name == TOKEN:
            await revoke_token(world, admin, token.id)
    _, value = await create_token(world, admin, admin.id, TOKEN, TokenRules())
    return LogIn(EMAIL, password, value)


async def _backdate(world: World) -> None:
    """Have the password count as one that was there before everything on the stage.

    A younger one approves no rollout: who has started that may have set it.
    """
    async with world.store.writing() as tx:
        record = await must(tx.find(Password, email=EMAIL))
        first = min(each.created_at for each in await tx.list(Identity))
        await tx.replace(replace(record, changed_at=first))


def _new_password(world: World) -> Sensitive:
    text = base64.b32encode(world.chance.random_bytes(PASSWORD_BYTES)).decode().lower()
    return Sensitive("-".join(text[n : n + 4] for n in range(0, len(text), 4)))
