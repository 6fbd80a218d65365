"""What the use cases need of services that flows ask: one HTTP request out, one answer back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from keyturn.domain.sensitive import Sensitive

ANSWER_MAX_BYTES: Final = 10 * 1024 * 1024


@dataclass(frozen=True)
class ResourceRequest:
    """One request as it goes out; nothing but what makes HTTP work is added to it.

    ``url`` has an ASCII host and no fragment, ``headers`` are well-formed (`domain.flows.requests`
    sees to it). ``limit_s`` is how long all of it may take, ``most_bytes`` how much of a body is
    read. ``certificate`` is shown where the service asks for one: a chain and its key in PEM.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str | Sensitive] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    limit_s: float = 30.0
    most_bytes: int = ANSWER_MAX_BYTES
    certificate: Sensitive | None = None


@dataclass(frozen=True)
class ResourceAnswer:
    """What came back: any status, redirections too.

    ``headers`` are in their order, names in lower case. ``cut`` says that the body was longer than
    is read, and is empty here. ``retry_after_s`` is how long the service asks to be left alone.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    cut: bool = False
    retry_after_s: float | None = None

    def every(self, name: str) -> tuple[str, ...]:
        """Return the values of a header, by its name in lower case."""
        return tuple(value for each, value in self.headers if each == name)

    def header(self, name: str) -> str:
        """Return a header's values as one; empty where it is not there."""
        return ", ".join(self.every(name))


@dataclass(frozen=True)
class NoAnswer:
    """Nothing came back that is an answer.

    ``sent`` says that the request may have arrived all the same, ``late`` that it took too long;
    ``why`` is a word for people, and none of the request's own.
    """

    sent: bool
    late: bool = False
    why: str = "no connection"


class ResourceServers(Protocol):
    """Ask services. A request is made once: nothing is redirected, repeated or remembered."""

    async def exchange(self, asked: ResourceRequest) -> ResourceAnswer | NoAnswer:
        """Make one request and return what came.

        Raises AddressRefused for where Keyturn does not go, and InvalidInput for what is no
        certificate; nothing was sent then.
        """
        ...


class NoResources:
    """Nobody is asked anything."""

    async def exchange(self, asked: ResourceRequest) -> ResourceAnswer | NoAnswer:
        """Return that nothing came."""
        return NoAnswer(sent=False)
