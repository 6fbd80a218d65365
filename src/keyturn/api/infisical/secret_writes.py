"""Write named secrets, one or several, under the generations of routes that clients use."""

from collections.abc import Sequence

from fastapi import APIRouter

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.infisical import render
from keyturn.api.infisical.secrets import Name
from keyturn.api.infisical.spelling import refuse_encrypted, refuse_personal, where_of
from keyturn.api.lenient import LenientRoute
from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.sensitive import Sensitive
from keyturn.services import secret_changes
from keyturn.services.secret_changes import Absent, Edit, SecretChange, Written
from keyturn.wire import secrets as wire

router = APIRouter(tags=["Secrets"], route_class=LenientRoute)


@router.post("/api/v3/secrets/batch/raw")
@router.post("/api/v4/secrets/batch", name="create_secrets_v4")
async def create_secrets(
    world: TheWorld, caller: TheCaller, body: wire.CreateSecrets
) -> wire.BatchAnswer:
    """Store several new secrets, all or none."""
    where = where_of(body)
    edits = [Edit(where, one.secret_key, _change(one, one.secret_value)) for one in body.secrets]
    return _batch(await secret_changes.create_secrets(world, caller, edits))


@router.patch("/api/v3/secrets/batch/raw")
@router.patch("/api/v4/secrets/batch", name="update_secrets_v4")
async def update_secrets(
    world: TheWorld, caller: TheCaller, body: wire.UpdateSecrets
) -> wire.BatchAnswer:
    """Change several secrets, all or none; what is not there fails, is ignored, or is created."""
    edits = [
        Edit(where_of(body, one.secret_path), one.secret_key, _update(one)) for one in body.secrets
    ]
    return _batch(await secret_changes.update_secrets(world, caller, edits, Absent(body.mode)))


@router.delete("/api/v3/secrets/batch/raw")
@router.delete("/api/v4/secrets/batch", name="delete_secrets_v4")
async def delete_secrets(
    world: TheWorld, caller: TheCaller, body: wire.DeleteSecrets
) -> wire.BatchAnswer:
    """Delete several secrets, all or none."""
    for one in body.secrets:
        refuse_personal(one.type)
    where = where_of(body)
    edits = [Edit(where, one.secret_key) for one in body.secrets]
    return _batch(await secret_changes.delete_secrets(world, caller, edits))


@router.post("/api/v3/secrets/raw/{secret_name}")
@router.post("/api/v4/secrets/{secret_name}", name="create_secret_v4")
async def create_secret(
    world: TheWorld, caller: TheCaller, secret_name: Name, body: wire.CreateSecret
) -> wire.SecretAnswer:
    """Store a new secret and serve it at once."""
    edit = Edit(where_of(body), secret_name, _change(body, body.secret_value))
    return _one(await secret_changes.create_secrets(world, caller, [edit]))


@router.patch("/api/v3/secrets/raw/{secret_name}")
@router.patch("/api/v4/secrets/{secret_name}", name="update_secret_v4")
async def update_secret(
    world: TheWorld, caller: TheCaller, secret_name: Name, body: wire.UpdateSecret
) -> wire.SecretAnswer:
    """Change a secret: its value, which is served at once, its name, and what is beside it."""
    edit = Edit(where_of(body), secret_name, _update(body))
    return _one(await secret_changes.update_secrets(world, caller, [edit]))


@router.delete("/api/v3/secrets/raw/{secret_name}")
@router.delete("/api/v4/secrets/{secret_name}", name="delete_secret_v4")
async def delete_secret(
    world: TheWorld, caller: TheCaller, secret_name: Name, body: wire.DeleteSecret
) -> wire.SecretAnswer:
    """Delete a secret with all its versions."""
    refuse_personal(body.type)
    edit = Edit(where_of(body), secret_name)
    return _one(await secret_changes.delete_secrets(world, caller, [edit]))


def _change(asked: wire.WriteOptions, value: str | None, name: str | None = None) -> SecretChange:
    refuse_personal(asked.type)
    metadata = asked.secret_metadata
    refuse_encrypted(metadata or ())
    return SecretChange(
        value=None if value is None else Sensitive(value),
        name=name,
        comment=asked.secret_comment,
        metadata=None if metadata is None else tuple(t for m in metadata for t in (m.key, m.value)),
        tag_ids=asked.tag_ids,
        skip_multiline_encoding=asked.skip_multiline_encoding,
    )


def _update(asked: wire.UpdateOptions) -> SecretChange:
    change = _change(asked, asked.secret_value, asked.new_secret_name)
    if change == SecretChange():
        rule = "Required, unless something else of the secret is to change"
        raise InvalidInput(FieldProblem(("secretValue",), rule))
    return change


def _one(written: Sequence[Written]) -> wire.SecretAnswer:
    return wire.SecretAnswer(secret=_shown(written[0]))


def _batch(written: Sequence[Written]) -> wire.BatchAnswer:
    return wire.BatchAnswer(secrets=tuple(map(_shown, written)))


def _shown(written: Written) -> wire.Secret:
    return render.secret(written.read, shown=written.shown)
