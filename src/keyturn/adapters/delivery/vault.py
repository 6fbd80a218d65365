"""Secrets in HashiCorp Vault: one path of a KV engine, version 2.

Written with check-and-set: a write that somebody else was quicker than is refused by Vault, and
tried again on what is there then. Keys of others at the path are kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from pydantic import JsonValue

from keyturn.adapters.delivery.calls import Answer, Calls, Clients, differs
from keyturn.domain.errors import DestinationAway
from keyturn.services.ports import Errand

WHO = "Vault"


@dataclass(frozen=True)
class _Kept:
    """What is at the path, and the version that a write has to follow."""

    data: Mapping[str, JsonValue]
    version: int


async def deliver(errand: Errand, clients: Clients) -> str:
    """Write the items to the path unless they are there, and read them back."""
    settings = errand.settings
    headers = {"x-vault-token": errand.credential["token"].reveal(), "x-vault-request": "true"}
    if "namespace" in settings:
        headers["x-vault-namespace"] = settings["namespace"]
    wanted = {item.name: item.value.reveal() for item in errand.items}
    path = f"/v1/{quote(settings.get('mount', 'secret'))}/data/{quote(settings['path'])}"
    async with clients("") as http:
        calls = Calls(http, settings["url"], headers, who=WHO)
        kept = await _read(calls, path, errand)
        if not wanted.items() <= kept.data.items():
            await _write(calls, path, errand, kept, wanted)
            kept = await _read(calls, path, errand)
        if not wanted.items() <= kept.data.items():
            raise differs(WHO)
    return f"version {kept.version}"


async def _read(calls: Calls, path: str, errand: Errand) -> _Kept:
    """Read the latest version; one that was deleted has a number and no data."""
    answer = await calls.call("GET", path)
    if answer.status != HTTPStatus.NOT_FOUND:
        calls.judge(answer, "show the path", errand.at)
    told = _object(answer.told, "data")
    version = _object(told, "metadata").get("version", 0)
    return _Kept(_object(told, "data"), version if isinstance(version, int) else 0)


async def _write(
    calls: Calls, path: str, errand: Errand, kept: _Kept, wanted: Mapping[str, str]
) -> None:
    errand.still_held()
    body: JsonValue = {"options": {"cas": kept.version}, "data": {**kept.data, **wanted}}
    answer = await calls.call("POST", path, body)
    if _lost_race(answer):
        raise DestinationAway("Somebody else wrote to the path in Vault at the same time.")
    calls.judge(answer, "write to the path", errand.at)


def _lost_race(answer: Answer) -> bool:
    told = answer.told.get("errors")
    return answer.status == HTTPStatus.BAD_REQUEST and "check-and-set" in str(told)


def _object(told: Mapping[str, JsonValue], name: str) -> Mapping[str, JsonValue]:
    found = told.get(name)
    return found if isinstance(found, dict) else {}
