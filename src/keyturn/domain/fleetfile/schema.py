"""What may stand in a fleet file, as JSON Schema (draft 2020-12); files are checked by it."""

from typing import Final

from keyturn.domain.channel_kinds import ChannelKind
from keyturn.domain.channels import AHEAD_MAX_S, Rhythm
from keyturn.domain.compliance import REASON_MAX
from keyturn.domain.destination_kinds import Kind as DestinationKind
from keyturn.domain.roles import PATTERN_MAX
from keyturn.domain.turn import Overlap

Schema = dict[str, object]

ROTATION_TYPES: Final = ("okta-client-secret", "okta-api-service-secret", "okta-client-key")


def _text(told: str, **rules: object) -> Schema:
    return {"type": "string", "description": told, "minLength": 1, "maxLength": 255} | rules


def _slug(told: str) -> Schema:
    return _text(told, pattern="^[a-z0-9]+(-[a-z0-9]+)*$", maxLength=64)


def _number(told: str, least: int, most: int) -> Schema:
    return {"type": "integer", "description": told, "minimum": least, "maximum": most}


def _truth(told: str) -> Schema:
    return {"type": "boolean", "description": told}


def _list(of: Schema, told: str = "") -> Schema:
    about: Schema = {"description": told} if told else {}
    return {"type": "array", "items": of, **about}


def _object(told: str, properties: Schema, *required: str) -> Schema:
    return {
        "type": "object",
        "description": told,
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _named(told: str, of: Schema) -> Schema:
    return {"type": "object", "description": told, "additionalProperties": of}


_OPEN: Final[Schema] = {"minLength": 0, "maxLength": 255}
_WORDS: Final = r"^(\S([\s\S]*\S)?)?$"
_PATH = _text("A folder, from the root.", pattern=r"^/([A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*)?$")
_PATH["maxLength"] = 1024
_ABOUT = _text("What people read.", pattern=_WORDS, minLength=0, maxLength=256)
_TITLE = _text("What people read.", pattern=_WORDS, maxLength=64)
_PROJECT = _slug("The project's slug.")
_ENVIRONMENT = _slug("The environment's slug.")
_REFERENCE = _text(
    "Where a value comes from: env:NAME and file:PATH of the machine that applies the file, stdin, "
    "or kept where it is there already. Never the value.",
    pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|stdin|kept)$",
    maxLength=1024,
)
_SELECTOR = _text("Which apps, such as label=pay-*; empty is all.", minLength=0, maxLength=1000)
_DAYS = _number("Days; 0 asks nothing.", 0, 3650)
_SECONDS_MAX: Final = 31_536_000

