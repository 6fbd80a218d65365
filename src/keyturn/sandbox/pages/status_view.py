"""How one org looks on the status page: HTML without script, and never a clear value."""

import html
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import islice

from keyturn.sandbox.faults import BY_SOMEBODY_ELSE, KINDS, METHODS
from keyturn.sandbox.http import Json
from keyturn.sandbox.routes import ROUTES
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.records import App, Secret
from keyturn.sandbox.state.systemlog import Party

REQUESTS_SHOWN, EVENTS_SHOWN, APPS_SHOWN = 60, 40, 100
# A key whose bow is a turning arrow.
MARK = (
    '<svg width="22" height="22" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
    'stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">'
    '<path d="M13.2 6.2a5 5 0 1 0 1.6 5.1"/><path d="M15.6 4.6l-.5 3.7-3.6-.7"/>'
    '<path d="M13.8 13.8 21 21m-3-3 2.4-2.4"/></svg>'
)
_TONES = {"ACTIVE": "good", "INACTIVE": "warn", "DELETED": "bad", "SUCCESS": "good"}


def render_page(org: Org, names: Sequence[str], name: str, form_token: str, note: str) -> str:
    """Return the page of one org; `note` is what the last form was refused for, else empty."""
    tabs = "".join(_tab(other, current=other == name) for other in names)
    base = f"/orgs/{name}/page"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(name)} · Keyturn sandbox</title>"
        '<link rel="stylesheet" href="/page.css"></head><body>'
        f"<header><h1>{MARK}Keyturn sandbox</h1><nav aria-label=Orgs>{tabs}</nav>"
        f'<p class=end>Profile <b>{org.settings.profile}</b> · <a href="/orgs/{name}/page">Reload'
        "</a></p></header><main>"
        + (f"<p class=note role=alert>{_text(note)}</p>" if note else "")
        + _tiles(org)
        + f"<div class=column>{_apps(org)}{_requests(org)}{_log(org)}</div>"
        + f"<div class=column>{_clock(org, base, form_token)}{_faults(org, base, form_token)}</div>"
        + "</main><footer>An Okta org in a box, on this machine only. Times are the org's, in UTC. "
        "Client secrets are shown by their hash.</footer></body></html>"
    )


def _tab(name: str, *, current: bool) -> str:
    here = " aria-current=page" if current else ""
    return f'<a href="/orgs/{name}/page"{here}>{_text(name)}</a>'


def _tiles(org: Org) -> str:
    counts = org.counts()
    tiles = (
        ("Requests", counts["all"], ""),
        ("Management", counts["management"], ""),
        ("Token", counts["token"], ""),
        ("Refused", counts["refused"], "warn"),
        ("Failed", counts["failed"], "bad"),
        ("Dropped", counts["dropped"], "bad"),
    )
    return "".join(
        (
            "<dl class=tiles>",
            *(
                f'<div class="{tone if number else ""}"><dt>{label}</dt><dd>{number:,}</dd></div>'
                for label, number, tone in tiles
            ),
            "</dl>",
        )
    )


# --- apps -----------------------------------------------------------------------------------------


def _apps(org: Org) -> str:
    apps = org.list_apps()
    shown = "".join(_app(org, app) for app in apps[:APPS_SHOWN])
    aside = f"{len(apps):,} apps" if len(apps) <= APPS_SHOWN else f"{APPS_SHOWN} of {len(apps):,}"
    body = f'<div class="tall apps" tabindex=0>{shown}</div>' if apps else _empty("No apps.")
    return _section("Apps and their client secrets", aside, body)


def _app(org: Org, app: App) -> str:
    secrets = sorted(app.secrets, key=lambda secret: secret.deleted_at is not None)
    rows = [_secret_row(org, secret) for secret in secrets]
    header = ("Secret", "Hash", "Status", "Age", "Last use", "Made by")
    table = _table(header, rows) if rows else ""
    plural = "" if len(app.jwks) == 1 else "s"
    keys = f" · {len(app.jwks)} public key{plural}" if app.jwks else ""
    return (
        f"<div class=app><h3><span>{_text(app.label)}</span> {_chip(app.status)}</h3>"
        f"<p><code>{app.id}</code> · {_text(app.auth_method)}{keys}</p>{table}</div>"
    )


