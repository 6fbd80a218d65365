"""What is at hand of one held turn: what it is about, the values that are kept, the way to Okta.

Decides nothing: what is looked at is in `looks`, what is done in `journey`.
"""

from dataclasses import dataclass

from keyturn.domain.budget import Purpose
from keyturn.domain.connection import ServiceApp
from keyturn.domain.errors import OktaRefused, OktaThrottled, OursError
from keyturn.domain.ids import SecretHash, SecretId
from keyturn.domain.okta import Probe, hash_of
from keyturn.domain.project import Place
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret, State, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Held, Turn
from keyturn.services.connections import key_in_use, open_org, open_org_with
from keyturn.services.dependents import list_waited_for
from keyturn.services.logbook import Logbook
from keyturn.services.ports import AppCredentials, OktaOrg, Reading, World
from keyturn.services.projects import place_of
from keyturn.services.records import must
from keyturn.services.sealing import open_version


@dataclass(frozen=True)
class Subject:
    """Where what is turned is kept; the ids outlive a change of the mapped names."""

    place: Place
    client_secret: SecretId
    client_id: SecretId


class Desk:
    """A held turn with everything that its steps need.

    ``purpose`` is what the calls to Okta that come next are for.
    """

    def __init__(self, world: World, book: Logbook, rotation: Rotation, subject: Subject) -> None:
        self.world = world
        self.book = book
        self.rotation = rotation
        self.subject = subject
        self.purpose = Purpose.FINISHING

    @classmethod
    async def of(cls, world: World, turn: Turn, held_since_s: float) -> "Desk":
        """Read what the turn is about."""
        async with world.store.reading() as tx:
            rotation = await must(tx.find(Rotation, id=turn.rotation_id))
            place, names = await place_of(tx, rotation.folder_id), rotation.mapping
            secrets = {s.name: s.id for s in await tx.list(Secret, rotation_id=rotation.id)}
        subject = Subject(place, secrets[names.client_secret], secrets[names.client_id])
        return cls(world, Logbook(world, turn, held_since_s), rotation, subject)

    @property
    def turn(self) -> Turn:
        """The turn as it was last written."""
        return self.book.turn

    @property
    def noun(self) -> str:
        """What people call what is turned."""
        return self.turn.rules.noun

    async def org(self) -> OktaOrg:
        """Open the org; every call is told to the turn's book."""
        async with self.world.store.reading() as tx:
            return await self._org_in(tx)

    async def _org_in(self, tx: Reading) -> OktaOrg:
        connection_id, journal = self.rotation.connection_id, self.book.hear
        return await open_org(tx, self.world, connection_id, journal, self.purpose)

    async def credentials(self) -> AppCredentials:
        """Open the org's credentials of the kind that is turned."""
        async with self.world.store.reading() as tx:
            return await self.credentials_in(tx)

    async def credentials_in(self, tx: Reading) -> AppCredentials:
        """Open the org's credentials of the kind that is turned, as a transaction sees them."""
        return (await self._org_in(tx)).credentials_of(self.turn.app_id, self.turn.kind)

    async def probe(self, held: Held) -> Probe:
        """Ask Okta whether it accepts a credential, as its user would use it."""
        async with self.world.store.reading() as tx:
            org, value = await self._org_in(tx), await self._value_in(tx, held)
        told = await org.probe(self.rotation.client_id, value, self.rotation.auth_method)
        if told is Probe.ACCEPTED and self.turn.rules.of_connection:
            return await self._prove_token(value)
        return told

    async def _prove_token(self, private_jwk: Sensitive) -> Probe:
        """See whether Okta issues an access token for a key that Keyturn itself is to use."""
        connection_id, journal = self.rotation.connection_id, self.book.hear
        proposed = ServiceApp(self.rotation.client_id, private_jwk)
        async with self.world.store.reading() as tx:
            org = await open_org_with(tx, self.world, connection_id, proposed, journal)
        try:
            await org.issue_token()
        except OktaThrottled:
            raise
        except OktaRefused:
            return Probe.REJECTED
        return Probe.ACCEPTED

    async def served(self) -> SecretHash | None:
        """Return by its hash what is in use: by readers, or by the connection itself."""
        async with self.world.store.reading() as tx:
            if self.turn.rules.of_connection:
                in_use = await key_in_use(tx, self.world, self.rotation.connection_id)
                return hash_of(self.turn.kind, in_use.private_jwk) if in_use else None
            kept = self.subject.client_secret
            served = await tx.find(Version, secret_id=kept, state=State.CURRENT)
        return served.hash if served else None

    async def superseded(self) -> frozenset[SecretHash]:
        """Return the hashes of what was served before and nothing needs any more."""
        async with self.world.store.reading() as tx:
            kept = await tx.list(Version, secret_id=self.subject.client_secret)
        needed = {v.hash for v in kept if v.state in (State.CURRENT, State.PENDING)}
        return frozenset(v.hash for v in kept if v.hash and v.hash not in needed)

    async def unconfirmed(self) -> tuple[str, ...]:
        """Name the destinations and dependents that do not have what is served yet."""
        version = (self.turn.new and self.turn.new.version) or 0
        async with self.world.store.reading() as tx:
            return await list_waited_for(tx, self.rotation, version)

    async def version(self, tx: Reading, held: Held) -> Version:
        """Read the version that keeps a credential's value."""
        kept = self.subject.client_secret
        return await must(tx.find(Version, secret_id=kept, number=held.version))

    async def value(self, held: Held) -> Sensitive:
        """Open a credential's value. Raises SealBroken."""
        async with self.world.store.reading() as tx:
            return await self._value_in(tx, held)

    async def _value_in(self, tx: Reading, held: Held) -> Sensitive:
        version = await self.version(tx, held)
        return open_version(self.world, self.subject.place.project, version)


def promised(held: Held | None) -> Held:
    """Return what the turn's phase promises. Raises OursError where its record lacks it."""
    if held is None:
        raise OursError("The turn's record lacks a credential that its phase promises.")
    return held
