"""Bring notices to people: by mail, to a chat, or as a signed message to a program.

Knows nothing of what is news, for whom it is, or when it is tried again. Whatever a receiver says
stays here, and so do addresses that are secrets.
"""

import json
import ssl
from collections.abc import Callable, Mapping

import httpx2

from keyturn.adapters.delivery import chats
from keyturn.adapters.delivery.calls import CALL_LIMIT_S, Calls
from keyturn.adapters.delivery.webhook import instant, message, signed_headers
from keyturn.domain.addresses import endpoint_url
from keyturn.domain.channel_kinds import ChannelKind
from keyturn.domain.errors import DestinationAway
from keyturn.domain.notice import Notice
from keyturn.domain.sensitive import Sensitive
from keyturn.network.guard import GuardedBackend
from keyturn.network.reading import retry_after_s
from keyturn.services.ports import Letter

WHO = "the channel's receiver"
DIGEST = "notices.digest"
TRIAL = "channel.test"


class ChannelNotifier:
    """Bring letters through channels of every kind (`services.ports.Notifier`); `aclose` closes it.

    ``way`` leads to the network, past the guard on addresses, and ``backend`` is that guard.
    ``trust`` makes what proves mail servers, when one is first spoken to.
    """

    def __init__(
        self,
        way: httpx2.AsyncBaseTransport,
        backend: GuardedBackend,
        trust: Callable[[], ssl.SSLContext],
        *,
        private_allowed: bool = False,
        call_limit_s: float = CALL_LIMIT_S,
    ) -> None:
        self._http = httpx2.AsyncClient(transport=way, timeout=call_limit_s, follow_redirects=False)
        self._private_allowed = private_allowed
        self._backend, self._trust, self._limit_s = backend, trust, call_limit_s

    def check(
        self, kind: ChannelKind, settings: Mapping[str, str], credential: Mapping[str, Sensitive]
    ) -> None:
        """Raise AddressRefused where these lead nowhere."""
        if kind is not ChannelKind.EMAIL:
            self._url(settings, credential)

    async def deliver(self, kind: ChannelKind, letter: Letter) -> None:
        """Bring a letter; an answer of 2xx is the confirmation, or that a mail server took it."""
        match kind:
            case ChannelKind.EMAIL:
                await self._mail(letter)
            case ChannelKind.SLACK:
                await self._send(letter, _json(chats.for_slack(letter.message)))
            case ChannelKind.TEAMS:
                await self._send(letter, _json(chats.for_teams(letter.message)))
            case ChannelKind.WEBHOOK:
                body = payload(letter)
                secret = letter.credential["secret"]
                await self._send(letter, body, signed_headers(secret, letter.id, letter.at, body))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def _mail(self, letter: Letter) -> None:
        from keyturn.adapters.delivery.mail import PostOffice  # noqa: PLC0415  a megabyte with it

        await PostOffice(self._backend, self._trust, self._limit_s).send(letter)

    async def _send(
        self, letter: Letter, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        url = self._url(letter.settings, letter.credential)
        answer = await Calls(self._http, url, headers or {}, who=WHO).call("POST", "", body)
        if not 200 <= answer.status < 300:
            raise DestinationAway(
                f"{WHO.capitalize()} did not take it (HTTP {answer.status}): look at it, and at "
                "the channel's settings.",
                retry_after_s=retry_after_s(answer.headers, letter.at),
            )

    def _url(self, settings: Mapping[str, str], credential: Mapping[str, Sensitive]) -> str:
        text = credential["url"].reveal() if "url" in credential else settings["url"]
        return endpoint_url(text, "a channel", private_allowed=self._private_allowed)


def payload(letter: Letter) -> bytes:
    """Return the body of a message to a program (Standard Webhooks, "Payload structure")."""
    told = [
        (notice, data_of(notice, link))
        for notice, link in zip(letter.notices, letter.links, strict=True)
    ]
    match told:
        case []:
            return message(TRIAL, letter.at, {"message": letter.message.title})
        case [(notice, data)]:
            return message(notice.kind, notice.created_at, data)
        case _:
            each = [
                {"type": one.kind, "timestamp": instant(one.created_at), "data": data}
                for one, data in told
            ]
            return message(DIGEST, letter.at, {"notices": each})


def data_of(notice: Notice, link: str) -> Mapping[str, object]:
    """Return what a message says of a notice; no value and no token is in it."""
    of = notice.of
    return {
        "id": notice.id,
        "projectId": notice.project_id,
        "project": of.project or None,
        "environment": of.environment or None,
        "secretPath": of.path or None,
        "subject": {"id": notice.subject_id, "name": notice.subject},
        "app": {"id": of.app, "label": of.label or None} if of.app else None,
        "owner": of.owner or None,
        "oktaConnection": of.connection or None,
        "before": notice.before,
        "after": notice.after,
        "message": notice.told,
        "connections": notice.connections,
        "comesAt": instant(notice.comes_at) if notice.comes_at else None,
        "link": link or None,
        "command": notice.command or None,
    }


def _json(body: Mapping[str, object]) -> bytes:
    return json.dumps(body).encode()
