"""What can go wrong, sorted by whose fault it is.

    KeyturnError
    ├── CallerError              the one who asked
    │   ├── InvalidInput         a field does not fit its rule
    │   ├── Refused              the rules do not allow the request
    │   │   └── Taken            the name is in use
    │   ├── AddressRefused       the address leads to where Keyturn does not go
    │   ├── Unauthenticated      nobody, or a token that is wrong, expired or revoked
    │   ├── TooManyAttempts      locked out for a while
    │   ├── Forbidden            somebody who may not
    │   └── NotFound             no such thing
    ├── OktaError                the org, or the way to it
    │   ├── OktaRefused          Okta answered no
    │   │   └── OktaThrottled    the rate limit is used up
    │   │       └── OktaHeld     Keyturn did not ask, to stay within it
    │   ├── OktaUnclear          Okta answered with something that is not Okta's
    │   ├── OktaUnreachable      no answer
    │   └── TurnFailed           a turn came to no good end for one of these reasons
    ├── IssuerUnreachable        the issuer of a workload's tokens, or the way to it
    ├── DestinationError         a store that secrets are brought to, or the way to it
    │   ├── DestinationRefused   it said no, and will tomorrow: somebody has to act
    │   └── DestinationAway      no answer that says it has them: they are brought again
    ├── ServerError              an OAuth authorization server, or the way to it
    │   └── NotReady             a connection has no token that could be used now
    └── OursError                Keyturn itself
        ├── DatabaseAway         the database cannot be reached, or refuses to work
        ├── NoFooting            the clock is off, or the data are another version's
        ├── Fenced               another worker has taken this turn over
        └── SealBroken           a sealed value does not open
            └── RootKeyUnknown   nor does the data key that seals it

Every message says whose fault it is and what to do, and never carries a secret value.
"""

from dataclasses import dataclass


class KeyturnError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        self.message = message or (type(self).__doc__ or "").partition("\n")[0]
        super().__init__(self.message)


class CallerError(KeyturnError):
    """The request cannot be served as it was made."""


@dataclass(frozen=True)
class FieldProblem:
    """Name one field of a request and the rule that it breaks."""

    field: tuple[str, ...]
    rule: str


class InvalidInput(CallerError):
    """A field of the request does not fit its rule."""

    def __init__(self, *problems: FieldProblem) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{'.'.join(p.field)}: {p.rule}" for p in problems))


class Refused(CallerError):
    """The request is understood and is not allowed by the rules."""


class Taken(Refused):
    """The name is in use already: choose another."""


class Unauthenticated(CallerError):
    """The access token is missing, wrong, expired or revoked: log in again."""


class TooManyAttempts(CallerError):
    """There were too many wrong tries: wait; ``retry_after_s`` says how long."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class Busy(KeyturnError):
    """So much goes on that nothing more is begun: come again; ``retry_after_s`` says when."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class Forbidden(CallerError):
    """The caller lacks the permission for this."""


class NotFound(CallerError):
    """There is no such thing, or the caller may not know of it."""


@dataclass(frozen=True)
class OktaAnswer:
    """Keep what identifies one answer of Okta for its support and for triage.

    ``request_id`` is the ``x-okta-request-id`` header; ``error_id`` and the rest come from Okta's
    error object and are empty where the body was none.
    """

    status: int
    request_id: str = ""
    code: str = ""
    summary: str = ""
    causes: tuple[str, ...] = ()
    error_id: str = ""

    @property
    def worth_another_look(self) -> bool:
        """Say whether the refusal is about what Okta holds now, so that a list tells what to do.

        That is a client secret or key too many, a key that is there already, or one that is gone.
        The wording of these causes changed between Okta's releases: match loosely.
        """
        told = " ".join(self.causes)
        full = "maximum number of" in told or ("unique" in told and "kid" in told)
        gone = "OAuth2ClientSecretMediated" in self.summary or "JsonWebKey" in self.summary
        return full or (self.status == 404 and gone)

    @property
    def lacks_role(self) -> bool:
        """Say whether the access is good and the administrator's role does not reach so far."""
        return self.status == 403 and self.code == "E0000006"

    def __str__(self) -> str:
        told = "; ".join((self.summary, *self.causes)) if self.summary else "no error object"
        code = "" if self.summary.startswith(self.code) else self.code
        labels = ((code, ""), (self.error_id, "error id "), (self.request_id, "request id "))
        tags = ", ".join(prefix + value for value, prefix in labels if value)
        return f"HTTP {self.status}: {told}" + (f" ({tags})" if tags else "")


