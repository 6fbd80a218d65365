"""Log-in of workloads by JWTs of their platform: OIDC auth and JWT auth."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from keyturn.api.authn import TheCaller, TheWorld, address_of
from keyturn.api.description import ASKS_AN_ISSUER
from keyturn.api.infisical.login import body_of, read_body, shown
from keyturn.api.infisical.tokens import token_rules, told_rules
from keyturn.api.lenient import LenientRoute
from keyturn.domain import jwt_auth as domain
from keyturn.domain.identity import AuthMethod
from keyturn.domain.jwt_auth import KeySource
from keyturn.domain.sensitive import Sensitive
from keyturn.services import jwt_auth
from keyturn.services.jwt_auth import JwtRules
from keyturn.wire import jwt_auth as wire
from keyturn.wire.base import TEXT_MAX
from keyturn.wire.login import LoggedIn

router = APIRouter(prefix="/api/v1/auth", tags=["Identities"], route_class=LenientRoute)

OIDC = "/oidc-auth/identities/{identity_id}"
JWT = "/jwt-auth/identities/{identity_id}"

Named = Annotated[str, Path(max_length=TEXT_MAX)]


@router.post(
    "/oidc-auth/login",
    openapi_extra=body_of(wire.JwtLogin),
    responses=ASKS_AN_ISSUER,
    tags=["Login"],
)
async def log_in_by_oidc(request: Request, world: TheWorld) -> LoggedIn:
    """Exchange a JWT of an issuer with OpenID Connect Discovery for an access token."""
    return await _log_in(request, world, AuthMethod.OIDC)


@router.post(
    "/jwt-auth/login",
    openapi_extra=body_of(wire.JwtLogin),
    responses=ASKS_AN_ISSUER,
    tags=["Login"],
)
async def log_in_by_jwt(request: Request, world: TheWorld) -> LoggedIn:
    """Exchange a JWT, proved by keys at an address or by given ones, for an access token."""
    return await _log_in(request, world, AuthMethod.JWT)


@router.post(OIDC)
@router.patch(OIDC, name="update_oidc_auth")
async def configure_oidc_auth(
    world: TheWorld, caller: TheCaller, identity_id: Named, body: wire.ConfigureOidcAuth
) -> wire.OidcAuthAnswer:
    """Let an identity log in by these JWTs; all that was asked of them before is replaced."""
    issuer = body.bound_issuer or body.oidc_discovery_url.rstrip("/")
    keys = KeySource(issuer, discovery_url=body.oidc_discovery_url)
    rules = _rules(AuthMethod.OIDC, keys, body)
    return _oidc(await jwt_auth.configure_jwt_auth(world, caller, identity_id, rules))


@router.get(OIDC)
async def read_oidc_auth(
    world: TheWorld, caller: TheCaller, identity_id: Named
) -> wire.OidcAuthAnswer:
    """Read by which JWTs an identity logs in."""
    return _oidc(await jwt_auth.read_jwt_auth(world, caller, identity_id, AuthMethod.OIDC))


@router.delete(OIDC)
async def remove_oidc_auth(
    world: TheWorld, caller: TheCaller, identity_id: Named
) -> wire.OidcAuthAnswer:
    """End log-ins by JWTs, and the tokens that came of them."""
    return _oidc(await jwt_auth.remove_jwt_auth(world, caller, identity_id, AuthMethod.OIDC))


@router.post(JWT)
@router.patch(JWT, name="update_jwt_auth")
async def configure_jwt_auth(
    world: TheWorld, caller: TheCaller, identity_id: Named, body: wire.ConfigureJwtAuth
) -> wire.JwtAuthAnswer:
    """Let an identity log in by these JWTs; all that was asked of them before is replaced."""
    keys = KeySource(body.bound_issuer, jwks_url=body.jwks_url, public_keys=body.public_keys)
    rules = _rules(AuthMethod.JWT, keys, body)
    return _jwt(await jwt_auth.configure_jwt_auth(world, caller, identity_id, rules))


@router.get(JWT)
async def read_jwt_auth(
    world: TheWorld, caller: TheCaller, identity_id: Named
) -> wire.JwtAuthAnswer:
    """Read by which JWTs an identity logs in."""
    return _jwt(await jwt_auth.read_jwt_auth(world, caller, identity_id, AuthMethod.JWT))


@router.delete(JWT)
async def remove_jwt_auth(
    world: TheWorld, caller: TheCaller, identity_id: Named
) -> wire.JwtAuthAnswer:
    """End log-ins by JWTs, and the tokens that came of them."""
    return _jwt(await jwt_auth.remove_jwt_auth(world, caller, identity_id, AuthMethod.JWT))


async def _log_in(request: Request, world: TheWorld, method: AuthMethod) -> LoggedIn:
    asked = await read_body(request, wire.JwtLogin)
    jwt, address = Sensitive(asked.jwt), address_of(request)
    granted = await jwt_auth.log_in_by_jwt(world, method, asked.identity_id, jwt, address=address)
    return shown(granted)


def _rules(method: AuthMethod, keys: KeySource, body: wire.Bound) -> JwtRules:
    return JwtRules(
        method=method,
        keys=keys,
        audiences=body.bound_audiences,
        subject=body.bound_subject,
        claims=tuple(
            text
            for claim, allowed in body.bound_claims.items()
            for value in allowed
            for text in (claim, value)
        ),
        tokens=token_rules(body),
    )


def _rendered(auth: domain.JwtAuth) -> dict[str, Any]:
    """Return what both kinds tell."""
    bound = wire.Bound(
        **told_rules(auth.tokens),
        bound_issuer=auth.keys.issuer,
        bound_audiences=auth.audiences,
        bound_subject=auth.subject,
        bound_claims={claim: tuple(allowed) for claim, allowed in auth.table.items()},
    )
    made = {"created_at": auth.created_at, "updated_at": auth.created_at}
    return bound.model_dump(by_alias=False) | {"identity_id": auth.identity_id, **made}


def _oidc(auth: domain.JwtAuth) -> wire.OidcAuthAnswer:
    told = wire.OidcAuth(**_rendered(auth), oidc_discovery_url=auth.keys.discovery_url)
    return wire.OidcAuthAnswer(identity_oidc_auth=told)


def _jwt(auth: domain.JwtAuth) -> wire.JwtAuthAnswer:
    told = wire.JwtAuth(
        **_rendered(auth),
        configuration_type="static" if auth.keys.public_keys else "jwks",
        jwks_url=auth.keys.jwks_url,
        public_keys=auth.keys.public_keys,
    )
    return wire.JwtAuthAnswer(identity_jwt_auth=told)
