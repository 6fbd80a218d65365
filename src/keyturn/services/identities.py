"""Machines that log in, and the tokens that prove them.

Client secrets and tokens are 256 random bits and are kept as SHA-256 hashes only.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from keyturn.domain.access import AccessToken, Caller, Identity, Role
from keyturn.domain.audit import Attempt
from keyturn.domain.errors import Unauthenticated
from keyturn.domain.ids import IdentityId, OrganizationId, ProjectId
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import World, Writing
from keyturn.services.records import must


@dataclass(frozen=True)
class LoggedIn:
    """An access token and the seconds that it lives."""

    access_token: Sensitive
    expires_in_s: int
    max_ttl_s: int


async def log_in(world: World, *, client_id: str, client_secret: Sensitive) -> LoggedIn:
    """Exchange an identity's client id and client secret for an access token (universal auth).

    Raises Unauthenticated without telling which of the two is wrong.
    """
    now, ttl_s = world.clock.now(), world.limits.token_ttl_s
    token = new_token(world, "at")
    async with world.store.writing() as tx:
        identity = await tx.find(Identity, client_id=client_id)
        right = identity is not None and hmac.compare_digest(
            identity.client_secret_hash, token_hash(client_secret)
        )
        actor = identity.id if identity and right else "nobody"
        await tx.append_audit(Attempt(now, actor, "log-in", f"identity {client_id}", right))
        if identity and right:
            await _sweep_expired(tx, identity, now)
            await tx.add(issued(token, identity, now, timedelta(seconds=ttl_s)))
    if not right:
        raise Unauthenticated("The client id or the client secret is wrong.")
    return LoggedIn(token, ttl_s, ttl_s)


async def authenticate(world: World, token: Sensitive) -> Caller:
    """Return whom an access token proves. Raises Unauthenticated for a wrong or expired one."""
    async with world.store.reading() as tx:
        found = await tx.find(AccessToken, hash=token_hash(token))
        if found is None or found.expires_at <= world.clock.now():
            raise Unauthenticated
        identity = await must(tx.find(Identity, id=found.identity_id))
    return Caller(
        id=identity.id,
        name=identity.name,
        role=identity.role,
        organization_id=identity.organization_id,
        project_id=identity.project_id,
    )


async def _sweep_expired(tx: Writing, identity: Identity, now: datetime) -> None:
    tokens = await tx.list(AccessToken, identity_id=identity.id)
    await tx.remove(*(token for token in tokens if token.expires_at <= now))


def new_identity(
    world: World, name: str, organization_id: OrganizationId, project_id: ProjectId | None
) -> tuple[Identity, Sensitive]:
    """Make an identity and the client secret that only its owner will know."""
    client_secret = new_token(world, "cs")
    identity = Identity(
        id=IdentityId(world.chance.uuid()),
        organization_id=organization_id,
        project_id=project_id,
        name=name,
        role=Role.ADMIN,
        client_id=world.chance.uuid(),
        client_secret_hash=token_hash(client_secret),
        created_at=world.clock.now(),
    )
    return identity, client_secret


def issued(token: Sensitive, identity: Identity, now: datetime, ttl: timedelta) -> AccessToken:
    """Return the record of a token that proves an identity."""
    return AccessToken(token_hash(token), identity.id, now, now + ttl)


def new_token(world: World, kind: str) -> Sensitive:
    """Make 256 random bits that a leak scanner recognises by their prefix."""
    random = base64.urlsafe_b64encode(world.chance.random_bytes(32)).rstrip(b"=").decode()
    return Sensitive(f"kt_{kind}_{random}")


def token_hash(token: Sensitive) -> bytes:
    """Hash a token of 256 random bits; a slow hash would add nothing."""
    return hashlib.sha256(token.reveal().encode()).digest()
