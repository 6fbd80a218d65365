"""Secrets of GitHub Actions: of a repository, or of one of its environments.

Sealed for GitHub's public key, so that only GitHub can open them; it never shows them again. What
it shows is when each was changed: by its own clock that must not be before it was written.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib import import_module
from urllib.parse import quote

from pydantic import JsonValue

from keyturn.adapters.delivery.calls import Answer, Calls, Clients, differs
from keyturn.domain.errors import DestinationAway, DestinationRefused
from keyturn.services.ports import Errand, Item

WHO = "GitHub"
API = "https://api.github.com"
SPREAD = timedelta(minutes=1)
"""How far the clocks of GitHub's own machines may be apart."""


async def deliver(errand: Errand, clients: Clients) -> str:
    """Write each of the items, and return when GitHub says that it was changed."""
    sealing = _sealing()
    settings = errand.settings
    headers = {
        "accept": "application/vnd.github+json",
        "authorization": f"Bearer {errand.credential['token'].reveal()}",
        "user-agent": "keyturn",
        "x-github-api-version": "2022-11-28",
    }
    async with clients("") as http:
        calls = Calls(http, settings.get("url", API), headers, who=WHO)
        at = _path(settings["repository"], settings.get("environment"))
        shown = [await _put(calls, at, item, errand, sealing) for item in errand.items]
    return "; ".join(shown)


def _path(repository: str, environment: str | None) -> str:
    if environment:
        return f"/repos/{quote(repository)}/environments/{quote(environment, safe='')}/secrets"
    return f"/repos/{quote(repository)}/actions/secrets"


async def _put(
    calls: Calls, at: str, item: Item, errand: Errand, sealing: Callable[[bytes, str], bytes]
) -> str:
    key = _judge(calls, await calls.call("GET", f"{at}/public-key"), "show its key", errand)
    key_id, public = str(key.told.get("key_id", "")), str(key.told.get("key", ""))
    try:
        sealed = sealing(b64decode(public, validate=True), item.value.reveal())
    except (TypeError, ValueError, OverflowError):
        raise DestinationAway("GitHub's public key is none.") from None
    errand.still_held()
    body: JsonValue = {"encrypted_value": b64encode(sealed).decode(), "key_id": key_id}
    put = _judge(calls, await calls.call("PUT", f"{at}/{item.name}", body), "take it", errand)
    seen = _judge(calls, await calls.call("GET", f"{at}/{item.name}"), "show it", errand)
    changed_at = str(seen.told.get("updated_at", ""))
    if _before(changed_at, put):
        raise differs(WHO)
    return f"changed at {changed_at}, key {key_id}"


def _judge(calls: Calls, answer: Answer, what: str, errand: Errand) -> Answer:
    """Tell a refusal from a rate limit, which GitHub answers by 403 too."""
    headers = answer.headers
    limited = "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
    if answer.status in {403, 429} and limited:
        reset = headers.get("x-ratelimit-reset", "")
        until_s = float(reset) - errand.at.timestamp() if reset.isdecimal() else 60.0
        asked = headers.get("retry-after", "")
        wait_s = float(asked[:9]) if asked.isdecimal() else max(0.0, until_s)
        raise DestinationAway(f"GitHub's rate limit is used up, to {what}.", retry_after_s=wait_s)
    return calls.judge(answer, what, errand.at)


def _before(changed_at: str, put: Answer) -> bool:
    """Say whether what is shown was changed before it was written now, or at no time at all."""
    try:
        changed = datetime.fromisoformat(changed_at)
        if "date" not in put.headers:
            return changed.tzinfo is None
        return changed < parsedate_to_datetime(put.headers["date"]) - SPREAD
    except (TypeError, ValueError):
        return True


def _sealing() -> Callable[[bytes, str], bytes]:
    """Return what seals a value for a public key (libsodium's sealed box)."""
    try:
        nacl = import_module("nacl.public")
    except ImportError:
        raise DestinationRefused(
            "GitHub needs a library that is not installed: pip install '.[github]' in the checkout."
        ) from None

    def seal(public: bytes, value: str) -> bytes:
        sealed: bytes = nacl.SealedBox(nacl.PublicKey(public)).encrypt(value.encode())
        return sealed

    return seal
