"""Who still has to take a new secret up, and where an alias leads."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keyturn.domain.ids import AliasId, ConsumerId, FolderId, OAuthConnectionId, RegistrationId
from keyturn.domain.oauth.consumers import Adoption, Alias, Consumer, confirmed, led_to

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
CONSUMER = Consumer(
    ConsumerId("c"), RegistrationId("r"), "c", Adoption.RELOAD, NOW, confirmed=2, confirmed_at=NOW
)
A, B = OAuthConnectionId("a"), OAuthConnectionId("b")
ALIAS = Alias(AliasId("l"), FolderId("f"), "crm", A, NOW, NOW)


@pytest.mark.parametrize(
    ("version", "required", "waits"),
    [(1, True, False), (2, True, False), (3, True, True), (3, False, False)],
)
def test_a_turn_waits_for_whoever_has_to_follow(
    version: int, *, required: bool, waits: bool
) -> None:
    """Who uses this version or a newer one keeps nobody waiting, nor does who does not matter."""
    assert replace(CONSUMER, required=required).waits_for(version) is waits


def test_a_new_consumer_uses_no_version_yet() -> None:
    """It is waited for from the first version on."""
    new = Consumer(ConsumerId("c"), RegistrationId("r"), "c", Adoption.LIVE, NOW)
    assert new.waits_for(1)


def test_a_confirmation_takes_nothing_back() -> None:
    """Only a newer version than the known one changes anything."""
    assert confirmed(CONSUMER, 3, LATER) == replace(CONSUMER, confirmed=3, confirmed_at=LATER)
    assert confirmed(CONSUMER, 2, LATER) is CONSUMER
    assert confirmed(CONSUMER, 1, LATER) is CONSUMER


def test_an_alias_knows_the_way_back() -> None:
    """Leading it elsewhere and back are the same change."""
    moved = led_to(ALIAS, B, LATER)
    assert moved == replace(ALIAS, connection_id=B, previous_id=A, changed_at=LATER)
    assert led_to(moved, A, NOW) == replace(ALIAS, previous_id=B)


def test_leading_an_alias_to_where_it_leads_changes_nothing() -> None:
    """So that the way back is not lost by asking twice."""
    moved = led_to(ALIAS, B, NOW)
    assert led_to(moved, B, LATER) is moved
