"""The token book under load: what is over is forgotten, and nothing else."""

from datetime import timedelta

from sandbox_kit import ManualClock

from keyturn.sandbox.state.tokens import AccessToken, RefreshToken, TokenBook

HOUR = timedelta(hours=1)
MANY = 10_001


def access(
    clock: ManualClock, number: int, *, client: str = "c1", family: str = "f1"
) -> AccessToken:
    """Return an access token of an hour."""
    now = clock.at
    scopes = ("one", "two")
    return AccessToken(
        f"a{number}", f"j{number}", "iss", client, None, scopes, now, now + HOUR, family
    )


def refresh(
    clock: ManualClock, number: int, *, client: str = "c1", family: str = "f1"
) -> RefreshToken:
    """Return a refresh token of a day."""
    until = clock.at + timedelta(days=1)
    return RefreshToken(f"r{number}", client, "u1", ("one",), clock.at, until, family=family)


def test_access_tokens_long_over_are_forgotten() -> None:
    """An expired token is known for an hour more, and forgotten when there are many."""
    clock = ManualClock()
    book = TokenBook(clock)
    book.store_access(old := access(clock, 0))
    book.revoke(old.value)
    clock.advance(3600)
    book.store_access(late := access(clock, 1))
    clock.advance(3601)
    for number in range(2, MANY + 1):
        book.store_access(access(clock, number, client="c2", family=f"f{number}"))
    assert book.find_access(old.value) is None
    assert book.find_access(late.value) is late
    assert not book.revoked(old)
    assert book.list_access("c1", clock.at - HOUR) == [late]


def test_refresh_tokens_long_over_are_forgotten() -> None:
    """Of many refresh tokens those expired or revoked more than an hour ago are kept nowhere."""
    clock = ManualClock()
    book = TokenBook(clock)
    book.store_refresh(expired := refresh(clock, 0, family="f0"))
    clock.advance(86_400)
    book.store_refresh(revoked := refresh(clock, 1))
    book.store_refresh(good := refresh(clock, 2, family="f2"))
    book.revoke(revoked.value)
    for number in range(3, 2 * MANY):
        clock.advance(1)
        book.store_refresh(refresh(clock, number, client="c2", family=f"f{number}"))
    held = vars(vars(book)["_refresh_owners"])
    assert held["_of_client"]["c1"] == {good.value: None}
    assert book.find_refresh(expired.value, clock.at) is None
    assert len(book.list_refresh("c2", clock.at)) == 2 * MANY - 3


def test_identifiers_are_remembered_for_as_long_as_they_count() -> None:
    """Of many identifiers none can be used twice before its time is over."""
    clock = ManualClock()
    book = TokenBook(clock)
    for number in range(2 * MANY):
        until = clock.at + (HOUR if number % 2 else timedelta(seconds=1))
        assert book.use_once("c1", str(number), until, clock.at)
    clock.advance(1)
    assert not any(book.use_once("c1", str(n), clock.at, clock.at) for n in range(1, 2 * MANY, 2))
    assert book.use_once("c1", "0", clock.at + HOUR, clock.at)


def test_what_belongs_to_a_client_is_found() -> None:
    """Lists and revocation reach the tokens of one client or sign-in, oldest first."""
    clock = ManualClock()
    book = TokenBook(clock)
    for number, (client, family) in enumerate([("c1", "f1"), ("c2", "f2"), ("c1", "f3")]):
        book.store_access(access(clock, number, client=client, family=family))
        book.store_refresh(refresh(clock, number, client=client, family=family))
    assert [t.value for t in book.list_access("c1", clock.at)] == ["a0", "a2"]
    assert [t.value for t in book.list_refresh("c1", clock.at)] == ["r0", "r2"]
    book.remove_scope("c1", "two")
    assert [t.scopes for t in book.list_access("c1", clock.at)] == [("one",), ("one",)]
    book.revoke_family("f1")
    assert [t.value for t in book.list_refresh("c1", clock.at)] == ["r2"]
    book.revoke_client("c1")
    assert book.list_access("c1", clock.at) == book.list_refresh("c1", clock.at) == []
    assert [t.value for t in book.list_access("c2", clock.at)] == ["a1"]


def test_a_token_without_a_sign_in_is_revoked_alone() -> None:
    """Tokens that came of no sign-in have nothing in common."""
    clock = ManualClock()
    book = TokenBook(clock)
    for number in range(2):
        book.store_refresh(refresh(clock, number, family=""))
    book.revoke("r0")
    assert [t.value for t in book.list_refresh("c1", clock.at)] == ["r1"]
