"""What hangs on a client secret (ours)."""

from keyturn.wire.base import Instant, Wire
from keyturn.wire.oauth_connections import GrantType, Light, State
from keyturn.wire.registrations import Consumer, Standing


class UsedRotation(Wire):
    """A rotation that keeps the client secret."""

    id: str
    name: str


class UsedFlow(Wire):
    """A flow that uses a connection, itself or by the flows that it runs (``through``).

    ``start`` is what starts it, ``alias`` what its address holds, ``nextAt`` when its schedule
    starts it, ``ranAt`` when it ran last and ``ended`` how that run stands.
    """

    id: str
    name: str
    enabled: bool
    start: str
    alias: str
    next_at: Instant | None
    through: tuple[str, ...]
    ran_at: Instant | None
    ended: str | None


class UsedConnection(Wire):
    """A connection, how it does, the aliases that lead to it, and the flows that use it."""

    id: str
    name: str
    grant_type: GrantType
    state: State
    light: Light
    reasons: tuple[str, ...]
    fails_at: Instant | None
    aliases: tuple[str, ...]
    flows: tuple[UsedFlow, ...] = ()


class UsedRegistration(Wire):
    """A client registration with its connections, and its consumers elsewhere."""

    id: str
    name: str
    environment: str
    secret_path: str
    standing: Standing
    version: int
    proved_version: int
    connections: tuple[UsedConnection, ...]
    consumers: tuple[Consumer, ...]


class UsageAnswer(Wire):
    """Everything that hangs on a client secret, as far as Keyturn knows.

    ``readers`` are the identities that were given it, ``destinations`` what its folder is brought
    to. Without a ``rotation``, none keeps it. ``logReadable`` says whether Okta lets Keyturn read
    its System Log; null where that was not asked, needs no asking, or Okta gave no answer.
    """

    rotation: UsedRotation | None
    registrations: tuple[UsedRegistration, ...]
    readers: tuple[str, ...]
    destinations: tuple[str, ...]
    log_readable: bool | None = None
