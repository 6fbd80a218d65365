"""One Okta org: which call serves which purpose.

Decides with which credentials, how an app is found, and how the System Log is asked. Knows nothing
of headers and sockets.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

import httpx2

from keyturn.adapters.okta import inventory_shapes, shapes
from keyturn.adapters.okta.answers import Answer, Call, segment
from keyturn.adapters.okta.app_credentials import HttpAppCredentials
from keyturn.adapters.okta.credentials import ApiTokenCredentials, Credentials
from keyturn.adapters.okta.line import Line
from keyturn.adapters.okta.management import Management
from keyturn.adapters.okta.probe import probe_call, read_probe
from keyturn.domain.drift import Change
from keyturn.domain.errors import OktaRefused
from keyturn.domain.evidence import Use
from keyturn.domain.ids import AppId, ClientId, SecretHash
from keyturn.domain.inventory import AppPage, SecretUses, ShownApp
from keyturn.domain.oauth.workflows import WorkflowsLog
from keyturn.domain.okta import App, AuthMethod, CredentialKind, Departure, FoundApps, Probe
from keyturn.domain.okta_paths import APPS_PATH as APPS
from keyturn.domain.okta_paths import LOGS_PATH, ME_PATH
from keyturn.domain.sensitive import Sensitive
from keyturn.jose.assertions import Assertions

INTEGRATIONS = "/integrations/api/v1/api-services"
GROUPS = "/api/v1/groups"
OF_APPS = " or ".join(
    f'eventType sw "{kind}"'
    for kind in (
        "app.oauth2.credentials.lifecycle",
        "app.oauth2.client.lifecycle",
        "application.lifecycle",
        "integration.api_service.lifecycle",
    )
)
OF_WORKFLOWS = " or ".join(
    f'eventType eq "workflows.user.connection.{done}"' for done in ("create", "reauthorize")
)
USES = "debugContext.debugData.clientSecret eq"
MADE = "app.oauth2.credentials.lifecycle.create"
API_SERVICE = CredentialKind.API_SERVICE_SECRET
MOST_EVENTS = 1000
"""As many as one answer of the System Log holds."""
MOST_OF_A_PERSON = 20
"""As many events of one person are read as may have failed since the last that did not."""
EVERY_APP = urlencode({"limit": 200})
OF_GRANTS = " or ".join(f'eventType sw "app.oauth2.{server}token.grant"' for server in ("", "as."))
ACTIVE_APPS = f"{APPS}?" + urlencode({"limit": 200, "filter": 'status eq "ACTIVE"'})
MOST_PAGES = 500
"""100,000 apps; more pages than that are a loop."""
SEARCHED_PAGES = 5
"""As much of a list is read for somebody who may as well type another letter."""


@dataclass(frozen=True)
class Others:
    """With what those calls are authorised that need scopes which an org may not have granted."""

    logs: Credentials
    integrations: Credentials
    grants: Credentials
    groups: Credentials


class HttpOrg:
    """Speak to one org through a line, with credentials (`services.ports.OktaOrg`)."""

    def __init__(
        self,
        line: Line,
        credentials: Credentials,
        assertions: Assertions,
        others: Others,
    ) -> None:
        self._line = line
        self._apps = Management(line, credentials)
        self._logs = Management(line, others.logs)
        self._integrations = Management(line, others.integrations)
        self._grants = Management(line, others.grants)
        self._groups = Management(line, others.groups)
        self._assertions = assertions
        self._chance = assertions.chance

    async def check_access(self) -> None:
        """Make sure that an org answers and lets these credentials see apps, changing nothing."""
        if isinstance(self._apps.credentials, ApiTokenCredentials):
            me = await self._apps.read("check the API token", ME_PATH)
            me.parse(lambda data: shapes.read_text(data, "id"))
        (await self._apps.read("list apps", f"{APPS}?limit=1")).parse(shapes.read_list)

    async def find_app(
        self, app_or_client_id: str, kind: CredentialKind = CredentialKind.CLIENT_SECRET
    ) -> App | None:
        """Find an app by its app id or, failing that, by its client id among the ACTIVE ones.

        An API service integration is found by its id alone.
        """
        if not app_or_client_id.strip("."):
            return None
        if kind is API_SERVICE:
            return await self._find_integration(app_or_client_id)
        try:
            answer = await self._apps.read("read an app", f"{APPS}/{segment(app_or_client_id)}")
        except OktaRefused as refused:
            if refused.answer.status != 404:
                raise
            return await self._search_app(app_or_client_id)
        return answer.parse(shapes.parse_app)

    async def list_apps(self, starting: str, *, most: int) -> FoundApps:
        """List OAuth apps whose label or name begins so; others are passed over."""
        found, seen = list[App](), set[str]()
        here: str | None = f"{APPS}?" + urlencode({"limit": 200, "q": starting})
        while here and len(seen) < SEARCHED_PAGES and len(found) <= most:
            seen.add(here)
            answer = await self._apps.read("search apps", here)
            found += answer.parse(shapes.parse_apps)
            here = self._find_next(answer, seen)
        return FoundApps(tuple(found[:most]), more=bool(here) or len(found) > most)

    def credentials_of(self, app_id: AppId, kind: CredentialKind) -> HttpAppCredentials:
        """Return the credentials of this kind that an app or integration has."""
        management = self._integrations if kind is API_SERVICE else self._apps
        return HttpAppCredentials(management, self._chance, app_id, kind)

    async def list_uses(self, used: SecretHash, *, since: datetime) -> tuple[Use, ...]:
        """List the latest OAuth events that name this client secret by its hash."""
        wanted = f'eventType sw "app.oauth2" and {USES} "{used}"'
        answer = await self._read_log(wanted, since, limit=100)
        return answer.parse(shapes.parse_uses)

    async def read_workflows(
        self, new: SecretHash, old: SecretHash, *, since: datetime
    ) -> WorkflowsLog:
        """Read what is told of connections inside Okta Workflows and of two client secrets."""
        shown = f'eventType sw "app.oauth2" and ({USES} "{new}" or {USES} "{old}")'
        wanted = f"{OF_WORKFLOWS} or ({shown})"
        answer = await self._read_log(wanted, since, limit=MOST_EVENTS)
        return answer.parse(lambda data: shapes.parse_workflows(data, new))

    async def list_changes(self, *, since: datetime, pages: int = 1) -> tuple[Change, ...] | None:
        """List the changes of apps and their credentials; None where there are too many."""
        found = list[Change]()
        async with aclosing(self._read_log_back(OF_APPS, since, pages)) as answers:
            async for answer in answers:
                changes, count = answer.parse(shapes.parse_changes)
                found += changes
                if count < MOST_EVENTS:
                    return tuple(found)
        return None

    async def list_page(self, after: str = "") -> AppPage:
        """List a page of all apps; ``after`` is the query of the next page, as Okta wrote it."""
        here = f"{APPS}?{after or EVERY_APP}"
        answer = await self._apps.read("list apps", here)
        apps, others = answer.parse(inventory_shapes.parse_page)
        onward = self._find_next(answer, {here})
        return AppPage(apps, others, onward.partition("?")[2] if onward else "")

    async def find_shown(self, app_id: AppId) -> ShownApp | None:
        """Find an OAuth app by its app id; None where there is none."""
        try:
            answer = await self._apps.read("read an app", f"{APPS}/{segment(app_id)}")
        except OktaRefused as refused:
            if refused.answer.status != 404:
                raise
            return None
        return answer.parse(inventory_shapes.parse_shown)

    async def list_secret_uses(self, *, since: datetime, pages: int) -> SecretUses:
        """List when each client secret was last granted a token, the newest events first."""
        latest, reached = dict[SecretHash, datetime](), since
        async with aclosing(self._read_log_back(OF_GRANTS, since, pages)) as answers:
            async for answer in answers:
                uses, count, oldest = answer.parse(inventory_shapes.parse_grants)
                latest = uses | latest
                if count < MOST_EVENTS:
                    return SecretUses(latest, since)
                reached = oldest or reached
        return SecretUses(latest, reached)

    async def find_departure(self, user_id: str, *, since: datetime) -> Departure | None:
        """Find whether the last that befell a person was to be deactivated, or the like."""
        if not user_id.isalnum():
            return None
        wanted = f'eventType sw "{shapes.OF_PEOPLE}" and target.id eq "{user_id}"'
        answer = await self._read_log(wanted, since, limit=MOST_OF_A_PERSON)
        return answer.parse(shapes.parse_departure)

    async def list_granted_scopes(self, app_id: AppId) -> tuple[str, ...]:
        """List the Okta scopes that an app has been granted."""
        path = f"{APPS}/{segment(app_id)}/grants"
        answer = await self._grants.read("list the grants of an app", path)
        return answer.parse(shapes.parse_scopes)

    async def list_group_apps(self, name: str) -> tuple[AppId, ...] | None:
        """List the apps that are assigned to a group; None where no group has this name.

        A directory may have brought another one of the same name: their apps are taken together.
        """
        wanted = urlencode({"search": f"profile.name eq {json.dumps(name, ensure_ascii=False)}"})
        answer = await self._groups.read("search groups", f"{GROUPS}?{wanted}")
        groups = answer.parse(inventory_shapes.parse_groups)
        ids = [each for each, called in groups if called == name]
        found = [app_id for each in ids for app_id in await self._list_assigned(each)]
        return tuple(dict.fromkeys(found)) if ids else None

    async def _list_assigned(self, group_id: str) -> list[AppId]:
        path, found, seen = f"{GROUPS}/{segment(group_id)}/apps", list[AppId](), set[str]()
        here: str | None = f"{path}?limit=200"
        while here:
            seen.add(here)
            answer = await self._groups.read("list the apps of a group", here)
            found += answer.parse(inventory_shapes.parse_ids)
            here = self._find_next(answer, seen, path)
        return found

    async def list_makers(
        self, app_id: AppId, made: SecretHash, *, since: datetime
    ) -> tuple[str, ...]:
        """List by their user agents the calls that added this client secret to this app."""
        wanted = f'eventType eq "{MADE}" and target.id eq "{app_id}"'
        answer = await self._read_log(wanted, since, limit=100)
        return answer.parse(lambda data: shapes.parse_makers(data, made))

    async def _read_log(self, wanted: str, since: datetime, *, limit: int) -> Answer:
        asked = {
            "filter": wanted,
            "since": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "sortOrder": "DESCENDING",
            "limit": str(limit),
        }
        path = f"{LOGS_PATH}?{urlencode(asked)}"
        return await self._logs.read("read the System Log", path)

    async def _read_log_back(
        self, wanted: str, since: datetime, pages: int
    ) -> AsyncGenerator[Answer]:
        """Read pages of the System Log as far back as a time, so many at most."""
        answer = await self._read_log(wanted, since, limit=MOST_EVENTS)
        yield answer
        for _ in range(pages - 1):
            onward = self._find_onward(answer, LOGS_PATH)
            if onward is None:
                return
            answer = await self._logs.read("read the System Log", onward)
            yield answer

    async def revoke_tokens(self, app_id: AppId) -> None:
        """Revoke every refresh token of an app."""
        path = f"{APPS}/{segment(app_id)}/tokens"
        call = self._apps.change("revoke the refresh tokens of an app", "DELETE", path)
        (await self._apps.call(call)).accept(204)

    async def probe(self, client_id: ClientId, value: Sensitive, method: AuthMethod) -> Probe:
        """Ask Okta whether it accepts a credential; counts against the app's own limits."""
        call = probe_call(client_id, value, method, self._assertions)
        return read_probe(await self._line.send(call, self._line.deadline()))

    async def issue_token(self) -> None:
        """Make sure that Okta has issued an access token for these credentials."""
        call = Call("issue an access token", "GET", APPS, self._apps.credentials.principal)
        await self._apps.credentials.authorise(self._line, call, self._line.deadline())

    async def _find_integration(self, integration_id: str) -> App | None:
        path = f"{INTEGRATIONS}/{segment(integration_id)}"
        try:
            answer = await self._integrations.read("read an API service integration", path)
        except OktaRefused as refused:
            if refused.answer.status != 404:
                raise
            return None
        return answer.parse(shapes.parse_integration)

    async def _search_app(self, client_id: str) -> App | None:
        seen = set[str]()
        here: str | None = ACTIVE_APPS
        while here:
            seen.add(here)
            answer = await self._apps.read("search apps", here)
            app = answer.parse(lambda data: shapes.find_app(data, client_id))
            if app:
                return app
            here = self._find_next(answer, seen)
        return None

    def _find_next(self, answer: Answer, seen: set[str], of: str = APPS) -> str | None:
        """Find the next page by its Link header (RFC 8288); it must be more of the same list."""
        path = self._find_onward(answer, of)
        if path in seen or len(seen) >= MOST_PAGES:
            raise answer.unclear("the pages have no end")
        return path

    def _find_onward(self, answer: Answer, of: str) -> str | None:
        links = httpx2.Response(200, headers=answer.headers).links
        target = links.get("next", {}).get("url")
        if target is None:
            return None
        if not target.startswith(f"{self._line.base}{of}?"):
            raise answer.unclear("the next page is said to be somewhere else")
        return target.removeprefix(self._line.base)
