"""A rate window that several workers share is given out once, whatever the store."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from storage_kit import LATER, NOW

from keyturn.domain.budget import LEARN_S, Ask, Purpose, Shares, Window
from keyturn.services.budgets import SharedPool
from keyturn.services.ports import Store

TOLD = Window("https://example.okta.com", "me", "api/v1/apps", 50, 49, LATER)
WANTED = replace(TOLD, remaining=2**31, resets_at=NOW)
ASK = Ask(Purpose.FINISHING)


def pool(store: Store) -> SharedPool:
    """Return the pool as one worker has it."""
    return SharedPool(store, Shares())


async def test_no_call_is_given_out_twice(store: Store) -> None:
    """Workers that take at the same time get what there is beside the reserve, and no more."""
    first = (await pool(store).learn(TOLD, ASK)).granted
    taken = await asyncio.gather(*(pool(store).take(WANTED, ASK) for _ in range(40)))
    granted = [each.granted for each in taken if each]
    assert first + sum(granted) == 47
    assert granted[-1] == 0


async def test_a_window_that_has_turned_is_not_known(store: Store) -> None:
    """What is over gives nothing, nor does another's window."""
    await pool(store).learn(TOLD, ASK)
    assert await pool(store).take(replace(WANTED, resets_at=LATER), ASK) is None
    assert await pool(store).take(replace(WANTED, principal="other"), ASK) is None
    assert await pool(store).list(at=LATER) == []


async def test_two_that_learn_the_same_window_are_both_counted(store: Store) -> None:
    """The second one's call was in nobody's count; a newer window replaces the older."""
    one = await pool(store).learn(TOLD, ASK)
    two = await pool(store).learn(replace(TOLD, remaining=48), ASK)
    assert one.granted + 1 + two.granted + two.window.remaining == 49
    newer = replace(TOLD, remaining=49, resets_at=LATER + timedelta(minutes=1))
    three = await pool(store).learn(newer, ASK)
    assert three.granted + three.window.remaining == 49


async def test_what_others_used_is_gone(store: Store) -> None:
    """A worker that has heard of less tells so when it takes."""
    await pool(store).learn(TOLD, ASK)
    taken = await pool(store).take(replace(WANTED, remaining=5), ASK)
    assert taken
    assert taken.granted + taken.window.remaining == 5


async def test_an_old_answer_brings_no_old_window_back(store: Store) -> None:
    """A process that stood still, and tells what it heard before, changes and gets nothing."""
    newer = replace(TOLD, resets_at=LATER + timedelta(hours=2))
    await pool(store).learn(newer, ASK)
    late = await pool(store).learn(TOLD, ASK)
    assert late.granted == 0
    (kept,) = await pool(store).list(at=NOW)
    assert kept.resets_at == newer.resets_at


async def test_one_worker_learns_a_window_that_nobody_knows(store: Store) -> None:
    """Of those that ask at the same time one claims it; it is no window yet."""
    asked = await asyncio.gather(*(pool(store).claim(WANTED, ASK) for _ in range(5)))
    assert [each and (each.window.limit, each.granted) for each in asked] == [None] + [(0, 0)] * 4
    assert await pool(store).list(at=NOW) == []
    assert await pool(store).take(WANTED, ASK) is None


async def test_a_claim_ends_with_its_time_or_when_it_is_given_up(store: Store) -> None:
    """Then the next one may learn the window."""
    await pool(store).claim(WANTED, ASK)
    late = replace(WANTED, resets_at=NOW + timedelta(seconds=LEARN_S))
    assert await pool(store).claim(late, ASK) is None
    await pool(store).give_up(late)
    assert await pool(store).claim(late, ASK) is None


async def test_calls_of_all_who_had_the_claim_are_counted(store: Store) -> None:
    """One that is slow may have called all the same; who gives up has not, or has been heard of."""
    later = replace(WANTED, resets_at=NOW + timedelta(seconds=2 * LEARN_S))
    for at in (NOW, NOW + timedelta(seconds=LEARN_S), later.resets_at):
        assert await pool(store).claim(replace(WANTED, resets_at=at), ASK) is None
    await pool(store).give_up(later)
    assert await pool(store).claim(later, ASK) is None
    found = await pool(store).learn(TOLD, ASK)
    assert found.granted + found.window.remaining == TOLD.remaining - 2
    newer = replace(TOLD, resets_at=LATER + timedelta(minutes=1))
    assert await pool(store).claim(replace(WANTED, resets_at=LATER), ASK) is None
    found = await pool(store).learn(newer, ASK)
    assert found.granted + found.window.remaining == TOLD.remaining


async def test_what_was_learned_takes_the_place_of_the_claim(store: Store) -> None:
    """Also where the window ends sooner than the claim would have; nobody gives that up."""
    await pool(store).claim(WANTED, ASK)
    brief = replace(TOLD, resets_at=NOW + timedelta(seconds=1))
    await pool(store).learn(brief, ASK)
    await pool(store).give_up(WANTED)
    found = await pool(store).claim(WANTED, ASK)
    assert found
    assert (found.window.limit, found.granted > 0) == (50, True)


async def test_a_claim_of_who_was_misled_forgets_nothing_that_was_taken(store: Store) -> None:
    """Who takes the window for over by a wrong clock of Okta's learns it, and is counted in it."""
    await pool(store).learn(TOLD, ASK)
    for _ in range(20):
        await pool(store).take(WANTED, ASK)
    (before,) = await pool(store).list(at=NOW)
    assert await pool(store).claim(replace(WANTED, resets_at=LATER), ASK) is None
    assert await pool(store).list(at=NOW) == [before]
    learned = (await pool(store).learn(replace(TOLD, remaining=48), ASK)).window
    assert learned.remaining < before.remaining
