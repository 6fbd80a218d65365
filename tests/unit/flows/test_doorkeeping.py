"""What a process remembers of those who come: how often, and how much of it."""

from hypothesis import given
from hypothesis import strategies as st

from keyturn.services.doorkeeping import Buckets, Remembered


def test_what_is_remembered_ends() -> None:
    """At its time."""
    kept = Remembered[str](10)
    kept.keep("a", "x", 5.0)
    assert [kept.find("a", now_s) for now_s in (0.0, 4.9, 5.0)] == ["x", "x", None]
    assert kept.find("b", 0.0) is None


def test_of_too_many_the_oldest_are_forgotten() -> None:
    """Never more than so many; who asks can know before."""
    kept = Remembered[int](3)
    for number in range(5):
        assert kept.is_full(0.0) is (number >= 3)
        kept.keep(number, number, 10.0)
    assert [kept.find(number, 0.0) for number in range(5)] == [None, None, 2, 3, 4]
    assert not kept.is_full(10.0)


def test_so_many_at_once_and_so_many_a_second() -> None:
    """Who waits as long as is said is served."""
    buckets = Buckets()
    assert [buckets.wait_s("a", 10, 0.0) for _ in range(10)] == [0.0] * 10
    wait_s = buckets.wait_s("a", 10, 0.0)
    assert 0 < wait_s <= 0.1
    assert buckets.wait_s("b", 10, 0.0) == 0.0
    assert buckets.wait_s("a", 10, wait_s) == 0.0
    assert buckets.wait_s("a", 10, wait_s) > 0


def test_less_than_one_a_second_is_still_one_at_once() -> None:
    """One every other second."""
    buckets = Buckets()
    assert buckets.wait_s("a", 0.5, 0.0) == 0.0
    assert buckets.wait_s("a", 0.5, 0.0) == 2.0
    assert buckets.wait_s("a", 0.5, 2.0) == 0.0


@given(st.floats(0.1, 50), st.lists(st.floats(0, 3), max_size=200))
def test_no_second_has_more_than_twice_as_many(per_s: float, pauses: list[float]) -> None:
    """Those of the second before, and as many at once."""
    buckets, now_s, served = Buckets(), 0.0, list[float]()
    for pause_s in pauses:
        now_s += pause_s
        if not buckets.wait_s("a", per_s, now_s):
            served.append(now_s)
    most = max(1.0, per_s) + per_s
    for at_s in served:
        assert sum(at_s <= other < at_s + 1 for other in served) <= most + 1e-6
