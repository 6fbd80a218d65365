"""The token endpoint: authenticates the client and hands it to its grant type."""

from collections.abc import Callable

from keyturn.sandbox import errors
from keyturn.sandbox.errors import OAuthError
from keyturn.sandbox.http import Answer
from keyturn.sandbox.oauth import dpop
from keyturn.sandbox.oauth.client_auth import authenticate
from keyturn.sandbox.oauth.exchange import TOKEN_EXCHANGE, redeem_exchange
from keyturn.sandbox.oauth.grants import (
    DEVICE_CODE,
    TokenRequest,
    redeem_client,
    redeem_code,
    redeem_device,
    redeem_refresh,
)
from keyturn.sandbox.oauth.id_jag import JWT_BEARER, exchange_id_token, redeem_id_jag
from keyturn.sandbox.oauth.issuers import Issuer, endpoint, issuer_of
from keyturn.sandbox.oauth.issuing import Grant, answer_grant
from keyturn.sandbox.oauth.token_log import tell_refusal
from keyturn.sandbox.routing import Call
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.records import App

Redeem = Callable[[TokenRequest], Grant | Answer]
ORG_GRANTS: dict[str, Redeem] = {
    "authorization_code": redeem_code,
    "refresh_token": redeem_refresh,
    "client_credentials": redeem_client,
    DEVICE_CODE: redeem_device,
    TOKEN_EXCHANGE: exchange_id_token,
}
CUSTOM_GRANTS: dict[str, Redeem] = {
    **ORG_GRANTS,
    TOKEN_EXCHANGE: redeem_exchange,
    JWT_BEARER: redeem_id_jag,
}


def issue_tokens(org: Org, call: Call) -> Answer:
    """Authenticate the client, check its grant, and answer with tokens."""
    issuer = issuer_of(org, call)
    try:
        request, redeem = _read_request(org, call, issuer)
        earned = redeem(request)
    except OAuthError as error:
        tell_refusal(org, call, issuer, error)
        raise
    return earned if isinstance(earned, Answer) else answer_grant(org, call, issuer, earned)


def grants_of(issuer: Issuer) -> dict[str, Redeem]:
    """Return the grant types that a server knows."""
    return ORG_GRANTS if issuer.server is None else CUSTOM_GRANTS


def _read_request(org: Org, call: Call, issuer: Issuer) -> tuple[TokenRequest, Redeem]:
    app = authenticate(org, call)
    form = call.request.form()
    grants, grant_type = grants_of(issuer), form.get("grant_type", "")
    if not grant_type:
        raise errors.invalid_request(
            f"The token request must specify a 'grant_type'. Valid values: [{', '.join(grants)}]"
        )
    redeem = grants.get(grant_type)
    if redeem is None:
        raise errors.unsupported_grant_type(grants)
    if grant_type == "client_credentials" and issuer.server is None:
        _check_service(app)
    if grant_type not in app.grant_types:
        raise errors.unauthorized_client(app.grant_types)
    thumbprint = dpop.check_token_request(org, call.request, app)
    return TokenRequest(org, call, issuer, app, form, thumbprint), redeem


def _check_service(app: App) -> None:
    # API service integrations are the one kind of client that may use a client secret here.
    if app.integration is not None and app.auth_method == "client_secret_basic":
        return
    if app.auth_method != "private_key_jwt":
        raise errors.invalid_client(
            "Client Credentials requests to the Org Authorization Server must use the "
            "private_key_jwt token_endpoint_auth_method."
        )
    if app.application_type != "service":
        raise errors.invalid_client(
            "Only clients with 'application_type' of 'service' may use the client_credentials "
            "'grant_type' with the Org Authorization Server."
        )


ROUTES = (*endpoint("POST", "token", issue_tokens, "token"),)
