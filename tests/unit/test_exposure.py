"""How exposed an app is, and in which order an emergency closes apps."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.domain.exposure import Facts, judge, ordered
from keyturn.domain.ids import RotationId

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLAIN = Facts(RotationId("r"), "plain")

LADDER = (
    replace(PLAIN, preview=True, scopes=("okta.users.manage",), used_at=NOW, users=99),
    PLAIN,
    replace(PLAIN, users=1),
    replace(PLAIN, users=98),
    replace(PLAIN, used_at=NOW - timedelta(days=90)),
    replace(PLAIN, used_at=NOW - timedelta(days=20), users=0),
    replace(PLAIN, used_at=NOW - timedelta(days=6)),
    replace(PLAIN, used_at=NOW - timedelta(hours=23)),
    replace(PLAIN, used_at=NOW - timedelta(minutes=59)),
    replace(PLAIN, used_at=NOW, users=5000),
    replace(PLAIN, grants=("client_credentials",)),
    replace(PLAIN, scopes=("okta.logs.read", "openid")),
    replace(PLAIN, scopes=("okta.apps.manage",)),
    replace(PLAIN, scopes=("okta.apps.manage",), used_at=NOW),
    replace(PLAIN, leaked=True, preview=True),
    replace(PLAIN, leaked=True),
)
"""Each more exposed than the one before."""


@pytest.mark.parametrize("step", range(len(LADDER) - 1))
def test_each_is_more_exposed_than_the_one_before(step: int) -> None:
    """Public, then Production, then what may be done, then how lately and how much used."""
    assert judge(LADDER[step], NOW).score < judge(LADDER[step + 1], NOW).score


def test_the_app_that_keyturn_logs_in_as_is_privileged() -> None:
    """Who has its credential may change apps, whatever scopes are known."""
    told = judge(replace(PLAIN, administers=True), NOW)
    assert told.score == judge(replace(PLAIN, scopes=("okta.apps.manage",)), NOW).score
    assert "may change things in Okta" in told.why


def test_a_reason_is_told_for_every_part_of_a_score() -> None:
    """What is not known is not told."""
    all_of_it = replace(PLAIN, leaked=True, grants=("client_credentials",), used_at=NOW, users=3)
    assert judge(all_of_it, NOW).why == (
        "said to be public",
        "Production org",
        "gets tokens by its secret alone (client_credentials)",
        "used within the last hour",
        "3 known to use it",
    )
    assert judge(replace(PLAIN, preview=True), NOW).why == ("Preview org",)


FACTS = st.builds(
    Facts,
    rotation_id=st.uuids().map(lambda each: RotationId(str(each))),
    name=st.sampled_from(["a", "b", "c"]),
    leaked=st.booleans(),
    preview=st.booleans(),
    grants=st.sampled_from([(), ("client_credentials",), ("authorization_code",)]),
    scopes=st.sampled_from([(), ("openid",), ("okta.logs.read",), ("okta.apps.manage",)]),
    used_at=st.none() | st.integers(0, 3000).map(lambda hours: NOW - timedelta(hours=hours)),
    users=st.integers(0, 300),
)


@given(st.lists(FACTS, max_size=12))
def test_the_order_is_one_and_the_same(every: list[Facts]) -> None:
    """Each app once, by falling score; in whatever order they come the order is the same."""
    found = ordered(every, NOW)
    scores = [exposure.score for _, exposure in found]
    assert scores == sorted(scores, reverse=True)
    assert sorted(each.rotation_id for each, _ in found) == sorted(e.rotation_id for e in every)
    assert ordered([*reversed(every)], NOW) == found
    alike = itertools.pairwise(found)
    assert all(a.name <= b.name for (a, x), (b, y) in alike if x.score == y.score)
