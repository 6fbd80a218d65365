"""What a client registration authenticates with: a secret of its own, or the name of stored ones.

Decides what has to be given, and what may not be together. Asks no server whether it is accepted.
"""

from dataclasses import dataclass, replace

from keyturn.domain.errors import FieldProblem, InvalidInput, NotFound, NotReady, Refused
from keyturn.domain.ids import SecretId
from keyturn.domain.oauth.provider import Proof
from keyturn.domain.oauth.registration import ClientRegistration, Scheme, changed
from keyturn.domain.okta import secret_hash
from keyturn.domain.project import Place
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret
from keyturn.domain.sensitive import Sensitive
from keyturn.services.clients import open_client, provider_of, seal_own
from keyturn.services.ports import Reading, World

CLIENT_ID_MAX = 512
SECRET_MAX = 65_536


@dataclass(frozen=True)
class Credential:
    """What a client authenticates with: a value of its own, or stored secrets by their names.

    ``rotation`` names one that keeps both, ``secret_name`` and ``client_id_name`` secrets of the
    registration's folder.
    """

    client_id: str = ""
    secret: Sensitive | None = None
    rotation: str = ""
    secret_name: str = ""
    client_id_name: str = ""


async def credentialed(
    world: World, tx: Reading, place: Place, made: ClientRegistration, given: Credential
) -> ClientRegistration:
    """Return a registration with a credential, to be proved at once.

    Where that names no client id, the registration goes on with the one that it has. Raises
    InvalidInput, NotFound, and Refused where what it refers to cannot be read.
    """
    rotation = await _rotation(tx, place, given.rotation) if given.rotation else None
    if rotation:
        mapping = rotation.mapping
        given = replace(given, secret_name=mapping.client_secret, client_id_name=mapping.client_id)
    secret_id = await _secret_id(tx, place, "secretName", given.secret_name)
    client_id_id = await _secret_id(tx, place, "clientIdName", given.client_id_name)
    after = replace(made, secret_id=secret_id, sealed=None, own_hash=None)
    known = bool(made.client_id or made.client_id_secret_id)
    if given.client_id or given.client_id_name or not known:
        client_id = _client_id(given, made.scheme)
        after = replace(after, client_id=client_id, client_id_secret_id=client_id_id)
    if given.secret is not None:
        after = _with_own(world, place, after, given.secret)
    _require_proof(after)
    await _require_readable(world, tx, after)
    return changed(after, world.clock.now())


async def _require_readable(world: World, tx: Reading, made: ClientRegistration) -> None:
    """Raise Refused where what is referred to cannot be read now: no request could be made."""
    try:
        await open_client(world, tx, made)
    except NotReady as error:
        raise Refused(f"{error.message} Nothing was stored.") from None


def _with_own(
    world: World, place: Place, made: ClientRegistration, secret: Sensitive
) -> ClientRegistration:
    if made.secret_id:
        rule = "must not be given beside the name of a stored secret"
        raise InvalidInput(FieldProblem(("clientSecret",), rule))
    if not 0 < len(secret.reveal()) <= SECRET_MAX:
        raise InvalidInput(FieldProblem(("clientSecret",), f"must be 1 to {SECRET_MAX} characters"))
    counted = replace(made, own_version=made.own_version + 1)
    if counted.scheme is Scheme.OAUTH:
        world.servers.check_secret(provider_of(counted), secret)
    sealed = seal_own(world, place.project, counted, secret)
    return replace(counted, sealed=sealed, own_hash=secret_hash(secret))


def _require_proof(made: ClientRegistration) -> None:
    """Raise InvalidInput where the client has nothing to authenticate with, and should."""
    if made.scheme is Scheme.NONE:
        return
    needs = provider_of(made).needs if made.scheme is Scheme.OAUTH else frozenset({Proof.SECRET})
    if needs and not (made.sealed or made.secret_id):
        wanted = " and ".join(sorted(needs))
        raise InvalidInput(FieldProblem(("clientSecret",), f"must be given: the {wanted}"))


async def _rotation(tx: Reading, place: Place, name: str) -> Rotation:
    found = await tx.find(Rotation, folder_id=place.folder.id, name=name)
    if found is None:
        raise NotFound(f"There is no rotation {name} in {place}.")
    return found


async def _secret_id(tx: Reading, place: Place, field: str, name: str) -> SecretId | None:
    if not name:
        return None
    found = await tx.find(Secret, folder_id=place.folder.id, name=name)
    if found is None:
        raise InvalidInput(FieldProblem((field,), f"there is no secret {name} in {place}"))
    return found.id


def _client_id(given: Credential, scheme: Scheme) -> str:
    if given.client_id_name or scheme is Scheme.NONE:
        return ""
    text = given.client_id.strip()
    if not 0 < len(text) <= CLIENT_ID_MAX or not text.isprintable():
        rule = f"must be 1 to {CLIENT_ID_MAX} characters, or clientIdName the name of a secret"
        raise InvalidInput(FieldProblem(("clientId",), rule))
    return text
