"""The vocabulary of refusals: one constructor a kind, with Okta's own codes and texts.

Knows wording and status only; who may do what is decided elsewhere.
"""

from collections.abc import Iterable
from typing import Literal

from keyturn.sandbox.http import Answer, Header, Json, render_json

MaxSecretsWording = Literal["2022", "2026"]
MAX_SECRETS_WORDINGS: dict[MaxSecretsWording, str] = {
    "2022": "You have reached the maximum number of client secrets per client.",
    "2026": "You've reached the maximum number of client secrets per client.",
}


class OktaError(Exception):
    """A refusal of the management API: five members, always in the same order."""

    def __init__(
        self,
        status: int,
        code: str,
        summary: str,
        *,
        causes: Iterable[str] = (),
        headers: tuple[Header, ...] = (),
    ) -> None:
        super().__init__(f"{code}: {summary}")
        self.status, self.code, self.summary = status, code, summary
        self.causes, self.headers = tuple(causes), headers

    def render(self, error_id: str) -> Answer:
        """Return the answer that carries this refusal."""
        causes: list[Json] = [{"errorSummary": cause} for cause in self.causes]
        body: dict[str, Json] = {
            "errorCode": self.code,
            "errorSummary": self.summary,
            "errorLink": self.code,
            "errorId": error_id,
            "errorCauses": causes,
        }
        return render_json(body, self.status, self.headers)


class ScopeMissing(OktaError):
    """The access token lacks a scope: 403 with an empty body and only a header to tell why."""

    def __init__(self, header: str) -> None:
        super().__init__(403, "insufficient_scope", "", headers=(("www-authenticate", header),))

    def render(self, error_id: str) -> Answer:
        """Return the answer without a body."""
        return Answer(403, b"", self.headers)


class OAuthError(Exception):
    """A refusal of an OAuth endpoint (RFC 6749 section 5.2)."""

    def __init__(
        self, status: int, error: str, description: str, headers: tuple[Header, ...] = ()
    ) -> None:
        super().__init__(f"{error}: {description}")
        self.status, self.error, self.description, self.headers = (
            status,
            error,
            description,
            headers,
        )

    def render(self) -> Answer:
        """Return the answer that carries this refusal."""
        body = {"error": self.error, "error_description": self.description}
        return render_json(body, self.status, self.headers)


class BearerRefusal(OAuthError):
    """A refusal of a token where only a header tells why (RFC 6750 section 3.1)."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(status, error, description, (bearer_challenge(error, description),))

    def render(self) -> Answer:
        """Return the answer without a body."""
        return Answer(self.status, b"", self.headers)


# --- management API ---------------------------------------------------------------------------


def validation_failed(subject: str, cause: str) -> OktaError:
    """Return 400 E0000001 about a subject: every refusal of a value or a state is one of these."""
    return OktaError(400, "E0000001", f"Api validation failed: {subject}", causes=[cause])


def secret_state(cause: str) -> OktaError:
    """Return the refusal of a step that a client secret's state forbids."""
    return validation_failed("OAuth2ClientSecretMediated", cause)


def max_secrets(wording: MaxSecretsWording) -> OktaError:
    """Return the refusal of a third client secret, in the wording of a release year."""
    return secret_state(MAX_SECRETS_WORDINGS[wording])


def active_secret_kept() -> OktaError:
    """Return the refusal to delete an ACTIVE client secret."""
    return secret_state(
        "You can't delete an active client secret. Deactivate the secret before deleting it."
    )


def only_active_secret() -> OktaError:
    """Return the refusal to deactivate the only ACTIVE client secret."""
    return secret_state("You can't deactivate the only active client secret.")


def secret_value(rule: str) -> OktaError:
    """Return the refusal of a client secret's value."""
    return validation_failed("client_secret", f"client_secret: {rule}")


def secret_unusable() -> OktaError:
    """Return the refusal of a client secret for an app that signs assertions instead."""
    cause = "'client_secret' can't be used when 'token_endpoint_auth_method' is 'private_key_jwt'."
    return validation_failed("client_secret", cause)


def left_blank(member: str) -> OktaError:
    """Return the refusal of a body that lacks a member."""
    return validation_failed(member, f"{member}: The field cannot be left blank")


def value_taken(member: str) -> OktaError:
    """Return the refusal of a value that must be unique and is not."""
    cause = "An object with this field already exists in the current organization"
    return validation_failed(member, f"{member}: {cause}")


def role_taken() -> OktaError:
    """Return 409 for an admin role that the client has already."""
    cause = "The role specified is already assigned to the user."
    return OktaError(409, "E0000090", "Duplicate role assignment exception.", causes=[cause])


def not_found(key: str, kind: str) -> OktaError:
    """Return 404 for an object that does not exist."""
    return OktaError(404, "E0000007", f"Not found: Resource not found: {key} ({kind})")


def no_such_path() -> OktaError:
    """Return 404 for a path that Okta does not have."""
    return OktaError(404, "E0000008", "The requested path was not found")


