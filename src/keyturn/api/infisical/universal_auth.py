"""The rules by which identities log in, and their client secrets."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.infisical.tokens import networks, token_rules, told_rules, trusted_ips
from keyturn.api.lenient import LenientRoute
from keyturn.domain import identity as domain
from keyturn.domain.identity import Lockout
from keyturn.services import universal_auth
from keyturn.services.universal_auth import Rules
from keyturn.wire import identities as wire
from keyturn.wire.base import TEXT_MAX

router = APIRouter(
    prefix="/api/v1/auth/universal-auth/identities/{identity_id}",
    tags=["Identities"],
    route_class=LenientRoute,
)

Named = Annotated[str, Path(max_length=TEXT_MAX)]


@router.post("")
async def configure_universal_auth(
    world: TheWorld, caller: TheCaller, identity_id: Named, body: wire.ConfigureUniversalAuth
) -> wire.UniversalAuthAnswer:
    """Let an identity log in by client secrets, under these rules; its client id stays."""
    made = await universal_auth.configure_universal_auth(world, caller, identity_id, _rules(body))
    return _shown(world, made)


@router.get("")
async def read_universal_auth(
    world: TheWorld, caller: TheCaller, identity_id: Named
) -> wire.UniversalAuthAnswer:
    """Read the client id of an identity, and the rules by which it logs in."""
    found = await universal_auth.read_universal_auth(world, caller, identity_id)
    return _shown(world, found)


@router.patch("")
async def update_universal_auth(
    world: TheWorld, caller: TheCaller, identity_id: Named, body: wire.ConfigureUniversalAuth
) -> wire.UniversalAuthAnswer:
    """Change the rules by which an identity logs in; what the body leaves out stays as it is."""
    before = await universal_auth.read_universal_auth(world, caller, identity_id)
    rules = _rules(_asked(before).model_copy(update=_given(body)))
    after = await universal_auth.configure_universal_auth(world, caller, identity_id, rules)
    return _shown(world, after)


@router.delete("")
async def remove_universal_auth(
    world: TheWorld, caller: TheCaller, identity_id: Named
) -> wire.UniversalAuthAnswer:
    """End log-ins by client secrets: they go, and the tokens that came of them."""
    gone = await universal_auth.remove_universal_auth(world, caller, identity_id)
    return _shown(world, gone)


@router.post("/clear-lockouts")
async def clear_lockouts(
    world: TheWorld, caller: TheCaller, identity_id: Named
) -> wire.ClearedAnswer:
    """Let an identity that is locked out try again at once."""
    return wire.ClearedAnswer(
        deleted=await universal_auth.clear_lockout(world, caller, identity_id)
    )


@router.post("/client-secrets")
async def create_client_secret(
    world: TheWorld, caller: TheCaller, identity_id: Named, body: wire.CreateClientSecret
) -> wire.NewClientSecretAnswer:
    """Make a client secret; its value is told this once."""
    record, value = await universal_auth.create_client_secret(
        world,
        caller,
        identity_id,
        description=body.description,
        ttl_s=body.ttl,
        uses_max=body.num_uses_limit,
    )
    return wire.NewClientSecretAnswer(
        client_secret=value.reveal(), client_secret_data=_secret(record)
    )


@router.get("/client-secrets")
async def list_client_secrets(
    world: TheWorld, caller: TheCaller, identity_id: Named
) -> wire.ClientSecretsAnswer:
    """List the client secrets of an identity, without their values."""
    found = await universal_auth.list_client_secrets(world, caller, identity_id)
    return wire.ClientSecretsAnswer(client_secret_data=tuple(map(_secret, found)))


@router.get("/client-secrets/{client_secret_id}")
async def read_client_secret(
    world: TheWorld, caller: TheCaller, identity_id: Named, client_secret_id: Named
) -> wire.ClientSecretAnswer:
    """Read what is known of a client secret, its value aside."""
    found = await universal_auth.read_client_secret(world, caller, identity_id, client_secret_id)
    return wire.ClientSecretAnswer(client_secret_data=_secret(found))


@router.post("/client-secrets/{client_secret_id}/revoke")
async def revoke_client_secret(
    world: TheWorld, caller: TheCaller, identity_id: Named, client_secret_id: Named
) -> wire.ClientSecretAnswer:
    """End a client secret, and every token that came of it."""
    gone = await universal_auth.revoke_client_secret(world, caller, identity_id, client_secret_id)
    return wire.ClientSecretAnswer(client_secret_data=_secret(gone))


@router.delete("/client-secrets/{client_secret_id}")
async def delete_client_secret(
    world: TheWorld, caller: TheCaller, identity_id: Named, client_secret_id: Named
) -> wire.ClientSecretAnswer:
    """Revoke a client secret and forget it."""
    gone = await universal_auth.delete_client_secret(world, caller, identity_id, client_secret_id)
    return wire.ClientSecretAnswer(client_secret_data=_secret(replace(gone, revoked=True)))


def _rules(body: wire.ConfigureUniversalAuth) -> Rules:
    return Rules(
        tokens=token_rules(body),
        trusted=networks(body.client_secret_trusted_ips),
        lockout=Lockout(
            body.lockout_threshold if body.lockout_enabled else 0,
            body.lockout_duration_seconds,
            body.lockout_counter_reset_seconds,
        ),
    )


def _given(body: wire.ConfigureUniversalAuth) -> dict[str, object]:
    return {name: getattr(body, name) for name in body.model_fields_set}


def _asked(auth: domain.UniversalAuth) -> wire.ConfigureUniversalAuth:
    """Return the rules as somebody would have asked for them."""
    lockout = auth.lockout
    return wire.ConfigureUniversalAuth(
        **told_rules(auth.tokens),
        client_secret_trusted_ips=trusted_ips(auth.trusted),
        lockout_enabled=lockout.after > 0,
        lockout_threshold=lockout.after or Lockout().after,
        lockout_duration_seconds=lockout.lasts_s,
        lockout_counter_reset_seconds=lockout.forgets_s,
    )


def _shown(world: TheWorld, auth: domain.UniversalAuth) -> wire.UniversalAuthAnswer:
    told = wire.UniversalAuth(
        **_asked(auth).model_dump(by_alias=False),
        id=auth.client_id,
        identity_id=auth.identity_id,
        client_id=auth.client_id,
        created_at=auth.created_at,
        updated_at=auth.created_at,
        locked_until=auth.locked_until(world.clock.now()),
    )
    return wire.UniversalAuthAnswer(identity_universal_auth=told)


def _secret(record: domain.ClientSecret) -> wire.ClientSecret:
    lives = (record.expires_at - record.created_at).total_seconds() if record.expires_at else 0
    return wire.ClientSecret(
        id=record.id,
        description=record.description,
        client_secret_prefix=record.prefix,
        client_secret_num_uses=record.uses,
        client_secret_num_uses_limit=record.uses_max,
        client_secret_ttl=int(lives),
        is_client_secret_revoked=record.revoked,
        created_at=record.created_at,
        updated_at=record.used_at or record.created_at,
        expires_at=record.expires_at,
        last_used_at=record.used_at,
    )
