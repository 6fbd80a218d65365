"""What each form of the pages takes, and somebody of any role who walks through all pages."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from api_kit import NO_ID, House, open_house
from identity_kit import newcomer
from route_kit import furnish
from starlette.routing import Match, Route
from web_kit import Form, Page, Visitor, visitor_of

from keyturn.domain.access import Verb
from keyturn.domain.drift import Finding, Kind
from keyturn.domain.roles import CustomRole, RoleGrant
from keyturn.web.app import PAGES
from keyturn.web.sessions import cookie_name

ABOVE = frozenset(
    {
        Verb.READ_AUDIT,
        Verb.READ_IDENTITIES,
        Verb.EDIT_IDENTITIES,
        Verb.READ_ROLES,
        Verb.EDIT_ROLES,
        Verb.CREATE_PROJECTS,
        Verb.READ_INVENTORY,
        Verb.TAKE_INVENTORY,
        Verb.READ_COMPLIANCE,
        Verb.EDIT_COMPLIANCE,
        Verb.READ_ROLLOUTS,
        Verb.EDIT_ROLLOUTS,
        Verb.APPROVE_ROLLOUTS,
        Verb.REPORT_LEAKS,
        Verb.READ_LEAKS,
        Verb.EDIT_LEAKS,
    }
)
"""What pages do above all projects: a role in one of them does not permit it."""
FREE: tuple[Verb, ...] = ()
CREDENTIALS = "/rotations/{rotation_id}"
FLOW, RUN, TABLE = "/flows/{flow_id}", "/flows/runs/{run_id}", "/flows/tables/{table_id}"
REGISTRATION = "/connections/registrations/{registration_id}"
OKTA = "/connections/okta/{connection_id}"
CHANNEL = "/settings/channels/{channel_id}"
DESTINATION = "/connections/destinations/{destination_id}"
POLICIES, EXCEPTIONS = "/compliance/policies", "/compliance/exceptions"
CONNECTION, ALIAS = "/connections/{connection_id}", "/connections/aliases/{alias_id}"
IDENTITY, ENVIRONMENT = "/access/identities/{identity_id}", "/settings/environments"


def _each(base: str, verb: Verb, *ends: str) -> dict[str, tuple[Verb, ...]]:
    return {f"{base}/{end}": (verb,) for end in ends}


TAKES: Mapping[str, tuple[Verb, ...]] = MappingProxyType(
    dict.fromkeys(
        (
            "/log-in",
            "/log-in/token",
            "/log-in/okta",
            "/log-in/okta/again",
            "/log-out",
            "/access/you/password",
            "/api/v1/oauth/begin",
        ),
        FREE,
    )
    | {
        "/rotations/new": (Verb.CREATE_ROTATIONS, Verb.USE_CONNECTIONS),
        "/rotations/new/part": (Verb.CREATE_ROTATIONS, Verb.USE_CONNECTIONS),
        "/rotations/{rotation_id}/auto": (Verb.EDIT_ROTATIONS,),
        "/rotations/{rotation_id}/edit": (Verb.EDIT_ROTATIONS,),
        "/rotations/{rotation_id}/delete": (Verb.DELETE_ROTATIONS,),
        "/rotations/{rotation_id}/reveal": (Verb.READ_CREDENTIALS,),
    }
    | _each(CREDENTIALS, Verb.ROTATE, "turn", "emergency", "pause", "resume", "reinstate")
    | _each(CREDENTIALS, Verb.ROTATE, "finish", "finish-at-once", "abort", "retire", "adopt")
    | _each(CREDENTIALS, Verb.ROTATE, "findings/{finding_id}")
    | {
        "/secrets/folders/new": (Verb.CREATE_FOLDERS,),
        "/secrets/folders/edit": (Verb.EDIT_FOLDERS,),
        "/secrets/folders/delete": (Verb.DELETE_FOLDERS,),
        "/secrets/import": (Verb.CREATE_SECRETS, Verb.READ_SECRETS),
        "/secrets/import/store": (Verb.CREATE_SECRETS, Verb.READ_SECRETS),
        "/secrets/new": (Verb.CREATE_SECRETS,),
        "/secrets/{secret_id}/edit": (Verb.EDIT_SECRETS,),
        "/secrets/{secret_id}/delete": (Verb.DELETE_SECRETS,),
        "/secrets/imports": (Verb.EDIT_IMPORTS,),
    }
    | _each("/secrets/imports/{import_id}", Verb.EDIT_IMPORTS, "move", "remove")
    | _each("/secrets", Verb.READ_SECRETS, "export", "{secret_id}/reveal", "{secret_id}/release")
    | _each("/flows", Verb.EDIT_FLOWS, "new", "import", "tables")
    | {"/flows/new/check": (Verb.READ_FLOWS,), f"{FLOW}/check": (Verb.READ_FLOWS,)}
    | _each(FLOW, Verb.EDIT_FLOWS, "save", "enable", "disable", "token", "delete")
    | {f"{FLOW}/run": (Verb.RUN_FLOWS,), f"{TABLE}/delete": (Verb.EDIT_FLOWS,)}
    | _each(TABLE, Verb.RUN_FLOWS, "rows", "clear", "rows/{row_id}/edit", "rows/{row_id}/delete")
    | _each(RUN, Verb.RUN_FLOWS, "cancel", "replay")
    | _each("/inventory", Verb.TAKE_INVENTORY, "read", "owners", "{connection_id}/forget")
    | _each(POLICIES, Verb.EDIT_COMPLIANCE, "new", "{policy_id}/edit", "{policy_id}/delete")
    | _each(EXCEPTIONS, Verb.EDIT_COMPLIANCE, "new", "{exception_id}/delete")
    | _each("/rollouts", Verb.EDIT_ROLLOUTS, "new", "{rollout_id}/continue", "{rollout_id}/abort")
    | {"/rollouts/{rollout_id}/approve": (Verb.APPROVE_ROLLOUTS,)}
    | _each("/emergencies", Verb.EDIT_ROLLOUTS, "new")
    | _each("/emergencies/{emergency_id}", Verb.EDIT_ROLLOUTS, "retry", "leave-out", "abort")
    | {"/leaks/new": (Verb.REPORT_LEAKS,), "/leaks/{leak_id}/end": (Verb.EDIT_LEAKS,)}
    | _each("/audit", Verb.READ_AUDIT, "verify", "export")
    | {"/connections/registrations/new": (Verb.EDIT_GRANTS, Verb.READ_SECRETS)}
    | {f"{REGISTRATION}/secret": (Verb.EDIT_GRANTS, Verb.READ_SECRETS)}
    | _each(REGISTRATION, Verb.EDIT_GRANTS, "edit", "prove", "delete", "consumers")
    | _each(REGISTRATION, Verb.EDIT_GRANTS, "consumers/confirm", "consumers/remove")
    | {"/connections/okta/new": (Verb.CREATE_CONNECTIONS,)}
    | {f"{OKTA}/edit": (Verb.EDIT_CONNECTIONS,)}
    | {f"{OKTA}/turn-key": (Verb.EDIT_CONNECTIONS, Verb.ROTATE)}
    | _each(OKTA, Verb.USE_CONNECTIONS, "check", "compare")
    | {f"{OKTA}/delete": (Verb.DELETE_CONNECTIONS,)}
    | {"/connections/destinations/new": (Verb.EDIT_DESTINATIONS, Verb.READ_SECRETS)}
    | _each(DESTINATION, Verb.EDIT_DESTINATIONS, "edit", "pause", "delete")
    | {f"{DESTINATION}/resume": (Verb.EDIT_DESTINATIONS, Verb.READ_SECRETS)}
    | {f"{DESTINATION}/deliver": (Verb.DELIVER,)}
    | _each(CONNECTION, Verb.AUTHORIZE_GRANTS, "authorize", "device", "device/{request_id}")
    | {"/connections/new": (Verb.EDIT_GRANTS,), f"{CONNECTION}/renew": (Verb.USE_GRANTS,)}
    | _each(CONNECTION, Verb.EDIT_GRANTS, "prove", "edit", "delete", "aliases")
    | _each(ALIAS, Verb.EDIT_GRANTS, "lead", "delete")
    | _each("/access", Verb.EDIT_IDENTITIES, "people", "identities")
    | _each(IDENTITY, Verb.EDIT_IDENTITIES, "roles", "everywhere", "roles/take", "secrets")
    | _each(IDENTITY, Verb.EDIT_IDENTITIES, "secrets/revoke", "tokens/revoke", "unlock")
    | _each(IDENTITY, Verb.EDIT_IDENTITIES, "password", "delete")
    | {"/access/roles": (Verb.EDIT_ROLES,), "/access/roles/delete": (Verb.EDIT_ROLES,)}
    | {"/settings/projects": (Verb.CREATE_PROJECTS,), ENVIRONMENT: (Verb.EDIT_PROJECT,)}
    | {f"{ENVIRONMENT}/rename": (Verb.EDIT_PROJECT,), "/settings/tags": (Verb.CREATE_SECRETS,)}
    | _each("/settings/tags", Verb.EDIT_PROJECT, "{tag_id}/edit", "{tag_id}/delete")
    | {"/settings/{project}/environments/{environment_id}/delete": (Verb.EDIT_PROJECT,)}
    | {"/settings/channels/new": (Verb.EDIT_CHANNELS,)}
    | _each(CHANNEL, Verb.EDIT_CHANNELS, "edit", "test", "pause", "resume", "delete")
)
"""The verbs that sending a form takes, by the path that it is sent to."""

FIRST: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "/connections/new": {"registration": "{registration_id}"},
        "/connections/registrations/new": {"kind": "header"},
        "/connections/destinations/new": {"kind": "file"},
        "/settings/channels/new": {"kind": "webhook"},
        "/secrets/folders/edit": {"path": "/app"},
        "/secrets/folders/delete": {"path": "/app"},
    }
)
"""What the address of a form says besides: by what another page leads there."""


def routes_of(method: str) -> Sequence[Route]:
    """List the routes of the pages that a method takes."""
    return [
        route
        for module in PAGES
        for route in module.ROUTES
        if isinstance(route, Route) and method in (route.methods or ())
    ]


def taken(form: Form, page: Page) -> tuple[Verb, ...]:
    """Return what sending a form of a page takes."""
    path = urlsplit(urljoin(page.path, form.action or page.path)).path
    scope = {"type": "http", "method": "POST", "path": path}
    (route, *_) = [each for each in routes_of("POST") if each.matches(scope)[0] is Match.FULL]
    return TAKES[route.path]


@dataclass
class Walker:
    """Somebody of some verbs at a browser, in a house that has one of everything."""

    house: House
    names: Mapping[str, str]
    visitor: Visitor
    verbs: frozenset[Verb]
    seen: dict[str, Page] = field(default_factory=dict)

    def address(self, path: str) -> str:
        """Return where a form is found, with what its address says."""
        ids = dict(self.names)
        if path.startswith("/connections/") and "/okta/" not in path:
            ids["connection_id"] = ids["people"]
        told = {name: text.format(**ids) for name, text in FIRST.get(path, {}).items()}
        return f"{path.format(**ids)}?{urlencode(told)}"

    def may(self, verbs: Sequence[Verb]) -> bool:
        """Say whether they may do all of this."""
        return self.verbs.issuperset(verbs)

    def wrong(self, page: Page) -> list[str]:
        """Return the forms of a page that they may not send."""
        posted = [each for each in page.forms if each.method == "post"]
        return [each.action for each in posted if not self.may(taken(each, page))]

    async def walk(self) -> list[object]:
        """Open every page that another one leads to, and return what they may not see or send."""
        waiting, wrong = [("/", "")], list[object]()
        while waiting:
            path, source = waiting.pop()
            key = _kind(path)
            if key in self.seen:
                continue
            page = await self.visitor.open(path)
            self.seen[key] = page
            if page.status >= 400 or self.wrong(page):
                wrong.append((path, page.status, self.wrong(page), f"from {source}"))
            waiting += [(each, path) for each in _links(page)]
        return wrong


def _links(page: Page) -> Sequence[str]:
    found = (urlsplit(urljoin(page.path, href)) for href, _ in page.links)
    plain = [each for each in found if not each.scheme and each.path.startswith("/")]
    ours = (each for each in plain if not re.match("/(assets|gallery)|.*evidence", each.path))
    return [f"{each.path}?{each.query}" if each.query else each.path for each in ours]


def _kind(path: str) -> str:
    """Return what pages are alike in: lists that only filter otherwise are one."""
    parts = urlsplit(path)
    return f"{parts.path}?{','.join(sorted(parse_qs(parts.query)))}"


@asynccontextmanager
async def walking(*verbs: str, everywhere: bool) -> AsyncIterator[Walker]:
    """Log somebody in who holds a role of verbs everywhere or in the project; none without any."""
    async with open_house() as house:
        names = await furnish(house) | {"finding_id": NO_ID}
        now = datetime(2026, 3, 1, tzinfo=UTC)
        finding = Finding(NO_ID, names["rotation_id"], Kind.SECRET_ADDED, "ocsNobody", "", now)
        async with house.world.store.writing() as tx:
            await tx.add(finding)
            await tx.add(CustomRole("drawn", None, "drawn", "Drawn", "", now, now))
            await tx.add(RoleGrant("drawn", 1, tuple(verbs)))
        where = None if everywhere else house.installed.project.id
        roles = [("drawn", where)] if verbs else []
        _, token = await newcomer(house, *roles, name="walker")
        visitor = visitor_of(house.world)
        visitor.http.cookies.set(cookie_name(secure=True), token)
        async with visitor.http:
            held = frozenset(map(Verb, verbs))
            yield Walker(house, names, visitor, held if everywhere else held - ABOVE)
