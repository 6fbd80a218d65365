"""Tokens that are made for an identity by hand, and every token that it has (token auth)."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.lenient import LenientRoute
from keyturn.domain import identity as domain
from keyturn.services import token_auth
from keyturn.wire import identities as wire
from keyturn.wire.base import TEXT_MAX

router = APIRouter(prefix="/api/v1/auth/token-auth", tags=["Identities"], route_class=LenientRoute)

Named = Annotated[str, Path(max_length=TEXT_MAX)]
EVERYWHERE = ("0.0.0.0/0", "::/0")


@router.post("/identities/{identity_id}/tokens")
async def create_token(
    world: TheWorld, caller: TheCaller, identity_id: Named, body: wire.CreateToken
) -> wire.NewTokenAnswer:
    """Make a token for an identity; its value is told this once."""
    token, value = await token_auth.create_token(
        world, caller, identity_id, body.name, token_rules(body)
    )
    return wire.NewTokenAnswer(
        access_token=value.reveal(),
        expires_in=token.ttl_s,
        access_token_max_ttl=body.access_token_max_ttl,
        token_data=_shown(token),
    )


@router.get("/identities/{identity_id}/tokens")
async def list_tokens(world: TheWorld, caller: TheCaller, identity_id: Named) -> wire.TokensAnswer:
    """List the tokens of an identity, made by hand or by logging in, without their values."""
    found = await token_auth.list_tokens(world, caller, identity_id)
    return wire.TokensAnswer(tokens=tuple(map(_shown, found)))


@router.post("/tokens/{token_id}/revoke")
async def revoke_token_by_id(
    world: TheWorld, caller: TheCaller, token_id: Named
) -> wire.TokenAnswer:
    """End a token by its id."""
    return wire.TokenAnswer(token=_shown(await token_auth.revoke_token(world, caller, token_id)))


def token_rules(body: wire.TokenRules) -> domain.TokenRules:
    """Return rules for tokens as the domain has them."""
    return domain.TokenRules(
        body.access_token_ttl,
        body.access_token_max_ttl,
        body.access_token_num_uses_limit,
        networks(body.access_token_trusted_ips),
    )


def told_rules(rules: domain.TokenRules) -> dict[str, Any]:
    """Return rules for tokens as the wire has them, field by field."""
    return {
        "access_token_ttl": rules.ttl_s,
        "access_token_max_ttl": rules.max_ttl_s,
        "access_token_num_uses_limit": rules.uses,
        "access_token_trusted_ips": trusted_ips(rules.trusted),
    }


def networks(trusted: Sequence[wire.TrustedIp]) -> tuple[str, ...]:
    """Return networks as plain texts."""
    return tuple(each.ip_address for each in trusted)


def trusted_ips(texts: Sequence[str]) -> tuple[wire.TrustedIp, ...]:
    """Render networks; none at all is everywhere."""
    return tuple(wire.TrustedIp(ip_address=each) for each in texts or EVERYWHERE)


def _shown(token: domain.AccessToken) -> wire.Token:
    return wire.Token(
        id=token.id,
        name=token.name,
        identity_id=token.identity_id,
        auth_method=token.method.value,
        access_token_num_uses=token.uses,
        access_token_num_uses_limit=token.uses_max,
        access_token_trusted_ips=trusted_ips(token.trusted),
        created_at=token.created_at,
        expires_at=token.expires_at,
        renewable_until=token.renewable_until,
    )
