"""Ask an org what no document tells: the open points of the Okta contract.

Changes only an app of its own, which it deletes at the end. Knows no command line; what it says
never holds a value.
"""

import base64
import json
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import cast

import httpx2

from keyturn.domain.okta import secret_hash
from keyturn.domain.sensitive import Sensitive

PREFIX = "keyturn-self-check-"
POLLS, POLL_S = 12, 5.0
PATIENCE = 3
APP = "/api/v1/apps/{app}"
SECRETS = APP + "/credentials/secrets"
SECRET = SECRETS + "/{secret}"
KEPT = ("name", "label", "signOnMode", "accessibility", "visibility", "credentials", "settings")
NO_TOKEN = "not-a-token"
CREATED = "app.oauth2.credentials.lifecycle.create"

Sleep = Callable[[float], Awaitable[None]]
Tell = Callable[[str], None]
Body = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Step:
    """One call of the plan: where it goes, and why."""

    method: str
    path: str
    why: str
    writes: bool = False


METADATA = Step("GET", "/.well-known/oauth-authorization-server", "is there such metadata?")
BEARER = Step("GET", "/api/v1/apps", "what does a wrong bearer token get?")
CREATE_APP = Step("POST", "/api/v1/apps", "make the app that all else is tried on", writes=True)
LIST_KEYS = Step("GET", APP + "/credentials/jwks", "which shape has a list of keys?")
SAME_VALUE = Step("POST", SECRETS, "may two client secrets have one value?", writes=True)
BORN_INACTIVE = Step("POST", SECRETS, "may a client secret begin INACTIVE?", writes=True)
STOP = Step("POST", SECRET + "/lifecycle/deactivate", "only if it is ACTIVE", writes=True)
STOP_AGAIN = Step("POST", STOP.path, "what does an INACTIVE one answer?", writes=True)
DELETE = Step("DELETE", SECRET, "make room for the next", writes=True)
SECOND = Step("POST", SECRETS, "add a client secret, to be used at once", writes=True)
PROBE = Step("POST", "/oauth2/v1/introspect", "how soon does it authenticate?")
READ_APP = Step("GET", APP, "read what the next call sends back unchanged")
PUT_APP = Step("PUT", APP, "which of two client secrets does it show?", writes=True)
USE = Step("POST", "/oauth2/v1/token", "use it with a junk refresh token, for the System Log")
LOGS = Step("GET", "/api/v1/logs", "does the log name the secret by its hash?")
STOP_APP = Step("POST", APP + "/lifecycle/deactivate", "an ACTIVE app is not deleted", writes=True)
DELETE_APP = Step("DELETE", APP, "leave nothing behind", writes=True)
READS = (METADATA, BEARER)
WRITES = (
    CREATE_APP,
    LIST_KEYS,
    SAME_VALUE,
    BORN_INACTIVE,
    STOP,
    STOP_AGAIN,
    DELETE,
    SECOND,
    PROBE,
    READ_APP,
    PUT_APP,
    USE,
    LOGS,
    STOP_APP,
    DELETE_APP,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One open point and what was seen of it."""

    point: str
    seen: str


class Stopped(Exception):
    """The org refused a call without which the rest makes no sense."""


@dataclass(slots=True)
class SelfCheck:
    """One run against an org.

    `http` reaches the org without credentials; `sleep` waits that many seconds; `tell` is given a
    line before each call. `left_behind` is the label of the app while it may exist.
    """

    http: httpx2.AsyncClient
    token: Sensitive
    sleep: Sleep
    tell: Tell
    findings: list[Finding] = field(default_factory=list)
    left_behind: str | None = None
    calls: int = 0
    _names: dict[str, str] = field(default_factory=dict)

    # --- what only looks ----------------------------------------------------------------------

    async def look(self) -> None:
        """Settle the points that need no app."""
        answer = await self._call(METADATA, authorization=None)
        self._found("metadata of the org server", described(answer))
        answer = await self._call(BEARER, authorization=f"Bearer {NO_TOKEN}")
        challenge = "with" if "www-authenticate" in answer.headers else "without"
        seen = f"{described(answer)}, {challenge} www-authenticate"
        self._found("wrong bearer token", seen)

    # --- what needs an app --------------------------------------------------------------------

    async def change(self) -> None:
        """Settle the points that need an app. Raises Stopped; the app is deleted in any case."""
        first = make_value()
        self.left_behind = label = PREFIX + secrets.token_hex(4)
        answer = await self._call(CREATE_APP, draft(label, first))
        if answer.is_client_error:
            self.left_behind = None
        made = self._need(answer)
        self._names["app"] = text(made, "id")
        client_id = text(member(made, "credentials", "oauthClient"), "client_id")
        try:
            self._found("list of keys", listed(await self._call(LIST_KEYS)))
            await self._try_same_value(first)
            await self._try_inactive()
            await self._try_second(client_id, first)
        finally:
            await self._clean_up()

    async def _try_same_value(self, value: Sensitive) -> None:
        answer = await self._call(SAME_VALUE, {"client_secret": value.reveal()})
        self._found("value used twice", described(answer))
        await self._remove(answer)

    async def _try_inactive(self) -> None:
        body = {"client_secret": make_value().reveal(), "status": "INACTIVE"}
        answer = await self._call(BORN_INACTIVE, body)
        status = f", status {text(parsed(answer), 'status')}" if answer.is_success else ""
        self._found("created INACTIVE", described(answer) + status)
        if not answer.is_success:
            answer = await self._call(SECOND, {"client_secret": make_value().reveal()})
        made = self._need(answer)
        self._names["secret"] = text(made, "id")
        if text(made, "status") == "ACTIVE":
            self._need(await self._call(STOP))
        self._found("deactivated while INACTIVE", described(await self._call(STOP_AGAIN)))
        self._need(await self._call(DELETE))

    async def _try_second(self, client_id: str, first: Sensitive) -> None:
        second = make_value()
        made = await self._call(SECOND, {"client_secret": second.reveal()})
        self._need(made)
        waited = await self._wait_for(basic_authorization(client_id, second))
        self._found("time until a new secret authenticates", waited)
        await self._try_put({secret_hash(first): "the older", secret_hash(second): "the newer"})
        await self._try_log(made.headers["date"], client_id, second)

    async def _wait_for(self, basic: str) -> str:
        for attempt in range(POLLS):
            answer = await self._call(PROBE, form={"token": "junk"}, authorization=basic)
            if answer.status_code == 200:
                return f"accepted after waiting {attempt * POLL_S:g} s"
            await self.sleep(POLL_S)
        return f"still refused after {POLLS * POLL_S:g} s"

    async def _try_put(self, names: Mapping[str, str]) -> None:
        read = self._need(await self._call(READ_APP))
        whole = {name: read[name] for name in KEPT if name in read}
        answer = await self._call(PUT_APP, whole)
        shown = member(parsed(answer), "credentials", "oauthClient").get("client_secret")
        which = "no client secret"
        if isinstance(shown, str):
            which = names.get(secret_hash(Sensitive(shown)), "an unknown client secret")
        self._found("secret shown by PUT", f"{described(answer)}, {which}")

    async def _try_log(self, since: str, client_id: str, value: Sensitive) -> None:
        form = {"grant_type": "refresh_token", "refresh_token": "junk"}
        await self._call(USE, form=form, authorization=basic_authorization(client_id, value))
        begun = parsedate_to_datetime(since).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        query = {"since": begun, "filter": 'eventType sw "app.oauth2"', "limit": "1000"}
        for _ in range(POLLS):
            answer = await self._call(LOGS, query=query)
            hashes = [*logged_hashes(parsed(answer), client_id)]
            if hashes or not answer.is_success:
                break
            await self.sleep(POLL_S)
        else:
            self._found("secret in the log of a token call", f"none in {POLLS * POLL_S:g} s")
            return
        equal = sum(one == secret_hash(value) for one in hashes)
        seen = f"{described(answer)}, {equal} of {len(hashes)} equal secret_hash"
        self._found("secret in the log of a token call", seen)
        self._found("secret in the log of its creation", named_in_creation(parsed(answer), value))

    # --- the app's end ------------------------------------------------------------------------

    async def _remove(self, answer: httpx2.Response) -> None:
        """Delete a client secret that came to be against expectation."""
        if answer.is_success:
            self._names["secret"] = text(parsed(answer), "id")
            await self._call(STOP)
            await self._call(DELETE)

    async def _clean_up(self) -> None:
        await self._call(STOP_APP)
        if (await self._call(DELETE_APP)).status_code in (204, 404):
            self.left_behind = None

    # --- calls --------------------------------------------------------------------------------

    def _found(self, point: str, seen: str) -> None:
        self.findings.append(Finding(point, seen))

    def _need(self, answer: httpx2.Response) -> Body:
        if not answer.is_success:
            where = f"{answer.request.method} {answer.request.url.path}"
            raise Stopped(f"The org refused {where}: {described(answer)}.")
        return parsed(answer)

    async def _call(
        self,
        step: Step,
        body: Body | None = None,
        *,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        authorization: str | None = "",
    ) -> httpx2.Response:
        """Make one call, as the API token's owner unless told; wait for the rate window's end."""
        path = step.path.format_map(self._names)
        headers = {"accept": "application/json"}
        if authorization is not None:
            headers["authorization"] = authorization or f"SSWS {self.token.reveal()}"
        request = self.http.build_request(
            step.method, path, json=body, data=form, params=query, headers=headers
        )
        self.tell(f"{step.method:6} {path}  ({step.why})")
        for _ in range(PATIENCE):
            self.calls += 1
            answer = await self.http.send(request)
            if answer.status_code != 429:
                return answer
            await self.sleep(window_s(answer))
        raise Stopped(f"The org's rate limit is used up: {step.method} {path} still gets 429.")


# --- reading answers ----------------------------------------------------------------------------


def make_value() -> Sensitive:
    """Make a client secret as Okta makes them: 48 random bytes."""
    return Sensitive(secrets.token_urlsafe(48))


def draft(label: str, value: Sensitive) -> Body:
    """Return the app to make: a web app that nobody is assigned to."""
    client = {"token_endpoint_auth_method": "client_secret_basic", "client_secret": value.reveal()}
    settings = {
        "application_type": "web",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "redirect_uris": ["https://localhost/keyturn-self-check"],
    }
    return {
        "name": "oidc_client",
        "label": label,
        "signOnMode": "OPENID_CONNECT",
        "credentials": {"oauthClient": client},
        "settings": {"oauthClient": settings},
    }


def basic_authorization(client_id: str, value: Sensitive) -> str:
    """Return the header that authenticates a client by its secret."""
    return "Basic " + base64.b64encode(f"{client_id}:{value.reveal()}".encode()).decode()


def parsed(answer: httpx2.Response) -> Body:
    """Return a body as an object: a list under "", nothing for what is no JSON."""
    try:
        value = answer.json()
    except ValueError:
        return {}
    return cast(Body, value) if isinstance(value, dict) else {"": value}


def text(body: Body, name: str) -> str:
    """Return a member as text that can be printed, empty when there is none."""
    whole = str(body.get(name) or "").encode(errors="replace").decode()  # JSON may escape a half
    return "".join(char if char.isprintable() else " " for char in whole)


def member(body: Body, *names: str) -> Body:
    """Return an object inside, empty when there is none."""
    for name in names:
        inner = body.get(name)
        body = cast(Body, inner) if isinstance(inner, dict) else {}
    return body


def described(answer: httpx2.Response) -> str:
    """Render status, and the error's code and texts; never a member that could be a value."""
    body = parsed(answer)
    causes = body.get("errorCauses")
    told = [text(body, name) for name in ("errorCode", "errorSummary", "error")]
    told += [text(cause, "errorSummary") for cause in causes] if isinstance(causes, list) else []
    return " ".join([str(answer.status_code), *filter(None, told)])


def listed(answer: httpx2.Response) -> str:
    """Render the shape of a list of keys."""
    body = parsed(answer)
    shape = "an array" if "" in body else f"an object of {sorted(body)}"
    return f"{described(answer)}, {shape}" if answer.is_success else described(answer)


def logged_hashes(body: Body, client_id: str) -> Iterator[str]:
    """Yield what the log names as the client secret in this client's events."""
    events = body.get("")
    for event in events if isinstance(events, list) else ():
        debug = member(event, "debugContext", "debugData")
        actor = text(member(event, "actor"), "id")
        if client_id in (actor, debug.get("clientId")) and debug.get("clientSecret"):
            yield text(debug, "clientSecret")


def named_in_creation(body: Body, value: Sensitive) -> str:
    """Tell how the log's events of new client secrets name one: by its hash, or in the clear."""
    events = body.get("")
    told = json.dumps(
        [one for one in events if text(one, "eventType") == CREATED]
        if isinstance(events, list)
        else []
    )
    seen = {"by its hash": secret_hash(value), "IN THE CLEAR": value.reveal()}
    return " and ".join(how for how, name in seen.items() if name in told) or "not at all"


def window_s(answer: httpx2.Response) -> float:
    """Return how many seconds a rate window lasts, by the org's own clock."""
    now = parsedate_to_datetime(answer.headers["date"]).timestamp()
    return max(float(answer.headers.get("x-rate-limit-reset", now)) - now, 0.0) + 1.0