def _secret_row(org: Org, secret: Secret) -> Sequence[str]:
    deleted = secret.deleted_at is not None
    used = org.last_used.get(secret.id)
    return (
        f"<code>{secret.id}</code>",
        f"<code>{secret.hash}</code>",
        _chip("DELETED" if deleted else secret.status),
        _age(org.now() - secret.created_at),
        f"{_age(org.now() - used)} ago" if used else "<span class=soft>never</span>",
        f"<span class=soft>{_text(secret.made_by)}</span>",
    )


# --- what happened --------------------------------------------------------------------------------


def _requests(org: Org) -> str:
    last = org.journal.last
    entries = reversed(org.journal.list(max(last - REQUESTS_SHOWN, 0)))
    rows = [
        (
            f"<span class=soft>{entry['seq']}</span>",
            f"<code>{str(entry['at'])[11:19]}</code>",
            _status(entry["status"]),
            f"<code class=path>{_text(entry['method'])} {_breakable(entry['path'])}</code>",
            _text("" if entry["outcome"] == "ok" else entry["outcome"])
            + (f" {_chip_of(str(entry['fault']), 'warn')}" if entry["fault"] else ""),
            f"<span class='soft wrap'>{_text(entry['principal'])}</span>",
        )
        for entry in entries
    ]
    header = ("No.", "Time", "Status", "Request", "Outcome", "Caller")
    body = _tall(_table(header, rows)) if rows else _empty("Nobody has asked anything yet.")
    return _section("Requests", f"the latest of {last:,}", body)


def _status(status: Json) -> str:
    if not isinstance(status, int):
        return _chip_of("dropped", "bad")
    return _chip_of(str(status), "good" if status < 400 else "warn" if status < 500 else "bad")


def _names(targets: Iterable[Party]) -> Iterable[str]:
    """Return each name once: an app and its client are two targets of one name."""
    return dict.fromkeys(target.name or target.id for target in targets)


def _log(org: Org) -> str:
    start = max(org.system_log.last - EVENTS_SHOWN, 0)
    events = list(islice(org.system_log.events(start), EVENTS_SHOWN))
    rows = [
        (
            f"<code>{event.at:%H:%M:%S}</code>",
            f"<code>{_text(event.type)}</code>",
            _chip_of(event.result, "good" if event.result == "SUCCESS" else "bad"),
            _text(event.actor.name or event.actor.id),
            f"<span class='soft wrap'>{_text(', '.join(_names(event.targets)))}</span>",
        )
        for event in reversed(events)
    ]
    header = ("Time", "Event", "Result", "Actor", "Targets")
    body = _tall(_table(header, rows)) if rows else _empty("Nothing has happened yet.")
    return _section("System Log", f"the latest of {org.system_log.last:,}", body)


# --- what can be turned ---------------------------------------------------------------------------


def _clock(org: Org, base: str, token: str) -> str:
    now, rate = org.now(), org.clock.rate
    state = "real time" if not org.clock.virtual else f"moved, runs at ×{rate:g}"
    steps = (
        ("+1 min", "advance_s", "60"),
        ("+1 h", "advance_s", "3600"),
        ("+1 day", "advance_s", "86400"),
        ("×60", "rate", "60"),
        ("×1", "rate", "1"),
        ("Stop", "rate", "0"),
        ("Real time", "real", "1"),
    )
    buttons = "".join(
        _form(f"{base}/clock", token, f'<button name="{name}" value="{value}">{label}</button>')
        for label, name, value in steps
    )
    body = (
        f"<div class=pad><div class=clock>{now:%H:%M:%S}<small>{now:%A, %d %B %Y} UTC</small></div>"
        f"<div class=row>{buttons}</div></div>"
    )
    return _section("Clock", state, body)


