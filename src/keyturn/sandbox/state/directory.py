"""The apps of an org and the rules of their client secrets.

Every change, through the API or by somebody in the admin console, passes here; nothing here
knows HTTP.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from keyturn.sandbox import errors, refusals
from keyturn.sandbox.http import Json
from keyturn.sandbox.state.chance import Mint
from keyturn.sandbox.state.client_keys import make_keys
from keyturn.sandbox.state.client_rules import check_secret_value, default_grants
from keyturn.sandbox.state.clock import Clock
from keyturn.sandbox.state.records import (
    SECRET_METHODS,
    App,
    ClientKey,
    Integration,
    RoleAssignment,
    ScopeGrant,
    Secret,
    Status,
)
from keyturn.sandbox.state.settings import Settings
from keyturn.sandbox.state.timeline import Timeline

SOMEBODY_ELSE = "somebody else"
INTEGRATION_STEPS = {"create": "authorize", "delete": "revoke"}
APPLICATION, CLIENT = "application.lifecycle", "app.oauth2.client.lifecycle"
INTEGRATION = "integration.api_service.lifecycle"
CREDENTIALS = "app.oauth2.credentials.lifecycle"
MAX_SECRETS = 2


@dataclass(frozen=True, slots=True)
class AppDraft:
    """What is known of an app before it exists.

    `secrets` holds one entry for each client secret to make: a value, or None for one that the
    org generates.
    """

    label: str
    client_id: str | None = None
    auth_method: str = "client_secret_basic"
    application_type: str = "web"
    grant_types: tuple[str, ...] | None = None
    response_types: tuple[str, ...] = ("code",)
    redirect_uris: tuple[str, ...] = ()
    pkce_required: bool = False
    dpop_bound: bool = False
    jwks: tuple[Mapping[str, Json], ...] = ()
    granted_scopes: tuple[str, ...] = ()
    admin_role: str | None = None
    extras: Mapping[str, Json] = field(default_factory=dict)
    profile: Mapping[str, Json] | None = None
    integration: Integration | None = None
    secrets: tuple[str | None, ...] = (None,)
    active: bool = True


class Directory:
    """The apps and client secrets of one org."""

    def __init__(self, mint: Mint, clock: Clock, settings: Settings) -> None:
        self.mint = mint
        self.clock = clock
        self.settings = settings
        self.apps: Timeline[App] = Timeline(self.now)
        self._app_ids: dict[str, str] = {}

    def now(self) -> datetime:
        """Return the org's time."""
        return self.clock()

    # --- apps ---------------------------------------------------------------------------------

    def read_app(self, app_id: str) -> App:
        """Return an app; OktaError when there is none."""
        app = self._read_holder(app_id)
        if app.integration is not None:
            raise errors.not_found(app_id, "AppInstance")
        return app

    def read_integration(self, app_id: str) -> App:
        """Return an API service integration; OktaError when there is none."""
        app = self._read_holder(app_id)
        if app.integration is None:
            raise errors.not_found(app_id, "AppInstance")
        return app

    def list_apps(self) -> list[App]:
        """Return all apps that exist, oldest first."""
        return [app for app in self._living() if app.integration is None]

    def list_integrations(self) -> list[App]:
        """Return all API service integrations that exist, oldest first."""
        return [app for app in self._living() if app.integration is not None]

    def find_client(self, client_id: str) -> App | None:
        """Return the app that owns a client id, ACTIVE or not, or None."""
        app_id = self._app_ids.get(client_id)
        app = self.apps.get(app_id or "")
        return app if app is not None and app.status != "DELETED" else None

    def check_room(self) -> None:
        """Raise the OktaError of an org that has all the apps it may have."""
        most = self.settings.max_apps
        if most is not None and len(self.list_apps()) >= most:
            raise refusals.org_full()

    def create_app(self, draft: AppDraft, by: str = SOMEBODY_ELSE) -> App:
        """Make an app and its first client secrets; OktaError when the draft is not allowed."""
        if draft.client_id is not None and self.find_client(draft.client_id) is not None:
            raise errors.value_taken("client_id")
        app_id, now = self.mint.issue_id("0oa"), self.now()
        bare = App(
            id=app_id,
            client_id=draft.client_id or app_id,
            label="",
            status="ACTIVE" if draft.active else "INACTIVE",
            created_at=now,
            updated_at=now,
            integration=draft.integration,
        )
        app = replace(
            self._with_draft(bare, draft),
            grants=self.make_grants(draft.granted_scopes, by),
            roles=self.make_roles(draft.admin_role),
        )
        made = replace(app, secrets=self._first_secrets(app, draft.secrets, by))
        self._app_ids[made.client_id] = made.id
        return self._save_noted("create", made)

    def replace_app(self, app_id: str, draft: AppDraft, by: str = SOMEBODY_ELSE) -> App:
        """Replace all that can be set of an app; OktaError when the draft is not allowed.

        A client secret in the draft replaces the newest one in place; None or an empty one leaves
        it. The client id, once given, stays.
        """
        old = self.read_app(app_id)
        value = draft.secrets[0] if draft.secrets else None
        return self._save(self._with_secret(self._with_draft(old, draft), value, by))

    def activate_app(self, app_id: str) -> App:
        """Let an app be used."""
        app = replace(self.read_app(app_id), status="ACTIVE", updated_at=self.now())
        return self._save_noted("activate", app)

    def deactivate_app(self, app_id: str) -> App:
        """Stop an app; its client can no longer authenticate."""
        app = replace(self.read_app(app_id), status="INACTIVE", updated_at=self.now())
        return self._save_noted("deactivate", app)

    def delete_app(self, app_id: str) -> App:
        """Delete an INACTIVE app with its secrets; OktaError when it is ACTIVE."""
        app = self.read_app(app_id)
        if app.status == "ACTIVE":
            raise errors.delete_forbidden()
        return self._save_noted("delete", replace(self._without_secrets(app), status="DELETED"))

    def change_auth_method(self, app_id: str, method: str, by: str = SOMEBODY_ELSE) -> App:
        """Change how an app's client authenticates; leaving client secrets deletes them."""
        old = self.read_app(app_id)
        pkce = old.pkce_required or method == "none"
        app = replace(old, auth_method=method, pkce_required=pkce, updated_at=self.now())
        return self._save(self._with_secret(app, None, by))

    # --- client secrets -----------------------------------------------------------------------

    def read_secret(self, app_id: str, secret_id: str) -> Secret:
        """Return one client secret of an app; OktaError when either does not exist."""
        for secret in self._read_holder(app_id).live_secrets:
            if secret.id == secret_id:
                return secret
        raise errors.not_found(secret_id, "OAuth2ClientSecretMediated")

    def create_secret(
        self,
        app_id: str,
        value: str | None = None,
        *,
        status: Status = "ACTIVE",
        by: str = SOMEBODY_ELSE,
    ) -> Secret:
        """Add a client secret with this or a generated value; OktaError when it is refused."""
        app = self._read_holder(app_id)
        if app.auth_method == "private_key_jwt":
            raise errors.secret_unusable()
        if value is not None:
            check_secret_value(value, app.auth_method)
        if len(app.live_secrets) >= MAX_SECRETS:
            raise errors.max_secrets(self.settings.max_secrets_wording)
        secret = self._new_secret(value, by, delay_s=self.settings.propagation_s)
        if status == "INACTIVE":
            secret = replace(secret, status=status, activated_at=None)
        self._save(replace(app, secrets=(*app.secrets, secret)))
        self.note_change(f"{CREDENTIALS}.create", app, secret)
        return secret

    def activate_secret(self, app_id: str, secret_id: str) -> Secret:
        """Let a client secret be used; an ACTIVE one stays exactly as it is."""
        secret, now = self.read_secret(app_id, secret_id), self.now()
        if secret.status == "ACTIVE":
            return secret
        changed = replace(secret, status="ACTIVE", updated_at=now, activated_at=now)
        return self._change(app_id, changed, "activate")

    def deactivate_secret(self, app_id: str, secret_id: str) -> Secret:
        """Stop a client secret; OktaError when no other one is ACTIVE."""
        secret, now = self.read_secret(app_id, secret_id), self.now()
        if secret.status == "INACTIVE":
            return secret
        active = [s for s in self._read_holder(app_id).live_secrets if s.status == "ACTIVE"]
        if len(active) == 1:
            raise errors.only_active_secret()
        changed = replace(secret, status="INACTIVE", updated_at=now, deactivated_at=now)
        return self._change(app_id, changed, "deactivate")

    def delete_secret(self, app_id: str, secret_id: str) -> Secret:
        """Delete an INACTIVE client secret; OktaError when it is ACTIVE."""
        secret = self.read_secret(app_id, secret_id)
        if secret.status == "ACTIVE":
            raise errors.active_secret_kept()
        return self._change(app_id, replace(secret, deleted_at=self.now()), "delete")

    # --- API service integrations -------------------------------------------------------------

    def delete_integration(self, app_id: str) -> App:
        """Delete an API service integration with its grants and secrets."""
        app = self._without_secrets(self.read_integration(app_id))
        return self._save_noted("delete", replace(app, status="DELETED", grants=()))

    # --- grants and roles ---------------------------------------------------------------------

    def make_grants(self, scopes: Iterable[str], by: str) -> tuple[ScopeGrant, ...]:
        """Return new grants of scopes, not yet held by any app."""
        now = self.now()
        return tuple(ScopeGrant(self.mint.issue_id("oag"), scope, by, now) for scope in scopes)

    def make_roles(self, kind: str | None) -> tuple[RoleAssignment, ...]:
        """Return a new assignment of a standard admin role, or none."""
        if kind is None:
            return ()
        return (RoleAssignment(self.mint.issue_id("ra1"), kind, self.now()),)

    # --- inside -------------------------------------------------------------------------------

    def note_change(
        self, kind: str, app: App, credential: Secret | ClientKey | None = None
    ) -> None:
        """Take note of a change; the org writes it to its System Log."""

    def store_app(self, app: App) -> App:
        """Make this the current state of an app; what may change was decided before."""
        return self._save(app)

    def _read_holder(self, app_id: str) -> App:
        """Return whatever holds client secrets: an app or an API service integration."""
        app = self.apps.get(app_id)
        if app is None or app.status == "DELETED":
            raise errors.not_found(app_id, "AppInstance")
        return app

    def _living(self) -> list[App]:
        return [app for app in self.apps.values() if app.status != "DELETED"]

    def _save(self, app: App) -> App:
        self.apps[app.id] = app
        return app

    def _save_noted(self, step: str, app: App) -> App:
        self._save(app)
        if app.integration is not None:
            self.note_change(f"{INTEGRATION}.{INTEGRATION_STEPS[step]}", app)
            return app
        self.note_change(f"{APPLICATION}.{step}", app)
        self.note_change(f"{CLIENT}.{step}", app)
        return app

    def _with_draft(self, app: App, draft: AppDraft) -> App:
        """Return an app with all of a draft that can also be set later."""
        if not draft.label:
            raise errors.left_blank("label")
        now, grants = self.now(), draft.grant_types
        return replace(
            app,
            label=draft.label,
            updated_at=now,
            auth_method=draft.auth_method,
            application_type=draft.application_type,
            grant_types=default_grants(draft.application_type) if grants is None else grants,
            response_types=draft.response_types,
            redirect_uris=draft.redirect_uris,
            pkce_required=draft.pkce_required,
            dpop_bound=draft.dpop_bound,
            keys=make_keys(self.mint, draft.jwks, now, app.keys),
            extras=draft.extras,
            profile=draft.profile,
        )

    def _change(self, app_id: str, secret: Secret, step: str) -> Secret:
        app = self._read_holder(app_id)
        kept = tuple(secret if old.id == secret.id else old for old in app.secrets)
        self._save(replace(app, secrets=kept))
        self.note_change(f"{CREDENTIALS}.{step}", app, secret)
        return secret

    def _new_secret(self, value: str | None, by: str, *, delay_s: float = 0.0) -> Secret:
        now = self.now()
        return Secret(
            id=self.mint.issue_id("ocs"),
            value=value if value is not None else self.mint.issue_client_secret(),
            status="ACTIVE",
            created_at=now,
            updated_at=now,
            usable_at=now + timedelta(seconds=delay_s),
            made_by=by,
            activated_at=now,
        )

    def _first_secrets(
        self, app: App, values: tuple[str | None, ...], by: str
    ) -> tuple[Secret, ...]:
        if app.auth_method not in SECRET_METHODS:
            return ()
        for value in filter(None, values):
            check_secret_value(value, app.auth_method)
        return tuple(self._new_secret(value, by) for value in values[:MAX_SECRETS])

    def _with_secret(self, app: App, value: str | None, by: str) -> App:
        """Return the app with the secrets its method needs, the newest one with this value."""
        if app.auth_method == "private_key_jwt":
            if value:
                raise errors.secret_unusable()
            return self._without_secrets(app)
        if app.auth_method not in SECRET_METHODS:
            return app
        if not app.live_secrets:
            return replace(
                app, secrets=app.secrets + self._first_secrets(app, (value or None,), by)
            )
        return self._overwrite_newest(app, value, by) if value else app

    def _overwrite_newest(self, app: App, value: str, by: str) -> App:
        check_secret_value(value, app.auth_method)
        newest, now = app.live_secrets[-1], self.now()
        if newest.value == value:
            return app
        new = replace(newest, value=value, updated_at=now, usable_at=now, made_by=by)
        return replace(app, secrets=tuple(new if old is newest else old for old in app.secrets))

    def _without_secrets(self, app: App) -> App:
        now = self.now()
        gone = tuple(replace(s, deleted_at=s.deleted_at or now) for s in app.secrets)
        return replace(app, secrets=gone)
