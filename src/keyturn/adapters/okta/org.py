"""One Okta org: which call serves which purpose.

Decides paths, the statuses that mean yes, and what a 404 means. Knows nothing of headers and
sockets.
"""

from urllib.parse import urlencode

import httpx2

from keyturn.adapters.okta import shapes
from keyturn.adapters.okta.answers import Answer, Call, segment
from keyturn.adapters.okta.credentials import ApiTokenCredentials, Credentials
from keyturn.adapters.okta.jose import Assertions
from keyturn.adapters.okta.line import Line
from keyturn.adapters.okta.probe import probe_call, read_probe
from keyturn.domain.errors import OktaRefused
from keyturn.domain.ids import AppId, ClientId, OktaSecretId
from keyturn.domain.okta import App, AuthMethod, ClientSecret, Probe, Status
from keyturn.domain.sensitive import Sensitive

APPS = "/api/v1/apps"
ACTIVE_APPS = f"{APPS}?" + urlencode({"limit": 200, "filter": 'status eq "ACTIVE"'})
MOST_PAGES = 500
"""100,000 apps; more pages than that are a loop."""


class HttpOrg:
    """Speak to one org through a line, with credentials (`services.ports.OktaOrg`)."""

    def __init__(self, line: Line, credentials: Credentials, assertions: Assertions) -> None:
        self._line = line
        self._credentials = credentials
        self._assertions = assertions

    async def check_access(self) -> None:
        """Make sure that an org answers and lets these credentials see apps, changing nothing."""
        if isinstance(self._credentials, ApiTokenCredentials):
            me = await self._read("check the API token", "/api/v1/users/me")
            me.parse(lambda data: shapes.read_text(data, "id"))
        (await self._read("list apps", f"{APPS}?limit=1")).parse(shapes.read_list)

    async def find_app(self, app_or_client_id: str) -> App | None:
        """Find an app by its app id or, failing that, by its client id among the ACTIVE ones."""
        if not app_or_client_id.strip("."):
            return None
        try:
            answer = await self._read("read an app", f"{APPS}/{segment(app_or_client_id)}")
        except OktaRefused as refused:
            if refused.answer.status != 404:
                raise
            return await self._search_app(app_or_client_id)
        return answer.parse(shapes.parse_app)

    async def list_client_secrets(self, app_id: AppId) -> tuple[ClientSecret, ...]:
        """List the app's client secrets; Okta gives all of them in one answer."""
        answer = await self._read("list client secrets", _secrets(app_id))
        return answer.parse(shapes.parse_client_secrets)

    async def add_client_secret(self, app_id: AppId, value: Sensitive) -> ClientSecret:
        """Add a client secret of our own value; the caller judges what Okta says it added."""
        call = self._change("add a client secret", "POST", _secrets(app_id), hidden=(value,))
        call = call.with_json({"client_secret": value.reveal(), "status": Status.ACTIVE})
        answer = (await self._call(call)).accept(200, 201)
        return answer.parse(shapes.parse_client_secret)

    async def activate_client_secret(self, app_id: AppId, secret_id: OktaSecretId) -> None:
        """Activate a client secret; Okta leaves an ACTIVE one as it is."""
        await self._set_status(app_id, secret_id, Status.ACTIVE)

    async def deactivate_client_secret(self, app_id: AppId, secret_id: OktaSecretId) -> None:
        """Deactivate a client secret."""
        await self._set_status(app_id, secret_id, Status.INACTIVE)

    async def delete_client_secret(self, app_id: AppId, secret_id: OktaSecretId) -> None:
        """Delete an INACTIVE client secret; a 404 that names the secret is no error."""
        path = _secrets(app_id, secret_id)
        answer = await self._call(self._change("delete a client secret", "DELETE", path))
        try:
            answer.accept(204)
        except OktaRefused as refused:
            told = refused.answer
            if not (told.status == 404 and "(OAuth2ClientSecretMediated)" in told.summary):
                raise

    async def probe(self, client_id: ClientId, value: Sensitive, method: AuthMethod) -> Probe:
        """Ask Okta whether it accepts a client secret; counts against the app's own limits."""
        call = probe_call(client_id, value, method, self._assertions)
        return read_probe(await self._line.send(call, self._line.deadline()))

    async def _search_app(self, client_id: str) -> App | None:
        seen = set[str]()
        here: str | None = ACTIVE_APPS
        while here:
            seen.add(here)
            answer = await self._read("search apps", here)
            app = answer.parse(lambda data: shapes.find_app(data, client_id))
            if app:
                return app
            here = self._find_next(answer, seen)
        return None

    def _find_next(self, answer: Answer, seen: set[str]) -> str | None:
        """Find the next page by its Link header (RFC 8288); it must be more of the same list."""
        links = httpx2.Response(200, headers=answer.headers).links
        target = links.get("next", {}).get("url")
        if target is None:
            return None
        if not target.startswith(f"{self._line.base}{APPS}?"):
            raise answer.unclear("the next page is said to be somewhere else")
        path = target.removeprefix(self._line.base)
        if path in seen or len(seen) >= MOST_PAGES:
            raise answer.unclear("the pages have no end")
        return path

    async def _set_status(self, app_id: AppId, secret_id: OktaSecretId, status: Status) -> None:
        verb = "activate" if status is Status.ACTIVE else "deactivate"
        path = f"{_secrets(app_id, secret_id)}/lifecycle/{verb}"
        answer = await self._call(self._change(f"{verb} a client secret", "POST", path))
        told = answer.accept(200).parse(shapes.parse_client_secret)
        if (told.id, told.status) != (secret_id, status):
            raise answer.unclear("the answer's id or status is not the one that was asked for")

    async def _read(self, what: str, path: str) -> Answer:
        answer = await self._call(Call(what, "GET", path, self._credentials.principal))
        return answer.accept(200)

    def _change(
        self, what: str, method: str, path: str, *, hidden: tuple[Sensitive, ...] = ()
    ) -> Call:
        principal = self._credentials.principal
        return Call(what, method, path, principal, changes=True, hidden=hidden)

    async def _call(self, call: Call) -> Answer:
        """Make the call; one that changes nothing is made again when its access token was stale."""
        until = self._line.deadline()
        sent = await self._credentials.authorise(self._line, call, until)
        answer = await self._line.send(sent, until)
        stale = answer.status == 401 and self._credentials.renewable_after(sent)
        if not stale or call.changes:
            return answer
        return await self._line.send(
            await self._credentials.authorise(self._line, call, until), until
        )


def _secrets(app_id: AppId, secret_id: OktaSecretId | None = None) -> str:
    collection = f"{APPS}/{segment(app_id)}/credentials/secrets"
    return f"{collection}/{segment(secret_id)}" if secret_id is not None else collection
