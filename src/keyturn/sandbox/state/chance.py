"""Everything random in an org, from one seeded source, in the shapes Okta gives it."""

import base64
import string
from random import Random
from uuid import UUID

ALPHANUMERIC = string.ascii_letters + string.digits
TOKEN_LETTERS = ALPHANUMERIC + "-_"
CONSONANTS = "BCDFGHJKLMNPQRSTVWXZ"


class Mint:
    """Makes identifiers, client secrets and tokens; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def issue_id(self, prefix: str) -> str:
        """Return an object id: the prefix and 17 letters or digits."""
        return prefix + self._letters(ALPHANUMERIC, 17)

    def issue_error_id(self) -> str:
        """Return the id of one error answer."""
        return "oae" + self._letters(TOKEN_LETTERS, 22)

    def issue_request_id(self) -> str:
        """Return the id of one request: 32 hexadecimal digits."""
        return self._random.randbytes(16).hex()

    def issue_uuid(self) -> str:
        """Return the id of one event in the System Log."""
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def issue_client_secret(self) -> str:
        """Return 48 random bytes in base64url, as Okta generates client secrets."""
        return self.issue_token(48)

    def issue_user_code(self) -> str:
        """Return a code that a person types on another device (RFC 8628 section 6.1)."""
        return self._letters(CONSONANTS, 8)

    def issue_api_token(self) -> str:
        """Return an SSWS token."""
        return "00" + self._letters(TOKEN_LETTERS, 40)

    def issue_token(self, size_bytes: int = 32) -> str:
        """Return an opaque token of that many random bytes in unpadded base64url."""
        return base64.urlsafe_b64encode(self._random.randbytes(size_bytes)).decode().rstrip("=")

    def _letters(self, alphabet: str, count: int) -> str:
        return "".join(self._random.choices(alphabet, k=count))
