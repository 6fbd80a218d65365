"""People who log in at an Okta org: where, by which client, and what their groups give them here.

Decides what an operator may write down, which answer of a browser counts, and what is read from an
ID token. Whom it is about, issuer and subject tell alone: an address can be another's tomorrow.
"""

import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from keyturn.domain import names
from keyturn.domain.errors import Refused
from keyturn.domain.ids import IdentityId
from keyturn.domain.oauth.authorization import Question, hashed, random_text
from keyturn.domain.oauth.claims import fit_to_show
from keyturn.domain.oauth.provider import Provider
from keyturn.domain.sensitive import Sensitive

SCOPES = ("openid", "profile", "email")
GROUPS = "groups"
"""A scope of an org's own authorization server, and the claim that tells of groups."""

ELSEWHERE = (
    "This log-in was not begun in this browser, or was answered or left for too long: begin it "
    "again."
)
UNNAMED = "Okta does not tell whom the log-in is about."


@dataclass(frozen=True)
class GroupRole:
    """A role that a group at Okta gives, in one project or, without one, everywhere."""

    group: str
    role: str
    project: str = ""

    def __str__(self) -> str:
        return f"{self.role}@{self.project}" if self.project else self.role


@dataclass(frozen=True)
class RegistrationName:
    """A client registration as an operator names it: ``project/environment/path:name``."""

    project: str
    environment: str
    path: str
    name: str

    def __str__(self) -> str:
        return f"{self.project}/{self.environment}{self.path}:{self.name}"


@dataclass(frozen=True)
class LogInRules:
    """How people log in by Okta: at which issuer, by which client, and what their groups give.

    The issuer is told apart from the registration, as those who may change that one could have
    tokens believed that somebody else has signed.
    """

    issuer: str
    registration: RegistrationName
    groups: tuple[GroupRole, ...]

    @property
    def origin(self) -> str:
        """Return the issuer's scheme, host and port."""
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc.lower()}"

    @property
    def scopes(self) -> tuple[str, ...]:
        """Return what is asked for; a custom authorization server has no scope for groups."""
        return SCOPES if urlsplit(self.issuer).path else (*SCOPES, GROUPS)

    def fits(self, provider: Provider) -> bool:
        """Say whether a registration leads to this issuer, and nowhere else."""
        ends = provider.endpoints
        whole = bool(ends.authorization and ends.token and ends.jwks) and provider.pkce
        return whole and provider.issuer == self.issuer and provider.hosts == {self.origin}

    def given(self, told: Collection[str]) -> Sequence[GroupRole]:
        """Return what somebody in these groups is given."""
        return [each for each in self.groups if each.group in told]


@dataclass(frozen=True)
class OktaPerson:
    """Which identity somebody at an issuer is; ``subject`` is theirs for good."""

    identity_id: IdentityId
    issuer: str
    subject: str
    created_at: datetime


@dataclass(frozen=True)
class LogInRequest:
    """One time that a browser was sent to Okta; its answer finds it by the hash of its ``state``.

    ``after`` is the page to go on to. With ``identity_id`` it is somebody who was logged in, and
    who proves once more to be the same.
    """

    state_hash: bytes
    redirect_uri: str
    scopes: tuple[str, ...]
    after: str
    created_at: datetime
    ends_at: datetime
    identity_id: IdentityId | None = None


@dataclass(frozen=True)
class Claimed:
    """What Okta tells of somebody: their subject, what people know them by, and their groups.

    They are known by the login at Okta, which is theirs alone, before an e-mail address.
    """

    subject: str
    name: str
    groups: frozenset[str]


def question_of(binding: Sensitive) -> Question:
    """Return what is asked by whoever holds a binding: all of it follows from that one secret.

    So the browser that holds it is the only one that an answer counts from (RFC 9700, 4.7.1), and
    nothing of it has to be kept.
    """
    key = binding.reveal().encode()
    parts = (hmac.digest(key, label, "sha256") for label in (b"state", b"nonce", b"verifier"))
    return Question(*(random_text(part) for part in parts))


def require_asker(told: Mapping[str, str], question: Question) -> None:
    """Raise Refused where an answer is not to this question."""
    if not hmac.compare_digest(hashed(told.get("state", "")), hashed(question.state.reveal())):
        raise Refused(ELSEWHERE)


def require_open(request: LogInRequest | None, now: datetime) -> LogInRequest:
    """Return a request that can be answered. Raises Refused for none, and for one that ended."""
    if request is None or now >= request.ends_at:
        raise Refused(ELSEWHERE)
    return request


def claimed_by(claims: Mapping[str, object], groups: Mapping[str, object]) -> Claimed:
    """Return what an ID token tells of somebody, and ``groups`` of their groups.

    Raises Refused where it does not tell whom it is about.
    """
    subject = fit_to_show(claims.get("sub"))
    if not subject:
        raise Refused(UNNAMED)
    told = (fit_to_show(claims.get(name)) for name in ("preferred_username", "email"))
    listed = groups.get(GROUPS)
    names_of = listed if isinstance(listed, list) else []
    in_groups = frozenset(each for each in names_of if isinstance(each, str))
    return Claimed(subject, next(filter(None, told), subject), in_groups)


def parse_groups(text: str) -> tuple[GroupRole, ...]:
    """Parse ``GROUP=ROLE`` and ``GROUP=ROLE@PROJECT``, with commas between.

    Raises ValueError, which says how it is written.
    """
    return tuple(_group_role(each) for each in text.split(",") if each.strip())


def _group_role(text: str) -> GroupRole:
    group, _, given = (each.strip() for each in text.rpartition("="))
    role, at, project = given.partition("@")
    slugs = (role, project) if at else (role,)
    if not group or not group.isprintable() or not all(names.is_slug(each) for each in slugs):
        raise ValueError(
            "must be GROUP=ROLE, or GROUP=ROLE@PROJECT for one project, with commas between: "
            "the name of a group at Okta, and slugs of a role and a project here"
        )
    return GroupRole(group, role, project)


def parse_registration(text: str) -> RegistrationName:
    """Parse the name of a registration. Raises ValueError, which says how it is written."""
    where, _, name = text.strip().rpartition(":")
    project, _, rest = where.partition("/")
    environment, slash, path = rest.partition("/")
    if not slash or not all(names.is_slug(each) for each in (project, environment, name)):
        raise ValueError("must be PROJECT/ENVIRONMENT/PATH:NAME, such as example/prod/:okta-login")
    return RegistrationName(project, environment, f"/{path}", name)


def parse_issuer(text: str) -> str:
    """Parse the address of an issuer, as its tokens have it. Raises ValueError."""
    issuer = text.strip()
    parts = urlsplit(issuer)
    if issuer and (parts.scheme not in {"https", "http"} or not parts.netloc or "?" in issuer):
        raise ValueError("must be the issuer as its tokens name it, such as https://ORG.okta.com")
    return issuer
