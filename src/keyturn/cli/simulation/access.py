"""What the product truly logs in with at the org: the key that its connection keeps.

Decides nothing of what is right; `invariants_of_access` reads it.
"""

import base64
import json
from urllib.parse import parse_qs

from keyturn.cli.simulation.kinds import PROPS, thumbprint
from keyturn.domain.connection import OktaConnection, ServiceApp
from keyturn.domain.okta import CredentialKind
from keyturn.domain.project import Organization
from keyturn.services.ports import World
from keyturn.services.sealing import open_credentials
from keyturn.testing.memory import Backup

TOKEN_PATH = "/oauth2/v1/token"


class Access:
    """The private key in use, and the keys that people have given the connection by hand."""

    def __init__(self, world: World) -> None:
        self.value = ""
        self.given: set[str] = set()
        """Hashes of keys."""
        self._world = world
        self._sealed = b""

    def note(self, backup: Backup) -> bool:
        """Take note of what is stored of the connection; say whether it uses another key."""
        (connection,) = backup.list(OktaConnection)
        if connection.sealed == self._sealed:
            return False
        self._sealed, before = connection.sealed, self.value
        organization = backup.list(Organization)[0]
        credentials = open_credentials(self._world, organization, connection)
        self.value = credentials.private_jwk.reveal() if isinstance(credentials, ServiceApp) else ""
        return self.value != before

    @property
    def hash(self) -> str:
        """Return by what the key in use is recognised, empty for none."""
        return thumbprint(self.value) if self.value else ""

    @property
    def hidden(self) -> set[str]:
        """Return what nobody may see of the key in use."""
        return {PROPS[CredentialKind.CONNECTION_KEY].hidden(self.value)} if self.value else set()


def named_key(path: str, content: bytes) -> str:
    """Return the name of the key by which a request for a token is signed, empty for none."""
    if path != TOKEN_PATH:
        return ""
    assertion = parse_qs(content.decode()).get("client_assertion", [""])[0]
    header = assertion.partition(".")[0]
    if not header:
        return ""
    members = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    return str(members.get("kid", ""))
