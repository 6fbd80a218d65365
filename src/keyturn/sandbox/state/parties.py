"""How callers, apps and their credentials appear in the System Log."""

from typing import TYPE_CHECKING

from keyturn.sandbox.http import Json
from keyturn.sandbox.state.records import App, ClientKey, Secret, User
from keyturn.sandbox.state.systemlog import NOBODY, Party

if TYPE_CHECKING:
    from keyturn.sandbox.routing import Principal
    from keyturn.sandbox.state.org import Org


def caller_party(org: "Org", principal: "Principal") -> Party:
    """Return the person behind a token, else the client, else nobody known."""
    user = org.users.get(principal.user_id or "")
    if user is not None:
        return user_party(user)
    app = org.find_client(principal.client_id or "")
    return NOBODY if app is None else client_party(app)


def user_party(user: User) -> Party:
    """Return a person."""
    return Party(user.id, "User", f"{user.first_name} {user.last_name}", user.login)


def client_party(app: App) -> Party:
    """Return an app as the OAuth client that acts."""
    return Party(app.client_id, "PublicClientApp", app.label, app.client_id)


def app_party(app: App) -> Party:
    """Return an app as the thing that is acted upon."""
    return Party(app.id, "AppInstance", app.label, app.label)


def credential_party(app: App, credential: Secret | ClientKey) -> Party:
    """Return a client with the details of one of its credentials; a secret shows its hash only."""
    if isinstance(credential, Secret):
        detail: dict[str, Json] = {
            "ClientSecret": credential.hash,
            "ClientCredentialsType": "secret",
            "Status": credential.status,
        }
    else:
        detail = {
            "KeyId": credential.kid,
            "ClientCredentialsType": "keypair",
            "Status": credential.status,
        }
    return Party(app.client_id, "PublicClientAppEntity", app.label, app.client_id, detail)