SCHEDULE = _object(
    "When to turn; what is left out stays as it is, or is the installation's.",
    {
        "automatic": _truth("Whether turns start by themselves."),
        "every": _text("An interval, such as 12h, 30d or 6mo.", **_OPEN),
        "cron": _text("Five fields of cron, in place of an interval.", **_OPEN),
        "intervalDays": _number("An interval in days.", 1, 36_500),
        "rotateAt": _text(
            "A time of day in UTC, such as 02:30.", pattern=r"^([01]\d|2[0-3]):[0-5]\d$"
        ),
        "at": _text("A time of day in the time zone, such as 02:30.", **_OPEN),
        "timeZone": _text("An IANA time zone."),
        "windows": _text("When turns may start, such as Mo-Fr 09:00-17:00.", **_OPEN),
        "blackouts": _text("When none may, such as 2026-12-20/2027-01-03.", minLength=0)
        | {"maxLength": 50_000},
        "staggerSeconds": _number("Spread starts over so many seconds.", 0, 7 * 86_400),
        "quarantineAfter": _number("So many failures stop it; 0 is never.", 0, 1000),
    },
)
POLICY = _object(
    "How long a turn takes its time; what is left out stays as it is, or is the installation's.",
    {
        "overlap": {"type": "string", "enum": [each.value for each in Overlap]},
        "overlapSeconds": _number("Both secrets work so long.", 0, _SECONDS_MAX),
        "soakSeconds": _number("Between retire and delete.", 0, _SECONDS_MAX),
        "backstopSeconds": _number("With evidence, at the latest.", 0, _SECONDS_MAX),
        "quietSeconds": _number("Without a use, that counts as disuse.", 0, _SECONDS_MAX),
        "readSystemLog": _truth("Whether Okta's System Log is asked too."),
        "repairDrift": _truth("Whether drift is mended without asking."),
    },
)
_SECRET_NAME = _text("The name of a secret; {NAME} is the rotation's.", pattern=r"^[^:/\s]+$")
_SHARED: Schema = {
    "description": _ABOUT,
    "project": _PROJECT,
    "environment": _ENVIRONMENT,
    "path": _PATH,
    "connection": _slug("The Okta connection, by name."),
    "type": {"type": "string", "enum": list(ROTATION_TYPES)},
    "mapping": _object(
        "Under which names readers find them.",
        {"clientId": _SECRET_NAME, "clientSecret": _SECRET_NAME},
    ),
    "schedule": SCHEDULE,
    "policy": POLICY,
}
_ROTATION = _object(
    "A rotation, or, with select, one for each app that is picked from the inventory.",
    {
        "name": _text(
            "Its name; with select a template of {label-slug} and {app}.",
            pattern=r"^([a-z0-9-]|\{label-slug\}|\{app\})+$",
            maxLength=64,
        ),
        "app": _text("The app's id or its client id.", maxLength=100),
        "select": _SELECTOR | {"minLength": 1},
        **_SHARED,
    },
    "name",
)
_ENVIRONMENT_ITEM = _object(
    "An environment.",
    {
        "slug": _ENVIRONMENT,
        "name": _TITLE,
        "folders": _list(_PATH, "Its folders; those above them are made too."),
    },
    "slug",
)
_DESTINATION = _object(
    "Another store that a folder's secrets are brought to.",
    {
        "name": _slug("Its name in the folder."),
        "project": _PROJECT,
        "environment": _ENVIRONMENT,
        "path": _PATH,
        "kind": {"type": "string", "enum": [each.value for each in DestinationKind]},
        "settings": _named("What its kind asks for.", _text("A setting.", maxLength=16_384)),
        "credential": _named("What proves it, by reference.", _REFERENCE),
        "secrets": _list(_SECRET_NAME, "Which secrets; none is all."),
        "mapping": _named("What secrets are called there.", _text("A name there.")),
        "prefix": _text("What their names begin with there.", minLength=0, maxLength=200),
        "required": _truth("Whether a turn waits for it."),
    },
    "name",
    "project",
    "environment",
    "kind",
)
_CLOCK = _text("A time of day, such as 07:00; empty is none.", minLength=0, maxLength=5)
_CLOCK["pattern"] = r"^(([01]\d|2[0-3]):[0-5]\d)?$"
_CHANNEL = _object(
    "A way by which notices are brought to people; without a project it hears of all.",
    {
        "name": _slug("Its name."),
        "project": _PROJECT,
        "kind": {"type": "string", "enum": [each.value for each in ChannelKind]},
        "settings": _named("What its kind asks for.", _text("A setting.", maxLength=4096)),
        "credential": _named("What of it is secret, by reference.", _REFERENCE),
        "selector": _SELECTOR,
        "kinds": _list(
            _text("A kind of notice, such as turn.blocked.", pattern=r"^[a-z_.]+$"),
            "Of what it hears; none is everything.",
        ),
        "timing": _object(
            "When it may speak; what is left out stays as it is, or is at once and always.",
            {
                "digest": {"type": "string", "enum": [each.value for each in Rhythm]},
                "digestAt": _CLOCK,
                "zone": _text("An IANA time zone."),
                "quietFrom": _CLOCK,
                "quietTo": _CLOCK,
            },
        ),
        "aheadSeconds": _number("A turn is told so long before it starts.", 60, AHEAD_MAX_S),
        "paused": _truth("Whether it is left alone, and hears of nothing."),
    },
    "name",
    "kind",
)
_PATTERN = _text("A name, with * for any part of one and /** for all below.", maxLength=PATTERN_MAX)
_ROLE = _object(
    "A role that is not built in, of a project or, without one, of all.",
    {
        "slug": _slug("By what it is held."),
        "project": _PROJECT,
        "name": _TITLE,
        "description": _ABOUT,
        "grants": _list(
            _object(
                "Verbs, and where they hold; what is left out or empty is everywhere.",
                {
                    "verbs": _list(_text("Such as secrets:read.", pattern="^[a-z-]+:[a-z-]+$")),
                    "environments": _list(_PATTERN),
                    "paths": _list(_PATTERN),
                    "connections": _list(_text("An Okta connection, by name.")),
                },
                "verbs",
            )
        ),
    },
    "slug",
    "grants",
)
_EXCEPTION = _object(
    "What lets some apps off for a while; whoever applies the file stands for it by name.",
    {
        "selector": _SELECTOR | {"minLength": 1},
        "policy": _slug("Of which compliance policy; of all where none is named."),
        "kinds": _list(
            _text("A kind of finding, such as too-old.", pattern=r"^[a-z-]+$"),
            "Of which findings; none is all.",
        ),
        "reason": _text("Why.", pattern=_WORDS, maxLength=REASON_MAX),
        "expiresAt": _text(
            "A day, or a moment, in UTC: 2026-12-31 or 2026-12-31T12:00:00Z.",
            pattern=r"^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?Z)?$",
        ),
    },
    "selector",
    "reason",
    "expiresAt",
)

