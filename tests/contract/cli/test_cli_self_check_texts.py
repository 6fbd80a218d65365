"""What the self-check repeats of Okta's texts can be printed on any terminal."""

import json

import httpx2

from keyturn.cli.self_check import described


def test_texts_of_okta_are_made_printable() -> None:
    """Half a character (a lone surrogate) cannot be written, and an escape is for no terminal."""
    told = json.dumps({"errorCode": "E\x1b[2J", "errorSummary": "a\ud800b\nc"})
    answer = httpx2.Response(400, content=told.encode())
    assert described(answer) == "400 E [2J a?b c"
