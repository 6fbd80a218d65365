"""The people of an org: their statuses, and who may log in.

Knows neither HTTP nor sessions; every change and every log-in is told to the System Log.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from keyturn.sandbox import errors, refusals
from keyturn.sandbox.http import Json
from keyturn.sandbox.state.chance import Mint
from keyturn.sandbox.state.parties import user_party
from keyturn.sandbox.state.records import User, UserStatus
from keyturn.sandbox.state.systemlog import NOBODY, LogEvent, Party
from keyturn.sandbox.state.timeline import Timeline

MAX_FAILURES = 10


class Tell(Protocol):
    """Writes an event to the System Log."""

    def __call__(self, kind: str, actor: Party = ..., *targets: Party, **more: object) -> LogEvent:
        """Write one event; ``more`` are further fields of `LogEvent`."""


@dataclass(frozen=True, slots=True)
class UserDraft:
    """What is known of a person before they exist; without a password nobody can log in."""

    login: str
    first_name: str
    last_name: str
    email: str = ""
    password: str | None = field(default=None, repr=False)
    admin: bool = False
    active: bool = True
    profile: Mapping[str, Json] = field(default_factory=dict)


class People:
    """Everybody in one org, by id; login names are unique and compared without case."""

    def __init__(self, mint: Mint, now: Callable[[], datetime], tell: Tell) -> None:
        self._mint, self._now, self._tell = mint, now, tell
        self.users: Timeline[User] = Timeline(now)

    # --- looking ---

    def find(self, id_or_login: str) -> User | None:
        """Return the person with this id or login, or None."""
        login = id_or_login.lower()
        by_login = (user for user in self.users.values() if user.login.lower() == login)
        return self.users.get(id_or_login) or next(by_login, None)

    def read(self, id_or_login: str) -> User:
        """Return the person with this id or login; OktaError when there is none."""
        user = self.find(id_or_login)
        if user is None:
            raise errors.not_found(id_or_login, "User")
        return user

    # --- changing ---

    def create(self, draft: UserDraft) -> User:
        """Make a person; OktaError when something is missing or the login is taken."""
        _check(draft)
        if self.find(draft.login) is not None:
            raise errors.value_taken("login")
        now = self._now()
        user = User(
            id=self._mint.issue_id("00u"),
            login=draft.login,
            password=draft.password or "",
            first_name=draft.first_name,
            last_name=draft.last_name,
            created_at=now,
            admin=draft.admin,
            status=_first_status(draft),
            email=draft.email or draft.login,
            profile=draft.profile,
            updated_at=now,
            activated_at=now if draft.active else None,
            status_changed_at=now if draft.active else None,
            password_changed_at=now if draft.password else None,
        )
        self.users[user.id] = user
        self._tell("user.lifecycle.create", NOBODY, user_party(user))
        return user

    def update(self, user_id: str, **changes: object) -> User:
        """Replace fields of a person's record."""
        changed = replace(self.read(user_id), updated_at=self._now(), **changes)  # type: ignore[arg-type]  # fields of User
        self.users[changed.id] = changed
        return changed

    def change_password(self, user_id: str, password: str) -> User:
        """Give a person another password; it also opens a first or an expired one."""
        user = self.read(user_id)
        ready: UserStatus = "ACTIVE" if user.status in _WITHOUT_PASSWORD else user.status
        changed = self.update(
            user.id, password=password, password_changed_at=self._now(), status=ready
        )
        self._tell("user.account.update_password", NOBODY, user_party(changed))
        return changed

    def activate(self, user_id: str) -> User:
        """Let a person in again; OktaError when they are in already."""
        user = self.read(user_id)
        if user.status not in ("STAGED", "DEPROVISIONED"):
            raise refusals.already_active()
        status: UserStatus = "ACTIVE" if user.password else "PROVISIONED"
        return self._move(user, status, "activate", activated_at=self._now())

    def deactivate(self, user_id: str) -> User:
        """Shut a person out; a second time changes nothing."""
        user = self.read(user_id)
        if user.status == "DEPROVISIONED":
            return user
        return self._move(user, "DEPROVISIONED", "deactivate")

    def suspend(self, user_id: str) -> User:
        """Shut an ACTIVE person out for a while; OktaError for any other."""
        user = self.read(user_id)
        if user.status != "ACTIVE":
            raise refusals.user_state("Cannot suspend a user that is not active")
        return self._move(user, "SUSPENDED", "suspend")

    def unsuspend(self, user_id: str) -> User:
        """Let a SUSPENDED person in again; OktaError for any other."""
        user = self.read(user_id)
        if user.status != "SUSPENDED":
            raise refusals.user_state("Cannot unsuspend a user that is not suspended")
        return self._move(user, "ACTIVE", "unsuspend")

    def unlock(self, user_id: str) -> User:
        """Let a LOCKED_OUT person in again; OktaError for any other."""
        user = self.read(user_id)
        if user.status != "LOCKED_OUT":
            raise refusals.unlock_forbidden()
        unlocked = self.update(user.id, status="ACTIVE", failures=0)
        self._tell("user.account.unlock", NOBODY, user_party(unlocked))
        return unlocked

    def expire_password(self, user_id: str) -> User:
        """Make an ACTIVE person choose another password at the next log-in."""
        return self.update(user_id, status="PASSWORD_EXPIRED", status_changed_at=self._now())

    def delete(self, user_id: str) -> User:
        """Deactivate a person; delete one who is DEPROVISIONED already."""
        user = self.read(user_id)
        if user.status != "DEPROVISIONED":
            return self.deactivate(user.id)
        del self.users[user.id]
        self._tell("user.lifecycle.delete.initiated", NOBODY, user_party(user))
        return user

    # --- logging in ---

    def log_in(self, login: str, password: str) -> User | None:
        """Return the person with this login and password who may come in, else None.

        The tenth wrong password in a row locks a person out.
        """
        user = self.find(login)
        if user is None:
            unknown = Party("unknown", "User", "unknown", login)
            self._tell_session(unknown, "VERIFICATION_ERROR")
            return None
        if user.status != "ACTIVE":
            self._tell_session(user_party(user), user.status)
            return None
        if not hmac.compare_digest(user.password.encode(), password.encode()):
            self._refuse(user)
            return None
        user = replace(user, failures=0, last_login_at=self._now())
        self.users[user.id] = user
        self._tell_session(user_party(user), None)
        return user

    def _refuse(self, user: User) -> None:
        failures = user.failures + 1
        status: UserStatus = "LOCKED_OUT" if failures >= MAX_FAILURES else user.status
        self.users[user.id] = replace(user, failures=failures, status=status)
        self._tell_session(user_party(user), "INVALID_CREDENTIALS")
        if status == "LOCKED_OUT":
            self._tell("user.account.lock", user_party(user), user_party(user), result="FAILURE")

    def _tell_session(self, actor: Party, reason: str | None) -> None:
        result = "SUCCESS" if reason is None else "FAILURE"
        self._tell("user.session.start", actor, actor, result=result, reason=reason)

    def _move(self, user: User, status: UserStatus, step: str, **more: object) -> User:
        moved = self.update(user.id, status=status, status_changed_at=self._now(), **more)
        self._tell(f"user.lifecycle.{step}", NOBODY, user_party(moved))
        return moved


_WITHOUT_PASSWORD = ("PROVISIONED", "PASSWORD_EXPIRED", "RECOVERY")


def _first_status(draft: UserDraft) -> UserStatus:
    if not draft.active:
        return "STAGED"
    return "ACTIVE" if draft.password else "PROVISIONED"


def _check(draft: UserDraft) -> None:
    named = {
        "login": draft.login,
        "firstName": draft.first_name,
        "lastName": draft.last_name,
        "email": draft.email or draft.login,
    }
    causes = [f"{name}: The field cannot be left blank" for name, text in named.items() if not text]
    if "@" not in draft.login:
        causes.append("login: Username must be in the form of an email address")
    if causes:
        raise refusals.invalid_user(causes)
