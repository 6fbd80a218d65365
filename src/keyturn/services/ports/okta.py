"""What the use cases need of Okta: an org, its apps' credentials, and a share of its rate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from keyturn.domain.budget import Allotment, Ask, Purpose, Window
from keyturn.domain.connection import OktaCredentials
from keyturn.domain.drift import Change
from keyturn.domain.evidence import Use
from keyturn.domain.ids import (
    AppId,
    ClientId,
    CredentialId,
    SecretHash,
)
from keyturn.domain.inventory import AppPage, SecretUses, ShownApp
from keyturn.domain.oauth.workflows import WorkflowsLog
from keyturn.domain.okta import (
    App,
    AuthMethod,
    Chosen,
    Credential,
    CredentialKind,
    Departure,
    FoundApps,
    KeyAlgorithm,
    Probe,
)
from keyturn.domain.sensitive import Sensitive


@dataclass(frozen=True)
class OktaCall:
    """One call that was made to Okta, for the record of a turn; status 0 where no answer came.

    ``at`` is when Okta answered, by its own clock, where it says so. ``changes`` is whether the
    call asked for a change.
    """

    what: str
    status: int
    request_id: str
    at: datetime | None = None
    changes: bool = False


class AppCredentials(Protocol):
    """The credentials of one kind that one client has at Okta.

    Every method but `choose` makes one call; what is said of `OktaOrg` is true of them as well.
    """

    def choose(self, algorithm: KeyAlgorithm) -> Chosen:
        """Choose a new value of our own, asking nobody; only a key is made for an algorithm."""
        ...

    async def list(self) -> tuple[Credential, ...]:
        """List them, with their values where Okta shows them."""
        ...

    async def add(self, value: Sensitive | None, *, mark: str = "") -> Credential:
        """Add one, ACTIVE; without a value Okta makes one and shows it in the answer.

        ``mark`` goes with the call as a part of its user agent, which Okta's System Log repeats.
        """
        ...

    async def activate(self, credential_id: CredentialId) -> None:
        """Activate one; an ACTIVE one is left as it is."""
        ...

    async def deactivate(self, credential_id: CredentialId) -> None:
        """Deactivate one."""
        ...

    async def delete(self, credential_id: CredentialId) -> bool:
        """Delete an INACTIVE one; return whether it was there."""
        ...


class OktaOrg(Protocol):
    """Speak to one Okta org.

    Every method makes its call once: nothing that changes Okta is repeated blindly. Raises
    OktaError: refused, throttled, unclear, or unreachable, each saying whether an effect is
    possible. Time limit: 15 seconds a call in all.
    """

    async def check_access(self) -> None:
        """Make sure that the credentials are good for managing apps, changing nothing."""
        ...

    async def find_app(
        self, app_or_client_id: str, kind: CredentialKind = CredentialKind.CLIENT_SECRET
    ) -> App | None:
        """Find an app by its app id or, failing that, by its client id.

        An API service integration is found by its id alone.
        """
        ...

    async def list_apps(self, starting: str, *, most: int) -> FoundApps:
        """List OAuth apps whose label, or name in Okta's catalogue, begins so, in Okta's order.

        Okta searches by nothing else. Five pages of its list are read at most.
        """
        ...

    def credentials_of(self, app_id: AppId, kind: CredentialKind) -> AppCredentials:
        """Return the credentials of this kind that an app or integration has."""
        ...

    async def list_uses(self, used: SecretHash, *, since: datetime) -> tuple[Use, ...]:
        """List what the System Log tells of a client secret's use, the latest 100 since then.

        One call of `/api/v1/logs`. Okta calls the member that carries the hash unstable, so an
        empty answer proves little.
        """
        ...

    async def read_workflows(
        self, new: SecretHash, old: SecretHash, *, since: datetime
    ) -> WorkflowsLog:
        """Read what the System Log tells of connections inside Okta Workflows since then.

        Which were created or reauthorized, and the grants for these two client secrets that are
        not Keyturn's own. One call of `/api/v1/logs`.
        """
        ...

    async def list_changes(self, *, since: datetime, pages: int = 1) -> tuple[Change, ...] | None:
        """List the changes of apps and their credentials in the System Log since then.

        One call of `/api/v1/logs` a page; None where there were more than so many answers hold.
        """
        ...

    async def list_page(self, after: str = "") -> AppPage:
        """List a page of all apps, ACTIVE or not, in Okta's order: the first, or what follows.

        ``after`` is where the page before said that it goes on. Raises OktaRefused with status 400
        where Okta does not know that any more: then the list begins anew.
        """
        ...

    async def find_shown(self, app_id: AppId) -> ShownApp | None:
        """Find an OAuth app by its app id, in one call; None where there is none."""
        ...

    async def list_secret_uses(self, *, since: datetime, pages: int) -> SecretUses:
        """List when each client secret was last granted a token since then, as the log tells.

        The newest events come first, a call of `/api/v1/logs` for each page; where so many do not
        reach back to ``since``, the answer says how far they do. Okta calls the member that
        carries the hash unstable, so that a secret which is not among them proves little.
        """
        ...

    async def list_group_apps(self, name: str) -> tuple[AppId, ...] | None:
        """List the apps that are assigned to a group, of any kind; None where there is none.

        One call to find it by its name, and one for every 200 apps; needs okta.groups.read.
        """
        ...

    async def list_makers(
        self, app_id: AppId, made: SecretHash, *, since: datetime
    ) -> tuple[str, ...]:
        """List by their user agents the calls that added this client secret, as the log tells.

        One call of `/api/v1/logs`; nothing where no event is shown, or not yet.
        """
        ...

    async def find_departure(self, user_id: str, *, since: datetime) -> Departure | None:
        """Find whether a person was deactivated, suspended or deleted, by the System Log.

        One call of `/api/v1/logs`; None for who is active again, or of whom it tells nothing.
        """
        ...

    async def list_granted_scopes(self, app_id: AppId) -> tuple[str, ...]:
        """List the Okta scopes that an app has been granted; one call, which needs appGrants.read.

        The scopes of OpenID Connect are granted to every app, and are not among them.
        """
        ...

    async def revoke_tokens(self, app_id: AppId) -> None:
        """Revoke every refresh token of an app, and the access tokens that came of them.

        One call, which may be made again: where there are none it does nothing.
        """
        ...

    async def probe(self, client_id: ClientId, value: Sensitive, method: AuthMethod) -> Probe:
        """Ask Okta whether it accepts a client secret or private key; no grant is spent."""
        ...

    async def issue_token(self) -> None:
        """Make sure that Okta has issued an access token for these credentials.

        One that is still fresh will do; an API token needs none.
        """
        ...


Journal = Callable[[OktaCall], None]


class OktaOrgs(Protocol):
    """Reach Okta orgs by their stored connections."""

    def open(
        self,
        instance_url: str,
        credentials: OktaCredentials,
        *,
        journal: Journal,
        purpose: Purpose = Purpose.FINISHING,
    ) -> OktaOrg:
        """Return the org at this address; ``journal`` is told of every call that is made.

        What the rate limit has no room for is held back by ``purpose``: its calls raise OktaHeld
        before anything is sent. Raises AddressRefused for an address that Keyturn does not go
        to, and InvalidInput for credentials that cannot be any. Access tokens of service apps are
        kept and shared between openings of one connection.
        """
        ...

    async def list_windows(self) -> Sequence[Window]:
        """List the rate windows that are known and have not turned yet."""
        ...


class Pool(Protocol):
    """Share rate windows out among the workers of one database. Raises OursError.

    Moments are by Okta's clock. A worker calls what it has taken, and nothing more.
    """

    async def take(self, wanted: Window, ask: Ask) -> Allotment | None:
        """Take calls from the window that goes on at ``wanted.resets_at``; maybe none.

        There are ``wanted.remaining`` left at most. None where no such window is known.
        """
        ...

    async def claim(self, wanted: Window, ask: Ask) -> Allotment | None:
        """Take calls as `take` does; where no such window is known, claim to learn it.

        None is that this worker is to learn it, by one call. A window with a limit of 0 is that
        another one does, until it resets at the latest.
        """
        ...

    async def learn(self, window: Window, ask: Ask) -> Allotment:
        """Put down a window that a call has shown which nobody had taken, and take from it."""
        ...

    async def give_up(self, wanted: Window) -> None:
        """Let another worker learn the window, of which a call has told nothing."""
        ...

    async def list(self, *, at: datetime) -> Sequence[Window]:
        """List the windows that go on."""
        ...
