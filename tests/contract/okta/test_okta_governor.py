"""Calls go while the rate windows have room for what they are for, whoever makes them."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import format_datetime
from hashlib import sha256

import httpx2
import pytest
from okta_kit import API_TOKEN, BASE, START, reply, secret

from keyturn.adapters.okta import Governor, OktaHttpOrgs
from keyturn.adapters.okta.answers import Answer, Call
from keyturn.adapters.okta.governor import MANY
from keyturn.domain.budget import LEARN_S, Allotment, Ask, Purpose, Shares, Window
from keyturn.domain.connection import ApiToken
from keyturn.domain.errors import (
    OktaHeld,
    OktaRefused,
    OktaThrottled,
    OktaUnclear,
    OktaUnreachable,
    OursError,
)
from keyturn.domain.ids import AppId, CredentialId
from keyturn.domain.okta import CredentialKind
from keyturn.services.budgets import SharedPool
from keyturn.services.ports import AppCredentials, Pool
from keyturn.testing import ManualClock, MemoryStore, SeededChance

FAIR = Shares()
URL = f"{BASE}/api/v1/apps/app0"
CHANGE = CredentialId("ocs1")
NOBODY_KNOWS = Window(
    BASE, f"SSWS {sha256(API_TOKEN.reveal().encode()).hexdigest()}", "api/v1/apps", 0, 0, START
)
ASK = Ask(Purpose.FINISHING)


@dataclass
class Limited:
    """An Okta that allows so many calls a minute, and counts those that it refuses.

    ``barred_by`` is the status with which a gateway spoils every answer, 0 for none.
    """

    limit: int
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    asked: list[str] = field(default_factory=list)
    refused: int = 0
    silent: bool = False
    slow: bool = False
    broken: int = 0
    barred_by: int = 0
    in_hand: int = 0
    most_in_hand: int = 0
    _used: int = 0
    _reset: int = 0

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        """Answer after a while, as an org does."""
        self.asked.append(f"{request.method} {request.url.path.split('/')[4]}")
        if self.broken:
            self.broken -= 1
            raise httpx2.ConnectError("away")
        if self.slow:
            for _ in range(10 * len(self.asked)):
                await asyncio.sleep(0)
        self.use(1)
        if self.barred_by:
            return httpx2.Response(self.barred_by, text="a gateway on the way")
        over = self._used > self.limit
        self.refused += over
        headers = {} if self.silent else self._headers()
        self.in_hand += 1
        self.most_in_hand = max(self.most_in_hand, self.in_hand)
        await asyncio.sleep(0)
        self.in_hand -= 1
        body = secret(status="ACTIVE" if "/activate" in str(request.url) else "INACTIVE")
        return reply(429 if over else 200, [] if request.method == "GET" else body, **headers)

    def use(self, calls: int) -> None:
        """Count calls of whoever shares the limit."""
        now = int(self.clock.now().timestamp())
        if now >= self._reset:
            self._reset, self._used = now + 60, 0
        self._used += calls

    def worker(
        self,
        pool: Pool | None = None,
        shares: Shares = FAIR,
        kind: CredentialKind = CredentialKind.CLIENT_SECRET,
    ) -> "Worker":
        """Return a process of its own, which looks after credentials of a kind."""
        return Worker(self, Governor(self.clock, shares, pool), kind)

    def _headers(self) -> dict[str, str]:
        return {
            "date": format_datetime(self.clock.now(), usegmt=True),
            "x_rate_limit_limit": str(self.limit),
            "x_rate_limit_remaining": str(max(0, self.limit - self._used)),
            "x_rate_limit_reset": str(self._reset),
        }


class Worker:
    """One process that calls that Okta."""

    def __init__(self, okta: Limited, governor: Governor, kind: CredentialKind) -> None:
        self._kind = kind
        self.orgs = OktaHttpOrgs(
            okta.clock,
            SeededChance(1),
            transport=lambda: httpx2.MockTransport(okta.answer),
            governor=governor,
        )

    def of(self, app: object, purpose: Purpose = Purpose.FINISHING) -> AppCredentials:
        """Return the client secrets of an app."""
        token = ApiToken(API_TOKEN)
        org = self.orgs.open(BASE, token, journal=lambda call: None, purpose=purpose)
        return org.credentials_of(AppId(f"app{app}"), self._kind)

    async def lists(self, count: int, purpose: Purpose = Purpose.FINISHING) -> list[float]:
        """List as many apps' secrets at once; return how long each of the others has to wait."""
        asked = (self.of(number, purpose).list() for number in range(count))
        results = await asyncio.gather(*asked, return_exceptions=True)
        return [each.retry_after_s for each in results if isinstance(each, OktaHeld)]