class OktaError(KeyturnError):
    """Okta did not do what it was asked.

    ``effect_possible`` is true where the call may have changed something at Okta all the same, so
    that whoever asked has to look again before asking twice.
    """

    effect_possible = False


class OktaRefused(OktaError):
    """Okta refused the call."""

    def __init__(self, what: str, answer: OktaAnswer) -> None:
        self.answer = answer
        super().__init__(f"Okta refused to {what}: {answer}")


class OktaThrottled(OktaRefused):
    """Okta's rate limit is used up; ``retry_after_s`` says how long until the window turns."""

    def __init__(self, what: str, answer: OktaAnswer, *, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(what, answer)


class OktaHeld(OktaThrottled):
    """The rate limit has no room for this now, so Okta was not asked; nothing is wrong."""

    def __init__(self, what: str, *, retry_after_s: float) -> None:
        full = OktaAnswer(429, summary="the rate limit has no room for this now; not asked")
        super().__init__(what, full, retry_after_s=retry_after_s)
        self.message = (
            f"Okta was not asked to {what}: its rate limit has no room for that for another "
            f"{retry_after_s:.0f} s."
        )
        self.args = (self.message,)


class OktaUnclear(OktaError):
    """Okta's answer is not one that Okta's contract knows (HTML, half an answer, a 5xx)."""

    effect_possible = True

    def __init__(self, what: str, answer: OktaAnswer) -> None:
        self.answer = answer
        super().__init__(f"Okta gave no clear answer when asked to {what}: {answer}")


class OktaUnreachable(OktaError):
    """No answer came from Okta: check the org's address, the network and Okta's status page."""

    def __init__(self, what: str, why: str, *, effect_possible: bool) -> None:
        self.effect_possible = effect_possible
        super().__init__(f"Okta could not be reached to {what}: {why}")


class TurnFailed(OktaError):
    """The turn could not be brought to its end yet; the secret served so far still works."""


class IssuerUnreachable(KeyturnError):
    """The keys of the issuer cannot be read now: look at the issuer, the way to it, and its URL."""


class DestinationError(KeyturnError):
    """The destination has not confirmed what was brought to it."""


class DestinationRefused(DestinationError):
    """The destination refused what was brought; the same again would be refused again."""


class DestinationAway(DestinationError):
    """The destination gave no good answer; what was brought may be there, and is brought again.

    ``retry_after_s`` is how long it asked to be left alone, where it did.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class ServerError(KeyturnError):
    """The authorization server, or the way to it, did not do what it was asked."""


class NotReady(ServerError):
    """The connection has no token that could be used now.

    ``retry_after_s`` is when it is worth asking again; None where somebody has to act first.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class AddressRefused(CallerError):
    """The address leads to where Keyturn does not go."""


class OursError(KeyturnError):
    """Keyturn is at fault: please report it."""


class DatabaseAway(OursError):
    """The database cannot be reached or refuses to work: look at it, at its disk and the network.

    Whatever was under way is undone, or done as a whole; Keyturn goes on when it is back.
    """


class NoFooting(OursError):
    """This process may take nothing up now, by its clock or for its data: ask another server."""


class Fenced(OursError):
    """Another worker has taken this turn over; this one must not write any more."""


class SealBroken(OursError):
    """A sealed value does not open: wrong root key, or it was moved or changed."""


class RootKeyUnknown(SealBroken):
    """The data keys are wrapped by a root key that this process does not have: give it that one.

    It was changed by `keyturn keys rotate-root`, or somebody changed a data key.
    """
