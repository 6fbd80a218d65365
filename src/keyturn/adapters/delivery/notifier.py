"""Notices as signed messages, to whoever passes them on to people.

Signed as destinations' messages are. Knows nothing of what is news, or when it is tried again.
"""

from collections.abc import Mapping
from datetime import datetime

import httpx2

from keyturn.adapters.delivery.calls import CALL_LIMIT_S, Calls
from keyturn.adapters.delivery.webhook import instant, message, signed_headers
from keyturn.domain.addresses import endpoint_url
from keyturn.domain.errors import DestinationAway
from keyturn.domain.notice import Notice
from keyturn.domain.sensitive import Sensitive
from keyturn.network.reading import retry_after_s

WHO = "the receiver of notices"


class WebhookNotifier:
    """Post notices to one address (`services.ports.Notifier`); close with `aclose`.

    ``way`` leads to the network, past the guard on addresses. Raises AddressRefused for an address
    that cannot be one to go to.
    """

    anybody = True

    def __init__(
        self,
        url: str,
        secret: Sensitive,
        way: httpx2.AsyncBaseTransport,
        *,
        private_allowed: bool = False,
        call_limit_s: float = CALL_LIMIT_S,
    ) -> None:
        self._url = endpoint_url(url, WHO, private_allowed=private_allowed)
        self._secret = secret
        self._http = httpx2.AsyncClient(transport=way, timeout=call_limit_s, follow_redirects=False)

    async def deliver(self, notice: Notice, at: datetime) -> None:
        """Send one notice; an answer of 2xx is the confirmation."""
        body = message(notice.kind, notice.created_at, data_of(notice))
        headers = signed_headers(self._secret, notice.id, at, body)
        answer = await Calls(self._http, self._url, headers, who=WHO).call("POST", "", body)
        if not 200 <= answer.status < 300:
            raise DestinationAway(
                f"{WHO.capitalize()} did not take it (HTTP {answer.status}): look at it, and at "
                "KEYTURN_NOTIFY_URL and KEYTURN_NOTIFY_SECRET.",
                retry_after_s=retry_after_s(answer.headers, at),
            )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()


def data_of(notice: Notice) -> Mapping[str, object]:
    """Return what a message says of a notice; no value and no token is in it."""
    return {
        "projectId": notice.project_id,
        "environment": notice.environment,
        "secretPath": notice.secret_path,
        "subject": {"id": notice.subject_id, "name": notice.subject},
        "before": notice.before,
        "after": notice.after,
        "message": notice.told,
        "connections": notice.connections,
        "failsAt": instant(notice.fails_at) if notice.fails_at else None,
        "link": notice.link or None,
    }