@pytest.fixture
def okta() -> Limited:
    """Give an Okta with fifty calls a minute."""
    return Limited(50)


async def test_a_new_window_is_learned_by_one_call_alone() -> None:
    """While nobody knows what there is, one call goes and the others wait for its answer."""
    okta = Limited(1)
    assert len(await okta.worker().lists(20)) == 19
    assert okta.asked == ["GET app0"]


async def test_whoever_learns_in_vain_lets_the_next_one_try(okta: Limited) -> None:
    """An answer that never came teaches nothing, and blocks nobody."""
    okta.broken, worker = 1, okta.worker()
    with pytest.raises(OktaUnreachable):
        await worker.of(1).list()
    await worker.of(1).list()


async def test_without_headers_there_is_no_limit(okta: Limited) -> None:
    """Where Okta tells no limit, calls go side by side."""
    okta.silent, worker = True, okta.worker()
    await worker.of(0).list()
    assert (await worker.lists(49), okta.most_in_hand) == ([], 49)


@pytest.mark.parametrize("status", [404, 502, 503])
async def test_a_failure_without_headers_tells_of_no_limit(okta: Limited, status: int) -> None:
    """Only a success does: a gateway on the way knows nothing of Okta's limits."""
    okta.barred_by, worker = status, okta.worker()
    with pytest.raises((OktaRefused, OktaUnclear)):
        await worker.of(0).list()
    okta.barred_by = 0
    await worker.lists(60)
    assert okta.refused == 0


async def test_who_failed_learns_from_the_pool_what_others_know(okta: Limited) -> None:
    """A worker whose answers told nothing takes its share before it calls on."""
    store = MemoryStore()
    one, other = (okta.worker(SharedPool(store, FAIR)) for _ in range(2))
    okta.barred_by = 503
    with pytest.raises(OktaUnclear):
        await one.of(0).list()
    okta.barred_by = 0
    await other.lists(60)
    made = len(okta.asked)
    assert (len(await one.lists(5)), len(okta.asked)) == (5, made)


@pytest.mark.parametrize(
    ("purpose", "made"), [(Purpose.BACKGROUND, 25), (Purpose.STARTING, 24), (Purpose.FINISHING, 24)]
)
async def test_what_waits_leaves_the_reserve(okta: Limited, purpose: Purpose, made: int) -> None:
    """Background calls stop at half; each list of a turn keeps room for the change after it."""
    waits = await okta.worker().lists(60, purpose)
    assert (len(okta.asked), 60 - len(waits)) == (made, made)
    assert waits[0] == 61


async def test_a_part_that_has_begun_is_brought_to_its_end(okta: Limited) -> None:
    """What was listed may be changed when the window has room for nobody else."""
    worker = okta.worker()
    await worker.lists(60)
    for number in range(24):
        await worker.of(number).deactivate(CHANGE)
    with pytest.raises(OktaHeld):
        await worker.of(24).deactivate(CHANGE)
    assert (len(okta.asked), okta.refused) == (48, 0)


async def test_what_was_promised_outlasts_the_reserve(okta: Limited) -> None:
    """A part that has begun is brought to its end when others have used the reserve up."""
    worker = okta.worker()
    await worker.lists(60)
    for number in (1, 2):
        await worker.of(f"other{number}").activate(CHANGE)
    await worker.of(0).deactivate(CHANGE)
    assert (len(okta.asked), okta.refused) == (27, 0)


async def test_a_promise_ends_with_its_time(okta: Limited) -> None:
    """Room that is kept for a change which never comes is somebody else's after a while."""
    worker = okta.worker()
    await worker.lists(60)
    okta.clock.advance(21)
    assert len(await worker.lists(20)) == 8


