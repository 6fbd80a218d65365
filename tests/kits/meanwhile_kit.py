"""The way to the org with one thing changed in it: what a fault of the sandbox cannot do."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from rig import Rig

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


def before_next(rig: Rig, verb: str, happen: Callable[[], Awaitable[object]]) -> None:
    """Have something happen once, just before the next call that does this to a credential."""
    due = [happen]

    def alter(org: OktaOrg) -> None:
        credentials_of = org.credentials_of

        def altered(*args: Any) -> Any:  # noqa: ANN401  as `credentials_of` has it
            found = credentials_of(*args)
            call = getattr(found, verb)

            async def late(*args: Any, **named: Any) -> Any:  # noqa: ANN401  as the call has it
                if due:
                    await due.pop()()
                return await call(*args, **named)

            setattr(found, verb, late)
            return found

        vars(org)["credentials_of"] = altered

    rig.world = replace(rig.world, okta=Altered(rig.world.okta, alter))
