"""Who calls the management API: SSWS tokens and access tokens, and what they may do."""

import re
from dataclasses import replace
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

from keyturn.sandbox import errors, refusals
from keyturn.sandbox.errors import OktaError
from keyturn.sandbox.http import Header, Request
from keyturn.sandbox.oauth import dpop
from keyturn.sandbox.routing import Principal
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.tokens import AccessToken

SUPER_ADMIN = "SUPER_ADMIN"
# Okta takes the token glued to its scheme as well; its own Python SDK sends it so.
AUTHORIZATION = re.compile(r"(SSWS|Bearer|DPoP)\s*(\S+)", re.IGNORECASE)
ME, SELF = "/api/v1/users/me", "okta.users.read.self"
SESSION_COOKIE = "sid"
APPS, CUSTOM_SERVERS = "/api/v1/apps", "/api/v1/authorizationServers"
ANY_JSON = ("*/*", "application/*", "application/json")
SHUT_OUT = ("DEPROVISIONED", "SUSPENDED")


def identify(org: Org, request: Request) -> Principal:
    """Return who calls; OktaError for a token that is not good, OAuthError for a wrong proof.

    What may be used once is used, and using an API token is what keeps it alive.
    """
    principal = recognise(org, request)
    found = AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if found is None:
        return principal
    scheme, value = found[1].lower(), found[2]
    token = org.tokens.find_access(value)
    if scheme == "ssws":
        org.api_tokens[value] = replace(org.api_tokens[value], used_at=org.now())
    elif token is not None:
        dpop.check_resource_request(org, request, token, scheme)
    return principal


def recognise(org: Org, request: Request) -> Principal:
    """Return whose good token a request carries, and change nothing; OktaError for another."""
    authorization = request.headers.get("authorization", "")
    if not authorization and request.path == ME:
        return _identify_browser(org, request)
    found = AUTHORIZATION.fullmatch(authorization)
    if found is None:
        raise errors.invalid_token()
    scheme, token = found[1].lower(), found[2]
    if scheme == "ssws":
        return _identify_api_token(org, token)
    return _identify_client(org, request, token)


def _identify_api_token(org: Org, value: str) -> Principal:
    """Return the principal that an API token is by itself."""
    token = org.api_tokens.get(value)
    if token is None or token.expired(org.now()):
        raise errors.invalid_token()
    return Principal(token.principal, None, user_id=token.user_id)


def _identify_browser(org: Org, request: Request) -> Principal:
    """Return the person of a browser's session, who may ask who they are and nothing else."""
    try:
        cookie = SimpleCookie(request.headers.get("cookie", "")).get(SESSION_COOKIE)
    except CookieError:
        cookie = None
    if cookie is None:
        raise errors.invalid_token()
    session = org.sessions.find(cookie.value, org.now())
    if session is None or _is_shut_out(org, session.user_id):
        raise refusals.invalid_session()
    return Principal(f"user:{session.user_id}", frozenset({SELF}), user_id=session.user_id)


def _identify_client(org: Org, request: Request, value: str) -> Principal:
    token = org.tokens.find_access(value)
    fault = "The access token is invalid." if token is None else _find_fault(org, token)
    if token is None or fault is not None:
        challenge = scope_header(request, "", error="invalid_token", description=fault or "")
        raise errors.invalid_token((challenge,))
    return Principal(
        f"client:{token.client_id}",
        frozenset(token.scopes),
        user_id=token.user_id,
        client_id=token.client_id,
    )


def _find_fault(org: Org, token: AccessToken) -> str | None:
    if token.server is not None:
        return "The access token provided is not intended for Okta."
    if org.now() >= token.expires_at and not org.tokens.revoked(token):
        return "The token has expired."
    return None if is_good(org, token) else "The access token has been revoked."


def is_good(org: Org, token: AccessToken) -> bool:
    """Tell whether an access token is worth anything: it, its client and its person are there."""
    app = org.find_client(token.client_id)
    lives = org.now() < token.expires_at and not org.tokens.revoked(token)
    known = token.user_id is None or not _is_shut_out(org, token.user_id)
    return lives and known and app is not None and app.status == "ACTIVE"


def _is_shut_out(org: Org, user_id: str) -> bool:
    user = org.users.get(user_id)
    return user is None or user.status in SHUT_OUT


def permit(org: Org, request: Request, principal: Principal, scope: str) -> None:
    """Raise the OktaError of a caller that lacks the scope or an admin role, or of a bad day.

    An API token can do what the person who made it can do now.
    """
    if principal.scopes is None:
        owner = org.users.get(principal.user_id or "")
        if owner is None or not owner.admin or owner.status != "ACTIVE":
            raise errors.role_missing()
    elif scope not in principal.scopes:
        raise errors.ScopeMissing(scope_header(request, scope)[1])
    elif not (scope == SELF and principal.user_id):
        _check_role(org, principal)
    refusal = _find_obstacle(org, request)
    if refusal is not None:
        raise refusal


def _check_role(org: Org, principal: Principal) -> None:
    app, user = org.find_client(principal.client_id or ""), org.users.get(principal.user_id or "")
    if not (user.admin if user else app and (app.admin_role or app.integration)):
        raise errors.role_missing()


def _find_obstacle(org: Org, request: Request) -> OktaError | None:
    """Return why nobody would be served, whoever asks."""
    settings, changes = org.settings, request.method != "GET"
    if not _takes_json(request.headers.get("accept", "*/*")):
        return refusals.not_acceptable()
    if not settings.custom_servers and request.path.startswith(CUSTOM_SERVERS):
        return refusals.feature_off()
    if settings.read_only and changes:
        return refusals.read_only()
    if settings.reconciling and changes and request.path.startswith(APPS):
        return refusals.reconciling()
    return None


def _takes_json(accept: str) -> bool:
    kinds = [kind.partition(";")[0].strip().lower() for kind in accept.split(",")]
    return not any(kinds) or any(kind in ANY_JSON or kind.endswith("+json") for kind in kinds)


def require_super_admin(org: Org, principal: Principal) -> None:
    """Raise the OktaError of a caller who is no super admin, where Okta wants one."""
    user, app = org.users.get(principal.user_id or ""), org.find_client(principal.client_id or "")
    roles = [role.type for role in app.roles] if app else []
    if not (user.admin if user else SUPER_ADMIN in roles):
        raise errors.role_missing()


def scope_header(
    request: Request,
    scope: str,
    *,
    error: str = "insufficient_scope",
    description: str = "The access token provided does not contain the required scopes.",
) -> Header:
    """Return the header in the long form of the management API: http, comma and space."""
    realm = "http://" + request.base_url.partition("://")[2]
    items = (
        f'authorization_uri="{realm}/oauth2/v1/authorize"',
        f'realm="{realm}"',
        f'scope="{scope}"',
        f'error="{error}"',
        f'error_description="{description}"',
        f'resource="{quote(request.path)}"',
    )
    return "www-authenticate", "Bearer " + ", ".join(items)