async def test_the_last_call_may_reinstate(okta: Limited) -> None:
    """The reserve is for activating, down to the last call and no further."""
    worker = okta.worker()
    await worker.lists(60)
    with suppress(OktaHeld):
        for number in range(60):
            await worker.of(f"other{number}").activate(CHANGE)
    assert (len(okta.asked), okta.refused) == (50, 0)
    with pytest.raises(OktaHeld):
        await worker.of(0).deactivate(CHANGE)


async def test_those_held_back_come_first_in_the_next_window(okta: Limited) -> None:
    """A turn that could begin gives way for some seconds to those that were held back."""
    worker = okta.worker()
    waits = await worker.lists(40, Purpose.FINISHING)
    okta.clock.advance(61)
    await worker.of("new", Purpose.STARTING).list()
    starting = await worker.lists(20, Purpose.STARTING)
    assert (len(waits), starting[0]) == (16, 5)
    assert await worker.lists(16, Purpose.FINISHING) == []
    assert await worker.lists(1, Purpose.STARTING) == []


async def test_nobody_gives_way_for_long(okta: Limited) -> None:
    """When those that were held back have not come by then, turns may start."""
    worker = okta.worker()
    await worker.lists(40)
    okta.clock.advance(61)
    await worker.of("new", Purpose.STARTING).list()
    assert len(await worker.lists(8, Purpose.STARTING)) == 1
    okta.clock.advance(5)
    assert await worker.lists(8, Purpose.STARTING) == []


async def test_turns_to_start_are_spread_over_windows(okta: Limited) -> None:
    """They do not all come back when the next window begins."""
    waits = await okta.worker().lists(150, Purpose.STARTING)
    assert [waits.count(61 + 62 * n) for n in range(6)] == [26, 26, 26, 26, 22, 0]


async def test_what_others_use_is_not_there(okta: Limited) -> None:
    """Where less remains than was counted, Okta is right."""
    worker = okta.worker()
    await worker.of(0).list()
    okta.use(40)
    await worker.of(1).list()
    await worker.lists(20)
    for number in range(20):
        with suppress(OktaHeld):
            await worker.of(number).activate(CHANGE)
    assert (len(okta.asked), okta.refused) == (10, 0)


async def test_what_others_use_was_promised_in_vain(okta: Limited) -> None:
    """Promises that the window cannot keep any more are void."""
    worker = okta.worker()
    await worker.lists(60)
    okta.use(20)
    await worker.of("other").activate(CHANGE)
    for number in range(24):
        with suppress(OktaHeld):
            await worker.of(number).deactivate(CHANGE)
    assert (len(okta.asked), okta.refused) == (28, 0)


async def test_what_others_use_is_not_counted_twice_over(okta: Limited) -> None:
    """Calls on their way may not be in what Okta says is left."""
    worker = okta.worker()
    await worker.of(0).list()
    okta.use(40)
    okta.slow = True

    async def activate(app: int) -> None:
        for _ in range(4):
            with suppress(OktaHeld):
                await worker.of(app).activate(CHANGE)

    await asyncio.gather(*(activate(app) for app in range(6)))
    assert okta.refused == 0


async def test_a_late_answer_tells_of_its_own_window(okta: Limited) -> None:
    """What was left when the last window ended says nothing of the new one."""
    governor = Governor(okta.clock)
    call = Call("list", "GET", "/api/v1/apps")

    async def answer() -> Answer:
        return Answer(call, 200, (await okta.answer(httpx2.Request("GET", URL))).headers)

    until = asyncio.get_running_loop().time() + 10
    async with governor.admitted(BASE, call, Purpose.FINISHING, until) as slot:
        slot.answer = await answer()
    okta.use(20)
    async with governor.admitted(BASE, call, Purpose.FINISHING, until) as late:
        late.answer = await answer()
        okta.clock.advance(61)
        async with governor.admitted(BASE, call, Purpose.FINISHING, until) as slot:
            slot.answer = await answer()
    assert [window.remaining for window in await governor.list_windows()] == [48]


