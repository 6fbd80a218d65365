"""The groups of an org, who is in them, and the apps that they are assigned to.

Knows neither HTTP nor how a group is shown; every change is told to the System Log.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from keyturn.sandbox import errors
from keyturn.sandbox.http import Json
from keyturn.sandbox.state.chance import Mint
from keyturn.sandbox.state.parties import app_party, user_party
from keyturn.sandbox.state.people import Tell
from keyturn.sandbox.state.records import App, User
from keyturn.sandbox.state.systemlog import NOBODY, Party
from keyturn.sandbox.state.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Group:
    """One group that was made at Okta; `profile` holds its members in Okta's names."""

    id: str
    created_at: datetime
    updated_at: datetime
    changed_at: datetime
    profile: Mapping[str, Json]
    users: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return the name that people know it by."""
        return str(self.profile.get("name", ""))

    @property
    def party(self) -> Party:
        """Return how it appears in the System Log."""
        return Party(self.id, "UserGroup", self.name, self.name)


class Groups:
    """All groups, with their recent past; names are unique."""

    def __init__(self, mint: Mint, now: Callable[[], datetime], tell: Tell) -> None:
        self._mint, self._now, self._tell = mint, now, tell
        self._groups: Timeline[Group] = Timeline(now)

    def read(self, group_id: str) -> Group:
        """Return a group; OktaError when there is none."""
        group = self._groups.get(group_id)
        if group is None:
            raise errors.not_found(group_id, "UserGroup")
        return group

    def list(self) -> list[Group]:
        """Return all groups, oldest first."""
        return [*self._groups.values()]

    def create(self, profile: Mapping[str, Json]) -> Group:
        """Make a group; OktaError without a name, or with one that another group has."""
        if not profile.get("name"):
            raise errors.left_blank("name")
        if any(group.name == profile["name"] for group in self.list()):
            raise errors.value_taken("name")
        now = self._now()
        group = self._save(Group(self._mint.issue_id("00g"), now, now, now, profile))
        self._tell("group.lifecycle.create", NOBODY, group.party)
        return group

    def delete(self, group_id: str) -> None:
        """Delete a group."""
        group = self.read(group_id)
        del self._groups[group.id]
        self._tell("group.lifecycle.delete", NOBODY, group.party)

    def add(self, group_id: str, user: User) -> Group:
        """Put a person into a group; nothing changes for one who is in it."""
        return self._change(group_id, user, "add")

    def remove(self, group_id: str, user: User) -> Group:
        """Take a person out of a group; nothing changes for one who is not in it."""
        return self._change(group_id, user, "remove")

    def assign(self, group_id: str, app: App) -> Group:
        """Assign an app to a group; nothing changes for one that is."""
        return self._reassign(group_id, app, "add")

    def unassign(self, group_id: str, app: App) -> Group:
        """Take an app from a group; nothing changes for one that it has not."""
        return self._reassign(group_id, app, "remove")

    def _reassign(self, group_id: str, app: App, step: str) -> Group:
        group = self.read(group_id)
        if (app.id in group.apps) is (step == "add"):
            return group
        others = tuple(each for each in group.apps if each != app.id)
        changed = self._save(replace(group, apps=(*others, app.id) if step == "add" else others))
        self._tell(f"group.application_assignment.{step}", NOBODY, changed.party, app_party(app))
        return changed

    def _change(self, group_id: str, user: User, step: str) -> Group:
        group = self.read(group_id)
        if (user.id in group.users) is (step == "add"):
            return group
        others = tuple(each for each in group.users if each != user.id)
        users = (*others, user.id) if step == "add" else others
        changed = self._save(replace(group, users=users, changed_at=self._now()))
        self._tell(f"group.user_membership.{step}", NOBODY, user_party(user), changed.party)
        return changed

    def _save(self, group: Group) -> Group:
        self._groups[group.id] = group
        return group