def _faults(org: Org, base: str, token: str) -> str:
    faults = org.list_faults()
    shown = "".join(_fault(fault, base, token) for fault in faults)
    kinds = _options(*(kind for kind in KINDS if kind not in BY_SOMEBODY_ELSE))
    patterns = _options("*", *sorted({route.pattern for route in ROUTES}))
    fields = (
        f"<label>Kind<select name=kind>{kinds}<optgroup label='By another admin'>"
        f"{_options(*BY_SOMEBODY_ELSE)}</optgroup></select></label>"
        f"<label>Route<select name=route>{patterns}</select></label>"
        f"<div class=pair><label>Method<select name=method>{_options(*METHODS)}</select></label>"
        f"<label>When<select name=when>{_options('before', 'after')}</select></label>"
        + "".join(
            f"<label>{label}<input name={name} inputmode=decimal placeholder={usual}></label>"
            for label, name, usual in _NUMBERS
        )
        + "</div><button class=main>Put in force</button>"
    )
    form = f"<div class=pad>{_form(f'{base}/faults', token, fields)}</div>"
    return _section("Faults", f"{len(faults)} in force", shown + form)


def _fault(fault: Mapping[str, Json], base: str, token: str) -> str:
    limit = "" if fault["count"] is None else f" of {fault['count']}"
    method = "any method," if fault["method"] == "*" else fault["method"]
    where = "any path" if fault["route"] == "*" else f"<code>{_breakable(fault['route'])}</code>"
    details = ", ".join(
        words.format(fault[name]) for name, usual, words in _DETAILS if fault[name] != usual
    )
    lift = _form(f"{base}/faults/{fault['id']}/lift", token, "<button>Lift</button>")
    return (
        f"<div class=fault><p><b>{_text(fault['kind'])}</b> "
        f"<span class=soft>{_text(details)}</span><br>{_text(method)} {where}<br>"
        f"<span class=soft>struck {fault['struck']}{limit}, fitted {fault['seen']}</span></p>"
        f"{lift}</div>"
    )


_NUMBERS = (
    ("Times", "count", "always"),
    ("Skip first", "skip", "0"),
    ("Probability", "probability", "1"),
    ("Seconds", "seconds", "0"),
    ("Status", "status", "usual"),
)
# What is told of a fault only where it is not as usual.
_DETAILS: tuple[tuple[str, Json, str], ...] = (
    ("when", "before", "{} the effect"),
    ("probability", 1.0, "p\u00a0=\u00a0{:g}"),
    ("seconds", 0.0, "{:g} s"),
    ("status", None, "status {}"),
    ("skip", 0, "after {} others"),
)


# --- pieces ---------------------------------------------------------------------------------------


def _text(value: Json) -> str:
    return html.escape(str(value))


def _breakable(path: Json) -> str:
    return _text(path).replace("/", "/<wbr>")


def _section(title: str, aside: str, body: str) -> str:
    return f"<section><h2>{title}<small>{_text(aside)}</small></h2>{body}</section>"


def _table(header: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th scope=col>{name}</th>" for name in header)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<div class=scroll>{table}</div>"


def _tall(table: str) -> str:
    return table.replace("<div class=scroll>", '<div class="scroll tall" tabindex=0>', 1)


def _empty(words: str) -> str:
    return f"<p class=empty>{words}</p>"


def _chip(status: str) -> str:
    return _chip_of(status, _TONES.get(status, ""))


def _chip_of(words: str, tone: str) -> str:
    return f'<span class="chip {tone}">{_text(words)}</span>'


def _options(*values: str) -> str:
    return "".join(f"<option>{_text(value)}</option>" for value in values)


def _form(action: str, token: str, fields: str) -> str:
    hidden = f'<input type=hidden name=form_token value="{token}">'
    return f'<form method=post action="{action}">{hidden}{fields}</form>'


def _age(span: timedelta) -> str:
    seconds = max(span.total_seconds(), 0)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