def wrong_method() -> OktaError:
    """Return 405 for a path that does not take this method."""
    return OktaError(405, "E0000022", "The endpoint does not support the provided HTTP method")


def malformed() -> OktaError:
    """Return 400 for a body that is not the JSON object expected."""
    return OktaError(400, "E0000003", "The request body was not well-formed.")


def wrong_content_type() -> OktaError:
    """Return 400 for a body of another type than JSON."""
    summary = (
        "Bad request. Accept and/or Content-Type headers likely do not match supported values."
    )
    return OktaError(400, "E0000021", summary)


def invalid_token(headers: tuple[Header, ...] = ()) -> OktaError:
    """Return 401 for an API token or access token that is missing, unknown or over."""
    return OktaError(401, "E0000011", "Invalid token provided", headers=headers)


def role_missing() -> OktaError:
    """Return 403 for a good token whose app has no admin role."""
    summary = "You do not have permission to perform the requested action"
    return OktaError(403, "E0000006", summary)


def delete_forbidden() -> OktaError:
    """Return 403 for deleting an ACTIVE app."""
    cause = "The application must be deactivated before deletion."
    return OktaError(403, "E0000056", "Delete application forbidden.", causes=[cause])


def invalid_cursor() -> OktaError:
    """Return 400 for a paging cursor that this org never gave."""
    return OktaError(400, "E0000029", "Invalid paging request.", causes=["Invalid cursor."])


def invalid_filter() -> OktaError:
    """Return 400 for a filter expression outside the supported few."""
    return OktaError(400, "E0000031", "Invalid search criteria.")


def rate_limited() -> OktaError:
    """Return 429; the headers that tell when to come back are added with the budget."""
    return OktaError(429, "E0000047", "API call exceeded rate limit due to too many requests.")


def internal() -> OktaError:
    """Return 500 without a reason, as Okta gives none."""
    return OktaError(500, "E0000009", "Internal Server Error")


# --- OAuth endpoints --------------------------------------------------------------------------


def invalid_client(description: str) -> OAuthError:
    """Return 401: the client did not authenticate."""
    return OAuthError(401, "invalid_client", description)


def wrong_secret() -> OAuthError:
    """Return the one text for a client secret that is unknown, INACTIVE or not yet known."""
    return invalid_client("The client secret supplied for a confidential client is invalid.")


def wrong_auth_method() -> OAuthError:
    """Return the refusal of a client that authenticates in another way than registered."""
    return invalid_client(
        "Client authentication failed. Either the client or the client credentials are invalid."
    )


def unknown_client() -> OAuthError:
    """Return the refusal of a client id that names no ACTIVE app."""
    return invalid_client("Invalid value for 'client_id' parameter.")


def several_credentials() -> OAuthError:
    """Return the refusal of a request that authenticates in two ways at once."""
    return OAuthError(
        401,
        "invalid_request",
        "Cannot supply multiple client credentials. Use one of the following: credentials in the "
        "Authorization header, credentials in the post body, or a client_assertion in the post "
        "body.",
    )


def invalid_request(description: str) -> OAuthError:
    """Return 400: the request lacks or repeats something."""
    return OAuthError(400, "invalid_request", description)


def missing_parameter(name: str) -> OAuthError:
    """Return 400: the grant type needs a parameter that is not there."""
    return invalid_request(f"The required parameter '{name}' is missing.")


def invalid_target(description: str) -> OAuthError:
    """Return 400: tokens for that audience or resource are not given (RFC 8693 section 2.2.2)."""
    return OAuthError(400, "invalid_target", description)


def invalid_grant(description: str) -> OAuthError:
    """Return 400: the code, refresh token or proof is not good (any more)."""
    return OAuthError(400, "invalid_grant", description)


def invalid_scope(description: str) -> OAuthError:
    """Return 400: the scopes asked for are none or unknown."""
    return OAuthError(400, "invalid_scope", description)


def consent_required() -> OAuthError:
    """Return 400: none of the scopes asked for was granted to the app."""
    description = "You are not allowed any of the requested scopes."
    return OAuthError(400, "consent_required", description)


def unauthorized_client(configured: Iterable[str]) -> OAuthError:
    """Return 400: the app is not registered for this grant type."""
    listed = ", ".join(configured)
    return OAuthError(
        400,
        "unauthorized_client",
        "The client is not authorized to use the provided grant type. "
        f"Configured grant types: [{listed}].",
    )


def unsupported_grant_type(supported: Iterable[str]) -> OAuthError:
    """Return 400: the server does not know this grant type."""
    listed = ", ".join(supported)
    return OAuthError(
        400,
        "unsupported_grant_type",
        "The authorization grant type is not supported by the authorization server. "
        f"Configured grant types: [{listed}].",
    )


def invalid_dpop_proof(description: str) -> OAuthError:
    """Return 400: the DPoP proof is missing or wrong (RFC 9449 section 5)."""
    return OAuthError(400, "invalid_dpop_proof", description)


def bearer_challenge(error: str, description: str) -> Header:
    """Return the short `www-authenticate` header that userinfo uses."""
    return "www-authenticate", f'Bearer error="{error}", error_description="{description}"'
