"""Who is in which wave of a rollout: by tables, and by rules that hold for any."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.domain.errors import InvalidInput
from keyturn.domain.ids import AppId, RotationId
from keyturn.domain.selector import Subject
from keyturn.domain.waves import (
    WAVES_MAX,
    Candidate,
    Estimate,
    cut,
    estimate,
    require_waves,
    untried,
)

ORGS = ("https://a.okta.com", "https://a.oktapreview.com")


def candidate(name: str, *, environment: str = "prod", org: str = ORGS[0]) -> Candidate:
    """Return a rotation of a project that is called so."""
    subject = Subject(project="p", environment=environment, path="/", rotation=name)
    return Candidate(RotationId(f"{environment}-{name}"), AppId(name), subject, org, 60, 90)


NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
CANDIDATES = st.lists(
    st.builds(
        lambda name, environment, org: candidate(name, environment=environment, org=org),
        NAMES,
        st.sampled_from(["dev", "staging", "prod"]),
        st.sampled_from(ORGS),
    ),
    unique_by=lambda each: each.rotation_id,
)
WAVES = st.lists(
    st.sampled_from(["preview", "rest", "1", "3", "10%", "100%", "rotation=a", "environment=dev"]),
    max_size=5,
)


def waves_of(names: str, *waves: str) -> dict[str, int]:
    """Return in which wave each of some rotations is, by name."""
    found = cut([candidate(name) for name in names], waves)
    return {each.candidate.subject.rotation: each.wave for each in found.members}


@given(CANDIDATES, WAVES)
def test_each_rotation_is_in_one_wave(candidates: list[Candidate], waves: list[str]) -> None:
    """None is lost and none comes twice; numbers go from 1 on in the order of waves."""
    found = cut(candidates, waves)
    ids = [each.candidate.rotation_id for each in found.members]
    assert sorted(ids) == sorted(each.rotation_id for each in candidates)
    assert [each.number for each in found.members] == [*range(1, len(ids) + 1)]
    numbers = [each.wave for each in found.members]
    assert numbers == sorted(numbers)
    assert all(1 <= each <= len(found.waves) for each in numbers)


@given(CANDIDATES, WAVES)
def test_the_order_is_that_of_names(candidates: list[Candidate], waves: list[str]) -> None:
    """The order in which rotations are found changes nothing."""
    assert cut(candidates[::-1], waves) == cut(candidates, waves)


@given(CANDIDATES, WAVES)
def test_nobody_waits_for_a_later_wave(candidates: list[Candidate], waves: list[str]) -> None:
    """What a member is behind is numbered before it, so that every wait has an end."""
    by_number = {each.number: each for each in cut(candidates, waves).members}
    for each in by_number.values():
        if each.behind:
            gate = by_number[each.behind]
            assert gate.number < each.number
            assert gate.wave <= each.wave
            assert gate.candidate.preview


@given(CANDIDATES, WAVES)
def test_production_waits_for_every_preview(candidates: list[Candidate], waves: list[str]) -> None:
    """Each in Production is behind all of the same name in Preview orgs, one behind the other."""
    by_number = {each.number: each for each in cut(candidates, waves).members}
    for each in by_number.values():
        name, before = each.candidate.subject.rotation, each.behind
        tried = set()
        while before:
            tried.add(before)
            before = by_number[before].behind
        same = {
            one.number
            for one in by_number.values()
            if one.candidate.preview and one.candidate.subject.rotation == name
        }
        assert each.candidate.preview or tried == same


@pytest.mark.parametrize(
    ("waves", "expected"),
    [
        ((), "1111111111"),
        (("rest",), "1111111111"),
        (("2",), "1122222222"),
        (("11%", "50%", "rest"), "1122222333"),
        (("1%",), "1222222222"),
        (("rotation=c", "1"), "2313333333"),
        (("50", "1"), "1111111111"),
        (("preview", "rest"), "2222222222"),
    ],
)
def test_waves_are_cut(waves: tuple[str, ...], expected: str) -> None:
    """A share is of all, rounded up; a number takes the next ones; what is left is the last."""
    found = waves_of("abcdefghij", *waves)
    assert "".join(str(found[name]) for name in "abcdefghij") == expected


def test_a_production_rotation_moves_to_the_wave_of_its_preview() -> None:
    """And says why it is there."""
    tried = candidate("pay", environment="staging", org=ORGS[1])
    found = cut([tried, candidate("pay"), candidate("zoo")], ["environment=prod", "rest"])
    shown = [(each.candidate.name, each.wave, each.behind) for each in found.members]
    assert shown == [("p/prod/:zoo", 1, 0), ("p/staging/:pay", 2, 0), ("p/prod/:pay", 2, 2)]
    assert found.members[2].why == "fits environment=prod, but waits for p/staging/:pay"


def test_a_preview_that_is_not_wanted_is_named() -> None:
    """By who would wait for it, in Production; one of another name or project is none of it."""
    tried, more = (candidate("pay", environment=e, org=ORGS[1]) for e in ("staging", "dev"))
    wanted = [candidate("pay"), candidate("zoo"), tried]
    every = [*wanted, more, candidate("bank", org=ORGS[1])]
    assert untried(wanted, every) == {"prod-pay": ["p/dev/:pay"]}
    assert not untried([*wanted, more], every)


def test_calls_and_time_are_told_by_wave() -> None:
    """Five calls a turn; orgs go side by side, and a wave waits for its longest overlap."""
    more = [candidate(name, org="https://b.okta.com") for name in "xyz"]
    found = cut([*map(candidate, "ab"), *more], ["rotation=a", "rest"])
    waves = estimate(found.members, {ORGS[0]: 10, "https://b.okta.com": 5})
    assert waves == {1: Estimate(5, 30 + 60, 30 + 90), 2: Estimate(20, 180 + 60, 180 + 90)}


@pytest.mark.parametrize("wave", ["", "0", "101%", "1000000", "half", "PREVIEW", "x=y", "10 %"])
def test_what_is_no_wave_is_refused(wave: str) -> None:
    """The error names the field."""
    with pytest.raises(InvalidInput, match="waves"):
        require_waves([wave])


def test_there_are_not_too_many_waves() -> None:
    """As many as people can follow."""
    with pytest.raises(InvalidInput, match="waves"):
        require_waves(["1"] * (WAVES_MAX + 1))
    assert require_waves([]) == ("rest",)
    assert require_waves([" 10% ", 'label="a b"']) == ("10%", 'label="a b"')