async def crew(
    okta: Limited,
    pools: Sequence[Pool | None],
    kind: CredentialKind = CredentialKind.CLIENT_SECRET,
) -> int:
    """Let several workers call as much as they may; return how many calls were refused."""
    workers = [okta.worker(pool, kind=kind) for pool in pools]
    for _ in range(30):
        await asyncio.gather(*(worker.lists(5) for worker in workers))
    return okta.refused


@pytest.mark.parametrize("kind", CredentialKind)
async def test_workers_share_a_window_by_their_database(
    okta: Limited, kind: CredentialKind
) -> None:
    """Three processes together stay within the limit, and leave little of it unused."""
    store = MemoryStore()
    pools = [SharedPool(store, FAIR) for _ in range(3)]
    assert await crew(okta, pools, kind) == 0
    assert 40 <= len(okta.asked) <= 48


async def test_what_others_use_is_not_in_the_pool(okta: Limited) -> None:
    """A worker that hears of less gives nobody what is gone."""
    store = MemoryStore()
    workers = [okta.worker(SharedPool(store, FAIR)) for _ in range(2)]
    await workers[0].of(0).list()
    okta.use(40)
    await workers[0].of(1).list()
    for worker in workers:
        await worker.lists(20)
    assert okta.refused == 0


@pytest.mark.parametrize(
    ("count", "ceiling", "purpose", "most"),
    [
        (12, 100, Purpose.FINISHING, 8),
        (6, 50, Purpose.FINISHING, 3),
        (6, 100, Purpose.BACKGROUND, 5),
    ],
)
async def test_one_of_many_workers_learns_and_the_others_wait(
    count: int, ceiling: int, purpose: Purpose, most: int
) -> None:
    """However many begin at once, no window sees one call more than is allowed."""
    okta, store, shares = Limited(10, slow=True), MemoryStore(), Shares(ceiling=ceiling)
    workers = [okta.worker(SharedPool(store, shares), shares) for _ in range(count)]
    for window in range(1, 3):
        await asyncio.gather(*(worker.lists(2, purpose) for worker in workers))
        assert (okta.refused, len(okta.asked) <= most * window) == (0, True)
        okta.clock.advance(61)


async def test_what_is_left_of_a_window_is_not_called_in_the_next() -> None:
    """While it is not sure which of the two it is, workers that share them wait."""
    okta, pool = Limited(25), SharedPool(MemoryStore(), FAIR)
    workers = [okta.worker(pool) for _ in range(3)]
    for worker in workers:
        await worker.of(0).list()
    okta.clock.advance(60.95)
    waiting = asyncio.gather(*(worker.lists(15) for worker in workers))
    await asyncio.sleep(0.01)
    assert len(okta.asked) == 3
    okta.clock.advance(0.05)
    await waiting
    assert (okta.refused, len(okta.asked) > 3) == (0, True)


