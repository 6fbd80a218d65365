"""People, who log in by an e-mail address and a password.

Decides what either may be. Knows nothing of how a password is hashed.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.identity import Lockable
from keyturn.domain.ids import IdentityId
from keyturn.domain.sensitive import Sensitive

EMAIL_MAX = 254
PASSWORD_MIN = 12
PASSWORD_MAX = 256
_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")


@dataclass(frozen=True)
class Password(Lockable):
    """By what a person logs in; ``hash`` is Argon2id in PHC's form."""

    identity_id: IdentityId
    email: str
    hash: str
    created_at: datetime
    changed_at: datetime


def checked_email(text: str) -> str:
    """Return an e-mail address in the one spelling in which it is kept."""
    email = normal_email(text)
    if len(email) > EMAIL_MAX or not _EMAIL.fullmatch(email):
        raise InvalidInput(FieldProblem(("email",), "must be an e-mail address"))
    return email


def normal_email(text: str) -> str:
    """Return a text as an e-mail address would be kept."""
    return unicodedata.normalize("NFC", text.strip()).casefold()


def checked_password(password: Sensitive, email: str) -> Sensitive:
    """Return a password as it is hashed (NIST SP 800-63B, 3.1.1.2).

    Raises InvalidInput for one that is short, endless, or the address itself.
    """
    normal = normal_password(password)
    if not PASSWORD_MIN <= len(normal.reveal()) <= PASSWORD_MAX:
        raise _invalid(f"must be {PASSWORD_MIN} to {PASSWORD_MAX} characters")
    if len(set(normal.reveal())) < PASSWORD_MIN // 3 or normal.reveal().casefold() == email:
        raise _invalid("must not be the e-mail address, nor a few characters over and over")
    return normal


def normal_password(password: Sensitive) -> Sensitive:
    """Return a password so that it is the same from every keyboard."""
    return Sensitive(unicodedata.normalize("NFC", password.reveal()))


def _invalid(rule: str) -> InvalidInput:
    return InvalidInput(FieldProblem(("password",), rule))
