"""Event hooks: who wants to hear of which events, and how they are told.

`EventHooks` decides what goes to whom; `HookSender` carries it there, a few at a time.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, Self

import httpx2

from keyturn.sandbox import errors, refusals
from keyturn.sandbox.http import Json
from keyturn.sandbox.shapes.log import render_event, render_published
from keyturn.sandbox.state.chance import Mint
from keyturn.sandbox.state.people import Tell
from keyturn.sandbox.state.systemlog import NOBODY, LogEvent, Party
from keyturn.sandbox.state.timeline import Timeline

TIMEOUT_S = 3.0
ATTEMPTS = 2
AT_ONCE = 4
WAITING = 1_000
FAILED_DELIVERY = "event_hook.delivery"
CHALLENGE = "x-okta-verification-challenge"

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HookDraft:
    """What somebody asks of an event hook; `auth_value` is secret."""

    name: str
    events: tuple[str, ...]
    uri: str
    headers: Pairs = field(default=(), repr=False)
    auth_key: str | None = None
    auth_value: str | None = field(default=None, repr=False)
    description: str | None = None

    @property
    def channel(self) -> tuple[object, ...]:
        """Return what makes another verification necessary when it changes."""
        return self.uri, self.headers, self.auth_key, self.auth_value

    def request_headers(self) -> dict[str, str]:
        """Return the headers of every request to the endpoint."""
        auth = {self.auth_key: self.auth_value or ""} if self.auth_key else {}
        return {"accept": "application/json", **dict(self.headers), **auth}


@dataclass(frozen=True, slots=True)
class EventHook:
    """One registered hook; `base_url` is the address of the org under which it was made."""

    id: str
    draft: HookDraft
    created_by: str
    created_at: datetime
    updated_at: datetime
    base_url: str
    status: Literal["ACTIVE", "INACTIVE"] = "ACTIVE"
    verified: bool = False

    @property
    def party(self) -> Party:
        """Return how it appears in the System Log."""
        return Party(self.id, "EventHook", self.draft.name, self.draft.uri)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request to an endpoint; `failed` is told why in the end, if it did not arrive."""

    uri: str
    headers: Mapping[str, str] = field(repr=False)
    body: Mapping[str, Json]
    failed: Callable[[str], None]


class EventHooks:
    """The hooks of one org."""

    def __init__(self, mint: Mint, now: Callable[[], datetime], tell: Tell) -> None:
        self._mint, self._now, self._tell = mint, now, tell
        self._hooks: Timeline[EventHook] = Timeline(now)

    def list(self) -> list[EventHook]:
        """Return all hooks, oldest first."""
        return list(self._hooks.values())

    def read(self, hook_id: str) -> EventHook:
        """Return one hook; OktaError when there is none."""
        hook = self._hooks.get(hook_id)
        if hook is None:
            raise errors.not_found(hook_id, "EventHook")
        return hook

    def create(self, draft: HookDraft, by: str, base_url: str) -> EventHook:
        """Register a hook: ACTIVE at once, but told nothing until it is verified."""
        now, hook_id = self._now(), self._mint.issue_id("who")
        return self._save(EventHook(hook_id, draft, by, now, now, base_url), "created")

    def change(self, hook_id: str, draft: HookDraft) -> EventHook:
        """Replace what a hook asks for; another channel must be verified again.

        A channel given without the secret, which Okta never shows, keeps the one it has.
        """
        hook = self.read(hook_id)
        if draft.auth_value is None and draft.auth_key == hook.draft.auth_key:
            draft = replace(draft, auth_value=hook.draft.auth_value)
        verified = hook.verified and draft.channel == hook.draft.channel
        return self._move(replace(hook, draft=draft, verified=verified), "updated")

    def activate(self, hook_id: str) -> EventHook:
        """Let a hook be told again."""
        return self._move(replace(self.read(hook_id), status="ACTIVE"), "activated")

    def deactivate(self, hook_id: str) -> EventHook:
        """Stop telling a hook."""
        return self._move(replace(self.read(hook_id), status="INACTIVE"), "deactivated")

    def delete(self, hook_id: str) -> EventHook:
        """Forget an INACTIVE hook; OktaError while it is ACTIVE."""
        hook = self.read(hook_id)
        if hook.status == "ACTIVE":
            raise refusals.active_hook_kept()
        del self._hooks[hook_id]
        self._tell("event_hook.deleted", NOBODY, hook.party)
        return hook

    def issue_challenge(self) -> str:
        """Return a value that only the endpoint asked can know."""
        return self._mint.issue_token()

    def settle(self, hook_id: str, reason: str | None) -> EventHook:
        """Note how an endpoint answered its challenge; OktaError when it did not answer well."""
        hook = self.read(hook_id)
        if reason is not None:
            self._tell("event_hook.verified", NOBODY, hook.party, result="FAILURE", reason=reason)
            raise refusals.unverified_hook(reason)
        return self._move(replace(hook, verified=True), "verified")

    def list_deliveries(self, event: LogEvent) -> Iterator[Delivery]:
        """Yield what an event sets going: one request for each hook that subscribed to it."""
        for hook in self._hooks.values():
            wanted = event.type in hook.draft.events and event.type != FAILED_DELIVERY
            if wanted and hook.verified and hook.status == "ACTIVE":
                yield self._deliver(hook, event)

    def _deliver(self, hook: EventHook, event: LogEvent) -> Delivery:
        body: dict[str, Json] = {
            "eventType": "com.okta.event_hook",
            "eventTypeVersion": "1.0",
            "cloudEventsVersion": "0.1",
            "source": f"{hook.base_url}/api/v1/eventHooks/{hook.id}",
            "eventId": self._mint.issue_uuid(),
            "data": {"events": [render_event(event)]},
            "eventTime": render_published(self._now()),
            "contentType": "application/json",
        }

        def failed(reason: str) -> None:
            self._tell(FAILED_DELIVERY, NOBODY, hook.party, result="FAILURE", reason=reason)

        return Delivery(hook.draft.uri, hook.draft.request_headers(), body, failed)

    def _move(self, hook: EventHook, step: str) -> EventHook:
        return self._save(replace(hook, updated_at=self._now()), step)

    def _save(self, hook: EventHook, step: str) -> EventHook:
        self._hooks[hook.id] = hook
        self._tell(f"event_hook.{step}", NOBODY, hook.party)
        return hook


