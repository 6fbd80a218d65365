"""Several orgs in one process, told apart by the name of the host that is called."""

import re
from collections.abc import Iterator, Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from keyturn.sandbox.app import build_app
from keyturn.sandbox.http import render_html, send_answer
from keyturn.sandbox.state.org import Org

FIRST = "main"
DOMAIN = ".localhost"
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class Fleet(Mapping[str, Org]):
    """Orgs by name; the first one answers where none is named."""

    def __init__(self, orgs: Mapping[str, Org]) -> None:
        if not orgs:
            raise ValueError("a fleet needs an org")
        for name in orgs:
            if not NAME.fullmatch(name):
                raise ValueError(f"{name!r} cannot be the name of an org: a-z, 0-9 and - can")
        self._orgs = dict(orgs)

    def __getitem__(self, name: str) -> Org:
        return self._orgs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._orgs)

    def __len__(self) -> int:
        return len(self._orgs)

    @property
    def first(self) -> Org:
        """Return the org that answers where none is named."""
        return next(iter(self._orgs.values()))

    def find_name(self, host: str) -> str | None:
        """Return the name of the org that a host names, None for a name that no org has.

        Every host but `*.localhost` means the first org; so does every host when there is only
        one.
        """
        name = host.partition(":")[0].lower().rstrip(".")
        if len(self) == 1 or not name.endswith(DOMAIN):
            return next(iter(self))
        name = name.removesuffix(DOMAIN)
        return name if name in self else None


def build_fleet(fleet: Fleet) -> ASGIApp:
    """Return the ASGI application in which the host's name decides which org answers."""
    apps = {name: build_app(org) for name, org in fleet.items()}

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        host = next((value for name, value in scope.get("headers", ()) if name == b"host"), b"")
        name = fleet.find_name(host.decode("latin-1"))
        if name is None:
            page = "<html><body>No org has this name in the sandbox.</body></html>"
            await send_answer(send, render_html(page, 404))
        else:
            await apps[name](scope, receive, send)

    return serve
