"""Who calls the management API: SSWS tokens and access tokens, and what they may do."""

import re

from keyturn.sandbox import dpop, errors
from keyturn.sandbox.http import Header, Request
from keyturn.sandbox.org import Org
from keyturn.sandbox.routing import Principal
from keyturn.sandbox.tokens import AccessToken

SUPER_ADMIN = "SUPER_ADMIN"
# Okta takes the token glued to its scheme as well; its own Python SDK sends it so.
AUTHORIZATION = re.compile(r"(SSWS|Bearer|DPoP)\s*(\S+)", re.IGNORECASE)


def identify(org: Org, request: Request) -> Principal:
    """Return who calls; OktaError for a token that is not good, OAuthError for a wrong proof."""
    found = AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if found is None:
        raise errors.invalid_token()
    scheme, token = found[1].lower(), found[2]
    if scheme == "ssws":
        api_token = org.api_tokens.get(token)
        if api_token is None:
            raise errors.invalid_token()
        return Principal(f"ssws:{api_token.label}", None, user_id=api_token.user_id)
    return _identify_client(org, request, scheme, token)


def _identify_client(org: Org, request: Request, scheme: str, value: str) -> Principal:
    token = org.tokens.find_access(value)
    fault = _fault_of(org, token)
    if token is None or fault is not None:
        challenge = scope_header(request, "", error="invalid_token", description=fault or "")
        raise errors.invalid_token((challenge,))
    dpop.check_resource_request(org, request, token, scheme)
    return Principal(
        f"client:{token.client_id}",
        frozenset(token.scopes),
        user_id=token.user_id,
        client_id=token.client_id,
    )


def _fault_of(org: Org, token: AccessToken | None) -> str | None:
    if token is None:
        return "The access token is invalid."
    if token.server is not None:
        return "The access token provided is not intended for Okta."
    if org.tokens.revoked(token):
        return "The access token has been revoked."
    return "The token has expired." if org.now() >= token.expires_at else None


def permit(org: Org, request: Request, principal: Principal, scope: str) -> None:
    """Raise the OktaError of a caller that lacks the scope or an admin role.

    An API token can do what the person who made it can do now.
    """
    if principal.scopes is None:
        owner = org.users.get(principal.user_id or "")
        if owner is None or not owner.admin or owner.status != "ACTIVE":
            raise errors.role_missing()
        return
    if scope not in principal.scopes:
        raise errors.ScopeMissing(scope_header(request, scope)[1])
    app, user = org.find_client(principal.client_id or ""), org.users.get(principal.user_id or "")
    if not (user.admin if user else app and (app.admin_role or app.integration)):
        raise errors.role_missing()


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
        f'resource="{request.path}"',
    )
    return "www-authenticate", "Bearer " + ", ".join(items)
