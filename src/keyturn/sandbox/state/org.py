"""One Okta org in memory: its state, its settings, and what somebody at its console can do."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Unpack

from keyturn.sandbox.faults import Fault, FaultBook
from keyturn.sandbox.http import Json
from keyturn.sandbox.journal import Journal
from keyturn.sandbox.state.alarm import CredentialAlarm
from keyturn.sandbox.state.chance import Mint
from keyturn.sandbox.state.clock import Clock, VirtualClock, utc_now
from keyturn.sandbox.state.devices import Devices
from keyturn.sandbox.state.directory import AppDraft, Directory
from keyturn.sandbox.state.event_hooks import EventHooks, HookSender
from keyturn.sandbox.state.groups import Groups
from keyturn.sandbox.state.interactions import Interactions
from keyturn.sandbox.state.keys import Keys, render_private, render_public
from keyturn.sandbox.state.limits import Concurrency, RateWindows
from keyturn.sandbox.state.parties import app_party, caller_party, credential_party
from keyturn.sandbox.state.people import People, UserDraft
from keyturn.sandbox.state.principal_limits import PrincipalLimits
from keyturn.sandbox.state.records import ApiToken, App, ClientKey, Secret, User
from keyturn.sandbox.state.servers import AuthorizationServers
from keyturn.sandbox.state.sessions import Sessions
from keyturn.sandbox.state.settings import Settings, SettingsChange
from keyturn.sandbox.state.systemlog import CONSOLE, NOBODY, LogEvent, Origin, Party, SystemLog
from keyturn.sandbox.state.timeline import Timeline, forget_past
from keyturn.sandbox.state.tokens import TokenBook

if TYPE_CHECKING:
    from keyturn.sandbox.routing import Call

Sleep = Callable[[float], Awaitable[None]]

REDIRECT_URI = "http://127.0.0.1/callback"
SERVICE_SCOPES = ("okta.apps.manage", "okta.apps.read", "okta.logs.read")


@dataclass(frozen=True, slots=True)
class Seeded:
    """What a fresh org holds: who may log in and with what."""

    org_id: str
    api_token: str
    web_app_id: str
    service_app_id: str
    user_id: str


class Org(Directory):
    """An org that answers like Okta.

    The same seed, requests and clock give the same answers, tokens included. `clock` returns aware
    UTC times, and the org can show others; a `VirtualClock` is taken as it is. `sleep` waits that
    many seconds (for faults that delay); `keys` are used instead of the seed's; `settings` are
    those to begin with, now and after each reset.
    """

    def __init__(
        self,
        seed: int = 0,
        clock: Clock = utc_now,
        *,
        keys: Keys | None = None,
        sleep: Sleep = asyncio.sleep,
        settings: Settings | None = None,
    ) -> None:
        self._first_settings = settings or Settings()
        self._given_keys = keys
        self.sleep = sleep
        self.concurrency = Concurrency()
        self.hook_sender: HookSender | None = None
        self._begin(seed, clock if isinstance(clock, VirtualClock) else VirtualClock(clock))

    def reset(self, seed: int, at: datetime | None = None) -> None:
        """Forget everything and begin again from a seed, with the first settings and clock.

        With `at` the clock shows that moment, as fast as at first; ValueError, and nothing is
        changed, for one that it cannot show.
        """
        clock = VirtualClock(self.clock.real, self.clock.start)
        if at is not None:
            clock.set(at)
        self._begin(seed, clock)

    def _begin(self, seed: int, clock: VirtualClock) -> None:
        super().__init__(Mint(seed), clock, replace(self._first_settings))
        self.clock: VirtualClock = clock
        self.keys = self._given_keys or Keys.of_seed(seed)
        self.principal_limits = PrincipalLimits(self.now)
        self.limits = RateWindows(self.principal_limits.percent_of)
        self.faults = FaultBook(seed)
        self.journal = Journal()
        self.tokens = TokenBook(self.now)
        self.sessions = Sessions(self.mint)
        self.interactions = Interactions()
        self.alarm = CredentialAlarm()
        self.system_log = SystemLog()
        self._calling: tuple[Call, str] | None = None
        self.people = People(self.mint, self.now, self.tell)
        self.devices = Devices(self.mint, self.now, self.tell)
        self.groups = Groups(self.mint, self.now, self.tell)
        self.event_hooks = EventHooks(self.mint, self.now, self.tell)
        self.api_tokens: dict[str, ApiToken] = {}
        self.last_used: dict[str, datetime] = {}
        self.seeded = self._seed()
        self.servers = AuthorizationServers(self.mint, self.now)
        self.system_log = SystemLog()
        self.system_log.listener = self._deliver
        forget_past(self)

    def _seed(self) -> Seeded:
        org_id = self.mint.issue_id("00o")
        admin = self.create_user("admin@example.com", "Ada", "Admin", admin=True)
        user = self.create_user("user@example.com", "Una", "User")
        api_token = self.create_api_token("admin", admin.id)
        web = AppDraft("Example web app", redirect_uris=(REDIRECT_URI,))
        service = AppDraft(
            "Example service app",
            auth_method="private_key_jwt",
            application_type="service",
            response_types=("token",),
            jwks=(render_public(self.keys.service),),
            granted_scopes=SERVICE_SCOPES,
            admin_role="SUPER_ADMIN",
        )
        web_id = self.create_app(web, by="seed").id
        self.devices.seed(user.id)
        return Seeded(org_id, api_token, web_id, self.create_app(service, by="seed").id, user.id)

    @property
    def users(self) -> Timeline[User]:
        """Return everybody by id."""
        return self.people.users

    def tell(self, kind: str, actor: Party = NOBODY, *targets: Party, **more: object) -> LogEvent:
        """Write an event to the System Log; ``more`` are further fields of `LogEvent`.

        Without an actor it is whoever calls now, or somebody at the console.
        """
        uuid, origin = self.mint.issue_uuid(), self._origin()
        if actor is NOBODY:
            actor = caller_party(self, self._calling[0].principal) if self._calling else CONSOLE
        return self.system_log.write(
            uuid, self.now(), kind, actor, targets=targets, origin=origin, **more
        )

    @contextmanager
    def calling(self, call: "Call", request_id: str) -> Iterator[None]:
        """Attribute what happens inside the block to a request."""
        self._calling = call, request_id
        try:
            yield
        finally:
            self._calling = None

    @contextmanager
    def at_console(self) -> Iterator[None]:
        """Attribute what happens inside the block to somebody at the console, request or not."""
        calling, self._calling = self._calling, None
        try:
            yield
        finally:
            self._calling = calling

    def note_change(
        self, kind: str, app: App, credential: Secret | ClientKey | None = None
    ) -> None:
        """Write a change of an app or of one of its credentials to the System Log."""
        target = () if credential is None else (credential_party(app, credential),)
        self.tell(kind, NOBODY, app_party(app), *target)

    def _origin(self) -> Origin | None:
        if self._calling is None:
            return None
        call, request_id = self._calling
        principal, request = call.principal, call.request
        return Origin(
            request_id,
            request.path,
            request.client_ip,
            request.headers.get("user-agent", ""),
            client_id=call.client_id if principal.user_id is None else None,
            api_token=principal.name.rpartition(":")[2] if principal.scopes is None else None,
        )

    def _deliver(self, event: LogEvent) -> None:
        if self.hook_sender is not None:
            for delivery in self.event_hooks.list_deliveries(event):
                self.hook_sender.post(delivery)

    # --- people and API tokens ----------------------------------------------------------------

    def create_user(
        self, login: str, first_name: str, last_name: str, *, admin: bool = False
    ) -> User:
        """Make an active person with a generated password."""
        password = self.mint.issue_token(15)
        draft = UserDraft(login, first_name, last_name, password=password, admin=admin)
        return self.people.create(draft)

    def create_api_token(self, label: str, user_id: str) -> str:
        """Make an SSWS token for a person and return it."""
        token = self.mint.issue_api_token()
        token_id = "00T" + hashlib.sha256(token.encode()).hexdigest()[:17]
        self.api_tokens[token] = ApiToken(label, user_id, token_id, self.now())
        return token

    def log_in(self, login: str, password: str) -> User | None:
        """Return the person with this login and password, None when there is none."""
        return self.people.log_in(login, password)

    # --- the console --------------------------------------------------------------------------

    def change_redirect_uris(self, app_id: str, uris: tuple[str, ...]) -> App:
        """Replace the addresses to which an app's log-ins may return."""
        app = self.read_app(app_id)
        return self._save(replace(app, redirect_uris=uris, updated_at=self.now()))

    def change_dpop(self, app_id: str, *, bound: bool) -> App:
        """Ask an app for DPoP proofs, or no longer."""
        app = self.read_app(app_id)
        return self._save(replace(app, dpop_bound=bound, updated_at=self.now()))

    def change_admin_role(self, app_id: str, role: str | None) -> App:
        """Assign an admin role to a service app, or take it away."""
        return self._save(replace(self.read_app(app_id), roles=self.make_roles(role)))

    def remove_scope(self, client_id: str, scope: str) -> bool:
        """Take an API scope from a client and from its access tokens; False if none had it."""
        app = self.find_client(client_id)
        granted = app is not None and scope in app.granted_scopes
        if app is not None and granted:
            kept = tuple(grant for grant in app.grants if grant.scope != scope)
            self._save(replace(app, grants=kept))
        return self.tokens.remove_scope(client_id, scope) or granted

    def remove_roles(self, client_id: str) -> bool:
        """Take every admin role from a client; False when it has none."""
        app = self.find_client(client_id)
        if app is None or not app.roles:
            return False
        self._save(replace(app, roles=()))
        return True

    def credentials(self) -> dict[str, Json]:
        """Return what a test needs to use the seeded org, clear secrets included.

        What was deleted since then opens nothing any more: no client secret, no user.
        """
        web, user = self.apps[self.seeded.web_app_id], self.users.get(self.seeded.user_id)
        return {
            "ssws_token": self.seeded.api_token,
            "service_client_id": self.apps[self.seeded.service_app_id].client_id,
            "service_private_jwk": render_private(self.keys.service),
            "app": {
                "id": web.id,
                "client_id": web.client_id,
                "client_secret": web.live_secrets[-1].value if web.live_secrets else None,
                "label": web.label,
            },
            "user": {"login": user.login, "password": user.password} if user else None,
        }

    def truth(self) -> dict[str, Json]:
        """Return every app and secret that ever was, with exact times and no clear value."""
        apps = [self._render_truth(app) for app in self.apps.values()]
        return {"now": self.now().isoformat(), "apps": apps}

    def requests(self, after: int = 0) -> dict[str, Json]:
        """Return the requests numbered above `after`."""
        return {"requests": self.journal.list(after), "last": self.journal.last}

    def counts(self) -> dict[str, int]:
        """Return how many requests there were by subject, refused, failed and dropped."""
        return self.journal.count()

    def add_fault(self, fault: Fault) -> str:
        """Put a fault in force and return its id."""
        return self.faults.add(fault)

    def list_faults(self) -> list[dict[str, Json]]:
        """Return the faults in force."""
        return self.faults.list()

    def remove_fault(self, fault_id: str | None = None) -> None:
        """Lift one fault, or all of them."""
        self.faults.remove(fault_id)

    def change_settings(self, **changes: Unpack[SettingsChange]) -> Settings:
        """Change what is given, leave the rest; ValueError when a value is unknown."""
        self.settings = replace(self.settings, **changes)
        return self.settings

    def _render_truth(self, app: App) -> dict[str, Json]:
        return {
            "id": app.id,
            "client_id": app.client_id,
            "label": app.label,
            "status": app.status,
            "auth_method": app.auth_method,
            "secrets": [self._render_secret_truth(secret) for secret in app.secrets],
        }

    def _render_secret_truth(self, secret: Secret) -> dict[str, Json]:
        deleted = secret.deleted_at is not None
        return {
            "id": secret.id,
            "hash": secret.hash,
            "status": "DELETED" if deleted else secret.status,
            "created_at": _iso(secret.created_at),
            "activated_at": _iso(secret.activated_at),
            "deactivated_at": _iso(secret.deactivated_at),
            "deleted_at": _iso(secret.deleted_at),
            "usable_at": _iso(secret.usable_at),
            "last_used_at": _iso(self.last_used.get(secret.id)),
            "made_by": secret.made_by,
        }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
