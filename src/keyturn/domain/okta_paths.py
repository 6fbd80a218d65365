"""Where Okta has what a turn calls: people are told it before it is called there.

Paths below an org's address, as Okta's reference has them. Knows nothing of how they are called.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from keyturn.domain.okta import CredentialKind

INTROSPECT_PATH: Final = "/oauth2/v1/introspect"
TOKEN_PATH: Final = "/oauth2/v1/token"
LOGS_PATH: Final = "/api/v1/logs"

APPS_PATH: Final = "/api/v1/apps"
ME_PATH: Final = "/api/v1/users/me"

_CREDENTIALS: Final = "/credentials/"
_KEYS: Final = "/api/v1/apps/{}/credentials/jwks"

COLLECTIONS: Final[Mapping[CredentialKind, str]] = MappingProxyType(
    {
        CredentialKind.CLIENT_SECRET: "/api/v1/apps/{}/credentials/secrets",
        CredentialKind.API_SERVICE_SECRET: (
            "/integrations/api/v1/api-services/{}/credentials/secrets"
        ),
        CredentialKind.CLIENT_KEY: _KEYS,
        CredentialKind.CONNECTION_KEY: _KEYS,
    }
)
"""Where the credentials of an app are, by their kind; there is a place for the app's id."""

APP_PATHS: Final[Mapping[CredentialKind, str]] = MappingProxyType(
    {kind: path.partition(_CREDENTIALS)[0] for kind, path in COLLECTIONS.items()}
)
"""Where such an app is itself; there is a place for its id."""
