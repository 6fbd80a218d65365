"""The way to the org with one thing changed in it: what a fault of the sandbox cannot do."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from keyturn.domain.budget import Purpose, Window
from keyturn.domain.connection import OktaCredentials
from keyturn.services.ports import Journal, OktaOrg, OktaOrgs


class Altered(OktaOrgs):
    """The orgs, each changed in something when it is opened."""

    def __init__(self, orgs: OktaOrgs, alter: Callable[[OktaOrg], None]) -> None:
        self._orgs, self._alter = orgs, alter

    def open(
        self,
        instance_url: str,
        credentials: OktaCredentials,
        *,
        journal: Journal,
        purpose: Purpose = Purpose.FINISHING,
    ) -> OktaOrg:
        """Open the org, and change it."""
        org = self._orgs.open(instance_url, credentials, journal=journal, purpose=purpose)
        self._alter(org)
        return org

    async def list_windows(self) -> Sequence[Window]:
        """List as ever."""
        return await self._orgs.list_windows()


class Meanwhile(Altered):
    """The orgs, where something happens once just before an app is looked up."""

    def __init__(self, orgs: OktaOrgs, happen: Callable[[], Awaitable[object]]) -> None:
        super().__init__(orgs, self._surprise)
        self._happen, self._happened = happen, False

    def _surprise(self, org: OktaOrg) -> None:
        find_app = org.find_app

        async def find_late(*args: Any) -> Any:  # noqa: ANN401  as `find_app` has it
            if not self._happened:
                self._happened = True
                await self._happen()
            return await find_app(*args)

        vars(org)["find_app"] = find_late
