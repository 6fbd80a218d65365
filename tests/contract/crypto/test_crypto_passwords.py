"""Passwords as Argon2id: right ones are, wrong ones are not, and the event loop goes on."""

import asyncio
import secrets

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from keyturn.adapters.crypto import Argon2Passwords
from keyturn.domain.errors import TooManyAttempts
from keyturn.domain.sensitive import Sensitive

PASSWORD = Sensitive("correct horse battery")


@pytest.fixture
def passwords() -> Argon2Passwords:
    """Hash with salts that nobody knows beforehand."""
    return Argon2Passwords(secrets.token_bytes)


async def test_a_password_is_the_one_that_was_hashed(passwords: Argon2Passwords) -> None:
    """And no other is; the same password has another hash the next time."""
    hashed = await passwords.hash(PASSWORD)
    assert await passwords.verify(PASSWORD, hashed)
    assert not await passwords.verify(Sensitive("correct horse batterz"), hashed)
    assert hashed != await passwords.hash(PASSWORD)


@pytest.mark.parametrize("hashed", ["", "junk", "$argon2id$v=19$m=19456,t=2,p=1$$", "$2b$12$x"])
async def test_what_is_no_hash_is_never_it(passwords: Argon2Passwords, hashed: str) -> None:
    """A broken record lets nobody in."""
    assert not await passwords.verify(PASSWORD, hashed)


async def test_the_event_loop_goes_on(passwords: Argon2Passwords) -> None:
    """While a password is hashed others are served."""
    task, turns = asyncio.create_task(passwords.hash(PASSWORD)), 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10


async def test_no_more_wait_than_can_be_served(passwords: Argon2Passwords) -> None:
    """A flood of log-ins is told to come back; those who were first are served."""
    cheap = Argon2id(salt=bytes(16), length=32, iterations=1, lanes=1, memory_cost=8)
    hashed = cheap.derive_phc_encoded(PASSWORD.reveal().encode())
    asked = (passwords.verify(PASSWORD, hashed) for _ in range(34))
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert results.count(True) == 32
    assert sum(isinstance(each, TooManyAttempts) for each in results) == 2
