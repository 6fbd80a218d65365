"""People, who log in by an e-mail address and a password."""

from typing import Annotated

from pydantic import Field

from keyturn.wire.base import Trimmed, Wire
from keyturn.wire.identities import Slug

Email = Annotated[Trimmed, Field(max_length=254)]
Secret = Annotated[str, Field(min_length=1, max_length=256, repr=False)]


class PersonLogin(Wire):
    """A person's e-mail address and password."""

    email: Email
    password: Secret


class CreatePerson(Wire):
    """A person to make; ``role`` is held in every project. Passwords have 12 characters or more."""

    email: Email
    password: Secret
    role: Slug = ""


class SetPassword(Wire):
    """A password for somebody."""

    password: Secret


class ChangePassword(Wire):
    """One's own password, and the next one."""

    old_password: Secret
    new_password: Secret


class PasswordAnswer(Wire):
    """The password counts from now on."""

    message: str = "The password is changed; log in by it."
