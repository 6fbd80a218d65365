"""Secrets written by hand: made, changed, renamed, deleted. No value comes back to a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from starlette.responses import Response

from keyturn.domain import names
from keyturn.domain.access import Verb
from keyturn.domain.errors import CallerError, FieldProblem, InvalidInput, Refused, Taken
from keyturn.domain.project import Tag
from keyturn.domain.secret import Secret
from keyturn.domain.sensitive import Sensitive
from keyturn.services import tags
from keyturn.services.secret_changes import (
    Edit,
    SecretChange,
    Written,
    create_secrets,
    delete_secrets,
    update_secrets,
)
from keyturn.services.tags import TagDraft
from keyturn.web.faults import require_typed, told_of
from keyturn.web.pages.secrets_one import ONE, Shown, find_shown
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.spots import PAGE, Spot, spot_of
from keyturn.web.visiting import Visit

NAME_MAX: Final = 255
PAIRS_MAX: Final = 100
PAIR_MAX: Final = 1_000
FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {"secretName": "name", "newSecretName": "name", "slug": "new_tags"}
)


@dataclass(frozen=True)
class Typed:
    """What a form says of a secret."""

    name: str
    comment: str
    tag_ids: tuple[str, ...]
    new_tags: str
    metadata: str
    base: str = ""
    """When the secret was changed last by what the form was filled in with."""


@dataclass(frozen=True)
class _Asked:
    """What a form asks for: a change, and tags that are to be made for it."""

    name: str
    change: SecretChange
    drafts: Sequence[TagDraft]


async def show_new(visit: Visit) -> Response:
    """Ask for a new secret."""
    spot, _ = await spot_of(visit)
    return await _form(visit, spot, Typed("", "", (), "", ""))


async def create(visit: Visit) -> Response:
    """Store a new secret, which is served at once."""
    spot, _ = await spot_of(visit)
    try:
        asked = _asked(visit)
        if asked.change.value is None:
            raise _wrong("value", "must not be empty: type the value")
        edit = Edit(spot.where, asked.name, replace(asked.change, name=None))
        made = (await create_secrets(visit.world, visit.caller, [edit]))[0]
        await _tag(visit, spot, made, asked)
    except CallerError as error:
        return await _form(visit, spot, _typed(visit), error=error)
    told = f"{made.read.secret.name} is stored, and served from now on."
    return visit.redirect(f"{PAGE}/{made.read.secret.id}", told)


async def show_edit(visit: Visit) -> Response:
    """Ask what is to change of a secret."""
    one = await find_shown(visit)
    secret = one.read.secret
    pairs = "\n".join(f"{key}={value}" for key, value in secret.metadata_pairs)
    base = secret.updated_at.isoformat()
    typed = Typed(secret.name, secret.comment, secret.tag_ids, "", pairs, base)
    return await _form(visit, one.spot, typed, one=one)


async def edit(visit: Visit) -> Response:
    """Change a secret: a new value is its next version, and is served at once."""
    one = await find_shown(visit)
    try:
        asked = _asked(visit)
        change = _allowed(one, asked.change)
        wanted = Edit(one.spot.where, one.name, change, _base(visit))
        changed = (await update_secrets(visit.world, visit.caller, [wanted], shown=False))[0]
        await _tag(visit, one.spot, changed, asked)
    except CallerError as error:
        return await _form(visit, one.spot, _typed(visit), one=one, error=error)
    told = "Version {} is served from now on." if change.value else "The secret is changed."
    return visit.redirect(one.href, told.format(changed.read.version.number))


async def show_delete(visit: Visit) -> Response:
    """Say what goes with a secret, and ask whether to delete it."""
    one = await find_shown(visit)
    one.spot.require(Verb.DELETE_SECRETS)
    return visit.render("secrets/delete.html", one=one, error="")


async def delete(visit: Visit) -> Response:
    """Delete a secret with all its versions, once its name is typed."""
    one = await find_shown(visit)
    try:
        require_typed(visit, one.name)
        await delete_secrets(visit.world, visit.caller, [Edit(one.spot.where, one.name)])
    except CallerError as error:
        status, told = status_of(error), error.message
        return visit.render("secrets/delete.html", status=status, one=one, error=told)
    return visit.redirect(one.spot.href(), f"{one.name} is deleted, with all its versions.")


def _typed(visit: Visit) -> Typed:
    ids = tuple(str(each) for each in visit.form.getlist("tag"))
    said = visit.said
    texts = (said("new_tags"), said("metadata"), said("base"))
    return Typed(said("name"), said("comment"), ids, *texts)


def _asked(visit: Visit) -> _Asked:
    """Read the form. Raises InvalidInput."""
    typed = _typed(visit)
    if len(typed.name) > NAME_MAX:
        raise _wrong("name", f"must be at most {NAME_MAX} characters")
    change = SecretChange(
        value=_value(visit),
        name=names.secret_name(("name",), typed.name) if "name" in visit.form else None,
        comment=typed.comment,
        metadata=_metadata(typed.metadata) if "metadata" in visit.form else None,
        tag_ids=typed.tag_ids,
    )
    return _Asked(change.name or "", change, [*map(_draft, _words(typed.new_tags))])


def _value(visit: Visit) -> Sensitive | None:
    """Return the value that was typed, in whichever field; browsers end lines with CR and LF."""
    lines = str(visit.form.get("lines", "")).replace("\r\n", "\n")
    typed = lines or str(visit.form.get("value", ""))
    return Sensitive(typed) if typed else None


def _metadata(text: str) -> tuple[str, ...]:
    pairs = [each.partition("=") for each in text.splitlines() if each.strip()]
    if len(pairs) > PAIRS_MAX:
        raise _wrong("metadata", f"must be at most {PAIRS_MAX} lines")
    for number, (key, sign, value) in enumerate(pairs, start=1):
        if not key.strip() or not sign or max(len(key), len(value)) > PAIR_MAX:
            rule = f"line {number} must be KEY=value, {PAIR_MAX} characters each at most"
            raise _wrong("metadata", rule)
    return tuple(part.strip() for key, _, value in pairs for part in (key, value))


def _words(text: str) -> Sequence[str]:
    return list(dict.fromkeys(filter(None, map(str.strip, text.split(",")))))


def _draft(name: str) -> TagDraft:
    return TagDraft(names.slugified(name), names.title(("new_tags",), name))


def _base(visit: Visit) -> datetime | None:
    """Return the time of the change that a form goes by. Raises Refused."""
    try:
        return datetime.fromisoformat(visit.said("base")) if visit.said("base") else None
    except ValueError:
        raise Refused("This form does not say what it changes: load the page again.") from None


def _wrong(field: str, rule: str) -> InvalidInput:
    return InvalidInput(FieldProblem((field,), rule))


def _allowed(one: Shown, change: SecretChange) -> SecretChange:
    """Return a change without a new name that is the old one."""
    return replace(change, name=None) if change.name == one.name else change


async def _tag(visit: Visit, spot: Spot, written: Written, asked: _Asked) -> None:
    """Put the new tags on a secret, now that it is written; those that exist are taken."""
    if not asked.drafts:
        return
    known = {each.slug: each for each in await _tags(visit, spot)}
    new = [known.get(each.slug or "") or await _made(visit, spot, each) for each in asked.drafts]
    ids = (*(asked.change.tag_ids or ()), *(each.id for each in new))
    change = SecretChange(tag_ids=tuple(dict.fromkeys(ids)))
    named = Edit(spot.where, written.read.secret.name, change)
    await update_secrets(visit.world, visit.caller, [named], shown=False)


async def _made(visit: Visit, spot: Spot, draft: TagDraft) -> Tag:
    try:
        return await tags.create_tag(visit.world, visit.caller, spot.where.project, draft)
    except Taken:  # somebody was quicker
        slug = draft.slug or ""
        return await tags.read_tag(visit.world, visit.caller, spot.where.project, slug=slug)


async def _tags(visit: Visit, spot: Spot) -> Sequence[Tag]:
    return await tags.list_tags(visit.world, visit.caller, spot.where.project)


async def _form(
    visit: Visit,
    spot: Spot,
    typed: Typed,
    *,
    one: Shown | None = None,
    error: CallerError | None = None,
) -> Response:
    spot.require(Verb.EDIT_SECRETS if one else Verb.CREATE_SECRETS)
    return visit.render(
        "secrets/form.html",
        status=status_of(error) if error else 200,
        spot=spot,
        one=one,
        typed=typed,
        tags=sorted(await _tags(visit, spot), key=lambda tag: tag.name.lower()),
        kept=one is not None and one.read.secret.rotation_id is not None,
        editable=one is None or _is_flat(one.read.secret),
        problems=told_of(error, FIELDS),
    )


def _is_flat(secret: Secret) -> bool:
    """Say whether the metadata can be written a pair a line."""
    pairs = secret.metadata_pairs
    return all(len(f"{k}={v}".splitlines()) == 1 and "=" not in k for k, v in pairs)


ROUTES: Final = (
    page(f"{PAGE}/new", show_new),
    action(f"{PAGE}/new", create),
    page(f"{ONE}/edit", show_edit),
    action(f"{ONE}/edit", edit),
    page(f"{ONE}/delete", show_delete),
    action(f"{ONE}/delete", delete),
)
