"""An inventory as one page that stands alone: totals, the ages as a picture, and every app."""

from collections.abc import Iterable
from importlib.resources import files
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from keyturn.cli.inventory_lines import kept_by, last_use, secrets_of, totals
from keyturn.cli.output import moment
from keyturn.web.pictures.ages import Bin, draw_ages
from keyturn.web.pictures.svg import el
from keyturn.web.pictures.tones import Tone

if TYPE_CHECKING:
    from keyturn.wire.inventory import InventoryApp, InventoryAppsAnswer

_TONES: tuple[tuple[Tone, str], ...] = (
    ("good", ""),
    ("good", ""),
    ("busy", ""),
    ("warn", ""),
    ("bad", "over a year"),
)
_STYLES = ("keyturn.css", "pictures.css")
_OWN = """
body { max-width: 78rem; margin: 0 auto; padding: var(--space-5); }
table { border-collapse: collapse; width: 100%; margin-block: var(--space-5); }
th, td { text-align: start; padding: var(--space-1) var(--space-2); vertical-align: top; }
th, tr { border-bottom: 1px solid var(--line); }
figure { margin-block: var(--space-5); max-width: 44rem; }
.told { color: var(--bad); }
"""
_HEADER = (
    "label",
    "app id",
    "org",
    "status",
    "authenticates by",
    "owner",
    "client secrets",
    "last use",
    "rotation",
)


def page(found: "InventoryAppsAnswer") -> str:
    """Render a whole page; it fetches nothing, and no text in it is read as markup."""
    assets = files("keyturn.web").joinpath("assets")
    styles = "\n".join(assets.joinpath(name).read_text("utf-8") for name in _STYLES)
    told = [el("p", line) for line in totals(found.totals, found.at)]
    doubts = [
        el("p", f"{state.connection} may be out of date: {state.failure}", class_="told")
        for state in found.inventories
        if state.failure
    ]
    title = f"Inventory, {moment(found.at)}"
    head = el(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup('<meta name="viewport" content="width=device-width">'),
        el("title", title),
        el("style", Markup(styles + _OWN)),  # noqa: S704  our own files
    )
    main = el("main", el("h1", title), *told, *doubts, _picture(found), _table(found))
    return str(Markup("<!doctype html>\n") + el("html", head, el("body", main), lang="en"))


def _picture(found: "InventoryAppsAnswer") -> Markup:
    ages = zip(found.totals.ages.items(), _TONES, strict=True)
    bins = [
        Bin(_label(band), count, tone, told, over=tone == "bad", unit="days")
        for (band, count), (tone, told) in ages
    ]
    return el("figure", draw_ages("ages", bins, limit="a year"))


def _label(band: str) -> str:
    return f"> {band[:-1]}" if band.endswith("+") else band.replace("-", "–")


def _table(found: "InventoryAppsAnswer") -> Markup:
    head = el("tr", *(el("th", name, scope="col") for name in _HEADER))
    rows = (el("tr", *(el("td", cell) for cell in _cells(app, found))) for app in found.apps)
    return el("table", el("thead", head), el("tbody", *rows))


def _cells(app: "InventoryApp", found: "InventoryAppsAnswer") -> Iterable[Markup]:
    texts = (
        app.label,
        app.app_id,
        app.connection,
        app.status,
        app.auth_method,
        app.owner or "unknown",
        secrets_of(app, found.at),
        last_use(app),
        kept_by(app),
    )
    return map(escape, texts)
