"""Secrets in a Secret of Kubernetes, by its API and a service account's token.

Patched at the resource version that was just read: a write that somebody else was quicker than is
refused there, and tried again. Keys of others in the Secret are kept.
"""

import ssl
from base64 import b64encode
from collections.abc import Mapping
from http import HTTPStatus

from pydantic import JsonValue

from keyturn.adapters.delivery.calls import Answer, Calls, Clients, differs
from keyturn.domain.errors import DestinationAway, FieldProblem, InvalidInput
from keyturn.services.ports import Errand

WHO = "Kubernetes"
MERGE = {"content-type": "application/merge-patch+json"}
LABELS: JsonValue = {"app.kubernetes.io/managed-by": "keyturn"}


def check(settings: Mapping[str, str]) -> None:
    """Raise InvalidInput for certificates that are none."""
    if "ca" not in settings:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=settings["ca"])
    except (ssl.SSLError, ValueError):
        problem = FieldProblem(("settings", "ca"), "must be certificates in PEM")
        raise InvalidInput(problem) from None


async def deliver(errand: Errand, clients: Clients) -> str:
    """Write the items into the Secret unless they are there, and read them back."""
    settings = errand.settings
    headers = {"authorization": f"Bearer {errand.credential['token'].reveal()}"}
    data = {item.name: b64encode(item.value.reveal().encode()).decode() for item in errand.items}
    async with clients(settings.get("ca", "")) as http:
        calls = Calls(http, settings["url"], headers, who=WHO)
        kept = await _read(calls, errand)
        if kept is None or not data.items() <= _data(kept).items():
            await _write(calls, errand, kept, data)
            kept = await _read(calls, errand)
        if kept is None or not data.items() <= _data(kept).items():
            raise differs(WHO)
    return f"resource version {_metadata(kept).get('resourceVersion')}"


def _all(errand: Errand) -> str:
    return f"/api/v1/namespaces/{errand.settings['namespace']}/secrets"


def _one(errand: Errand) -> str:
    return f"{_all(errand)}/{errand.settings['secret']}"


async def _read(calls: Calls, errand: Errand) -> Answer | None:
    answer = await calls.call("GET", _one(errand))
    if answer.status == HTTPStatus.NOT_FOUND:
        return None
    return calls.judge(answer, "show the Secret", errand.at)


async def _write(
    calls: Calls, errand: Errand, kept: Answer | None, data: Mapping[str, str]
) -> None:
    errand.still_held()
    wanted: dict[str, JsonValue] = {"data": {**data}}
    if kept is None:
        wanted |= {"apiVersion": "v1", "kind": "Secret", "type": "Opaque"}
        wanted["metadata"] = {"name": errand.settings["secret"], "labels": LABELS}
        answer = await calls.call("POST", _all(errand), wanted)
    else:
        wanted["metadata"] = {"resourceVersion": _metadata(kept).get("resourceVersion")}
        answer = await calls.call("PATCH", _one(errand), wanted, headers=MERGE)
    if answer.status == HTTPStatus.CONFLICT:
        raise DestinationAway("Somebody else wrote to the Secret at the same time.")
    calls.judge(answer, "write the Secret", errand.at)


def _data(kept: Answer) -> Mapping[str, JsonValue]:
    found = kept.told.get("data")
    return found if isinstance(found, dict) else {}


def _metadata(kept: Answer) -> Mapping[str, JsonValue]:
    found = kept.told.get("metadata")
    return found if isinstance(found, dict) else {}
