"""Bodies are read up to a bound."""

import gzip
from collections.abc import AsyncIterator

import httpx2
import pytest

from keyturn.network.reading import TooMuch, read_body


class Endless(httpx2.AsyncByteStream):
    """A body that never ends, and counts how much of it was taken."""

    def __init__(self) -> None:
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give one byte after another."""
        while True:
            self.taken += 1
            yield b"x"


@pytest.mark.parametrize("body", [b"", b"x" * 8])
async def test_a_body_up_to_the_bound_is_read_whole(body: bytes) -> None:
    """The bound itself is not too much."""
    assert await read_body(httpx2.Response(200, content=body), 8) == body


async def test_reading_ends_with_the_first_byte_too_many() -> None:
    """A body without an end is left as soon as it is too much."""
    body = Endless()
    with pytest.raises(TooMuch):
        await read_body(httpx2.Response(200, stream=body), 8)
    assert body.taken == 9


async def test_a_body_is_measured_as_it_unfolds() -> None:
    """A small compressed body that is a large one is too much."""
    packed = gzip.compress(bytes(100_000))
    answer = httpx2.Response(
        200, headers={"content-encoding": "gzip"}, stream=httpx2.ByteStream(packed)
    )
    with pytest.raises(TooMuch):
        await read_body(answer, len(packed))