class HookSender:
    """Calls endpoints: four at once, a thousand waiting, each tried twice within three seconds.

    `transport` replaces the network, as for tests. Use it as an async context manager.
    """

    def __init__(self, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._http = httpx2.AsyncClient(transport=transport, timeout=TIMEOUT_S, trust_env=False)
        self._waiting: deque[Delivery] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def post(self, delivery: Delivery) -> None:
        """Send soon, in the background; what does not fit into the queue has failed."""
        if self._closed:
            return
        if len(self._waiting) >= WAITING:
            delivery.failed("too many deliveries are waiting")
            return
        self._waiting.append(delivery)
        if len(self._tasks) < AT_ONCE:
            task = asyncio.get_running_loop().create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait until nothing is on its way."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Give up what is waiting, stop what is on its way, and let go of the network."""
        self._closed = True
        self._waiting.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._http.aclose()

    async def verify(self, draft: HookDraft, challenge: str) -> str | None:
        """Ask an endpoint to repeat a challenge; return why it did not, or None when it did."""
        headers = {**draft.request_headers(), CHALLENGE: challenge}
        answer = await self._try("GET", draft.uri, headers)
        if isinstance(answer, str):
            return answer
        try:
            told = answer.json()
        except ValueError:
            return "the endpoint did not answer with JSON"
        good = isinstance(told, dict) and told.get("verification") == challenge
        return None if good else "the endpoint did not repeat the challenge"

    async def _work(self) -> None:
        while self._waiting:
            delivery = self._waiting.popleft()
            told = await self._try("POST", delivery.uri, delivery.headers, delivery.body)
            if isinstance(told, str):
                delivery.failed(told)

    async def _try(
        self, method: str, uri: str, headers: Mapping[str, str], body: Json = None
    ) -> httpx2.Response | str:
        """Return the answer, or why there was no good one; a refusal is not tried again."""
        reason = ""
        for _ in range(ATTEMPTS):
            try:
                answer = await self._http.request(
                    method, uri, headers=headers, json=body if body is not None else None
                )
            except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
                reason = f"the endpoint could not be reached: {type(error).__name__}"
                continue
            if answer.is_success:
                return answer
            reason = f"the endpoint answered {answer.status_code}"
            if answer.is_client_error:
                break
        return reason


def read_pairs(items: Iterable[Mapping[str, Json]]) -> Pairs:
    """Return the headers of a channel's configuration."""
    return tuple((str(item.get("key", "")), str(item.get("value", ""))) for item in items)
