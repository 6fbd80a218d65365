"""Authorised calls of Okta's management API.

Decides when a call may be made again: only one that changes nothing, and only for a stale access
token. Knows nothing of what the calls are for.
"""

from dataclasses import dataclass

from keyturn.adapters.okta.answers import Answer, Call
from keyturn.adapters.okta.credentials import Credentials
from keyturn.adapters.okta.line import Line
from keyturn.domain.budget import Purpose
from keyturn.domain.sensitive import Sensitive


@dataclass(frozen=True)
class Management:
    """Make calls to one org with one set of credentials."""

    line: Line
    credentials: Credentials

    async def read(self, what: str, path: str, *, follow: int = 0) -> Answer:
        """Make a call that changes nothing, and that so many may follow about the same app.

        Raises OktaError unless it is served.
        """
        call = Call(what, "GET", path, self.credentials.principal, follow=follow)
        answer = await self.call(call)
        return answer.accept(200)

    def change(
        self,
        what: str,
        method: str,
        path: str,
        *,
        hidden: tuple[Sensitive, ...] = (),
        purpose: Purpose | None = None,
    ) -> Call:
        """Return a call that changes something; no answer's text repeats what is hidden."""
        principal = self.credentials.principal
        return Call(what, method, path, principal, changes=True, purpose=purpose, hidden=hidden)

    async def call(self, call: Call) -> Answer:
        """Make the call and return whatever Okta answered, short of a 429. Raises OktaError."""
        until = self.line.deadline()
        sent = await self.credentials.authorise(self.line, call, until)
        answer = await self.line.send(sent, until)
        stale = answer.status == 401 and self.credentials.renewable_after(sent)
        if not stale or call.changes:
            return answer
        return await self.line.send(await self.credentials.authorise(self.line, call, until), until)