async def test_who_died_while_learning_holds_nobody_for_long(
    okta: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next worker learns in its place once its time is over."""
    pool = SharedPool(MemoryStore(), FAIR)
    monkeypatch.setattr("keyturn.adapters.okta.governor.PAUSES_S", (0.01, 0.01))
    await pool.claim(NOBODY_KNOWS, ASK)
    waiting = asyncio.create_task(okta.worker(pool).of(0).list())
    await asyncio.sleep(0.005)
    assert okta.asked == []
    okta.clock.advance(LEARN_S)
    assert (await waiting, len(okta.asked)) == ((), 1)


async def test_who_died_by_a_clock_in_the_future_holds_nobody_for_long(
    okta: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long anybody waits is not up to somebody else's clock."""
    pool = SharedPool(MemoryStore(), FAIR)
    monkeypatch.setattr("keyturn.adapters.okta.governor.PAUSES_S", (0.01, 0.01))
    await pool.claim(replace(NOBODY_KNOWS, resets_at=START + timedelta(days=1)), ASK)
    assert await okta.worker(pool).of(0).list() == ()


async def test_who_learned_nothing_leaves_it_to_the_others(okta: Limited) -> None:
    """Nobody waits for a worker that had no answer, or one that told of no limit."""
    pool = SharedPool(MemoryStore(), FAIR)
    okta.broken = 1
    with pytest.raises(OktaUnreachable):
        await okta.worker(pool).of(0).list()
    okta.silent = True
    await okta.worker(pool).of(0).list()
    assert await pool.claim(NOBODY_KNOWS, ASK) is None


async def test_workers_that_share_nothing_are_refused() -> None:
    """Without that, each of many believes that the rest of the window is its own."""
    okta = Limited(10)
    assert await crew(okta, [None] * 12) > 0


async def test_a_newcomer_asks_the_pool_before_okta(okta: Limited) -> None:
    """A window that is used up is found so without a call."""
    store = MemoryStore()
    first, second = (okta.worker(SharedPool(store, FAIR)) for _ in range(2))
    await first.lists(60)
    made = len(okta.asked)
    assert (len(await second.lists(5)), len(okta.asked)) == (5, made)
    okta.clock.advance(61)
    assert await second.lists(5) == []


class Away:
    """A pool whose database went away after the window was looked for."""

    async def take(self, wanted: Window, ask: Ask) -> Allotment | None:
        """Know nothing."""
        return None

    claim = take

    async def give_up(self, wanted: Window) -> None:
        """Fail."""
        raise OursError("the database is away")

    async def learn(self, window: Window, ask: Ask) -> Allotment:
        """Fail."""
        raise OursError("the database is away")

    async def list(self, *, at: object) -> Sequence[Window]:
        """Know nothing."""
        return ()


async def test_an_answer_outlives_the_pool(okta: Limited) -> None:
    """What Okta did is told even where the window cannot be shared; then nobody goes on."""
    worker = okta.worker(Away())
    await worker.of(0).list()
    with pytest.raises(OktaThrottled):
        await worker.of(1).list()


async def test_a_failure_outlives_the_pool(okta: Limited) -> None:
    """What went wrong at Okta is told also where nobody can be told that the window is unknown."""
    okta.broken = 1
    with pytest.raises(OktaUnreachable):
        await okta.worker(Away()).of(0).list()


class Failing(SharedPool):
    """A pool whose database goes away once the window is known."""

    async def take(self, wanted: Window, ask: Ask) -> Allotment | None:
        """Fail to take what nobody waits for."""
        if ask.calls == 0:
            raise OursError("the database is away")
        return await super().take(wanted, ask)


async def test_an_answer_outlives_what_the_pool_is_told(okta: Limited) -> None:
    """What Okta did is told even where the pool cannot be told of others' calls."""
    worker = okta.worker(Failing(MemoryStore(), FAIR))
    await worker.of(0).list()
    okta.use(40)
    assert await worker.of(1).list() == ()


async def test_a_thousand_apps_have_their_own_buckets(okta: Limited) -> None:
    """Those that nobody uses are forgotten, and never one that somebody has in hand."""
    okta.silent, governor = True, Governor(okta.clock)

    async def ask(app: str) -> None:
        call = Call("probe", "POST", "/oauth2/v1/introspect", app)
        until = asyncio.get_running_loop().time() + 10
        async with governor.admitted(BASE, call, Purpose.SAFETY, until) as slot:
            told = await okta.answer(httpx2.Request("GET", URL.replace("app0", app)))
            slot.answer = Answer(call, 200, told.headers)

    call = Call("probe", "POST", "/oauth2/v1/introspect", "app")
    until = asyncio.get_running_loop().time() + 60
    async with governor.admitted(BASE, call, Purpose.SAFETY, until):
        okta.clock.advance(200)
        for number in range(MANY + 1):
            await ask(f"app{number}")
        waiting = asyncio.create_task(ask("app"))
        await asyncio.sleep(0.01)
        assert "GET app" not in okta.asked
    await waiting
    assert okta.asked[-1] == "GET app"


async def test_windows_are_listed_as_they_are_known(okta: Limited) -> None:
    """Whoever asks sees what is left, until the window turns."""
    worker = okta.worker()
    assert await worker.orgs.list_windows() == []
    await worker.of(0).list()
    (window,) = await worker.orgs.list_windows()
    assert (window.org, window.bucket, window.limit) == (BASE, "api/v1/apps", 50)
    assert (window.remaining, (window.resets_at - START).total_seconds()) == (49, 61)
    okta.clock.advance(61)
    assert await worker.orgs.list_windows() == []