FLEET: Final[Schema] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Keyturn fleet file",
    **_object(
        "What is wanted of an installation. What is not said stays as it is.",
        {
            "version": {"const": 1},
            "prune": _truth("Whether what is not in the file goes, secrets' keepers excepted."),
            "projects": _list(
                _object(
                    "A project with its environments.",
                    {
                        "slug": _PROJECT,
                        "name": _TITLE,
                        "environments": _list(_ENVIRONMENT_ITEM),
                    },
                    "slug",
                )
            ),
            "connections": _list(
                _object(
                    "A connection to an Okta org; without a project it serves all.",
                    {
                        "name": _slug("Its name."),
                        "description": _ABOUT,
                        "project": _PROJECT,
                        "instanceUrl": _text("Where the org is."),
                        "method": {"type": "string", "enum": ["api-token", "oauth-service-app"]},
                        "clientId": _text("The service app's client id."),
                        "credential": _REFERENCE,
                    },
                    "name",
                    "instanceUrl",
                    "method",
                )
            ),
            "defaults": _object("What every rotation says that does not say otherwise.", _SHARED),
            "rotations": _list(_ROTATION),
            "destinations": _list(_DESTINATION),
            "channels": _list(_CHANNEL),
            "roles": _list(_ROLE),
            "identities": _list(
                _object(
                    "A machine identity, and its roles.",
                    {
                        "name": _TITLE,
                        "role": _slug("Its role in every project; no-access is none."),
                        "projects": _named("Its roles by project.", _list(_slug("A role's slug."))),
                    },
                    "name",
                )
            ),
            "compliancePolicies": _list(
                _object(
                    "What is asked of the apps that a selector fits.",
                    {
                        "name": _slug("Its name."),
                        "selector": _SELECTOR,
                        "description": _ABOUT,
                        "maxAgeDays": _DAYS,
                        "maxOverlapDays": _DAYS,
                        "unusedDays": _DAYS,
                        "managed": _truth("Whether a rotation is asked for."),
                    },
                    "name",
                )
            ),
            "policyExceptions": _list(_EXCEPTION),
        },
        "version",
    ),
}
