"""Bodies of answers, read up to a bound.

Decides when to stop: an answer without an end must not fill the memory. Knows nothing of what is in
it, nor of how long it may take.
"""

import httpx2


class TooMuch(Exception):
    """The body of an answer is larger than its reader takes."""


async def read_body(answer: httpx2.Response, most_bytes: int) -> bytes:
    """Read the body of a streamed answer, decoded. Raises TooMuch past so many bytes."""
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > most_bytes:
            raise TooMuch
    return bytes(body)
