"""Who may have a rotation of what, and what is left when it is refused."""

import asyncio
import json
from dataclasses import replace
from datetime import time
from typing import Any

import pytest
from rig import ORG_URL, PLACE, SECRETS, Rig

from keyturn.domain.access import ADMIN, VIEWER, Holding
from keyturn.domain.connection import ApiToken, ServiceApp
from keyturn.domain.errors import (
    Forbidden,
    InvalidInput,
    NotFound,
    OktaRefused,
    Refused,
    Taken,
)
from keyturn.domain.ids import ProjectId
from keyturn.domain.rotation import Rotation, SecretsMapping
from keyturn.domain.schedule import Schedule
from keyturn.domain.secret import Secret
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Phase, Turn
from keyturn.sandbox import AppDraft, Fault
from keyturn.services.connections import (
    OktaConnectionChange,
    OktaConnectionDraft,
    create_okta_connection,
    delete_okta_connection,
    update_okta_connection,
)
from keyturn.services.ending import delete_rotation
from keyturn.services.policies import PolicyChange
from keyturn.services.projects import Where, read_project
from keyturn.services.rotations import RotationChange, read_rotation, update_rotation
from keyturn.services.secret_changes import SecretChange, create_secret, update_secret
from keyturn.services.secrets import read_secret
from keyturn.services.turns import rotate

OTHER = {"name": "other", "mapping": SecretsMapping("OTHER_ID", "OTHER_SECRET")}


async def test_one_app_has_one_rotation(rig: Rig) -> None:
    """A second rotation of an app is refused, however its org's address is spelled."""
    await rig.rotation()
    token = ApiToken(Sensitive(rig.org.seeded.api_token))
    draft = OktaConnectionDraft("again", None, None, ORG_URL.upper(), token)
    again = await create_okta_connection(rig.world, rig.admin, draft)
    with pytest.raises(Taken, match="my-okta-rotation"):
        await rig.rotation(connection_id=again.id, **OTHER)


async def test_the_quicker_of_two_creations_wins(rig: Rig) -> None:
    """Two creations at the same moment make one rotation."""
    both = await asyncio.gather(rig.rotation(), rig.rotation(**OTHER), return_exceptions=True)
    assert sum(isinstance(one, Taken) for one in both) == 1
    async with rig.world.store.reading() as tx:
        assert len(await tx.list(Rotation)) == 1
        assert len(await tx.list(Secret)) == 2


async def test_first_secret_that_okta_refuses_leaves_nothing(rig: Rig) -> None:
    """A creation whose first secret Okta refuses for good is undone whole."""
    rig.org.add_fault(Fault("error-before-effect", "POST", SECRETS, status=403))
    with pytest.raises(Refused, match="Okta administrator"):
        await rig.rotation(adopt_existing=False)
    async with rig.world.store.reading() as tx:
        assert [len(await tx.list(kind)) for kind in (Rotation, Secret, Turn)] == [0, 0, 0]
    assert len(rig.at_okta()) == 1


async def test_first_secret_that_okta_puts_off_is_issued_later(rig: Rig) -> None:
    """A creation that meets a rate limit stands, and its first turn goes on by itself."""
    rig.org.add_fault(Fault("rate-limit", "POST", SECRETS, count=1))
    rotation = (await rig.rotation(adopt_existing=False)).rotation
    with pytest.raises(NotFound):
        await rig.served_hash()
    assert (await rig.run(rotation.id)).phase is Phase.FINISHED
    assert await rig.served_hash() == rig.living()[1]["hash"]


async def test_rotation_of_another_project_is_not_there(rig: Rig) -> None:
    """A caller of another project learns neither name nor existence."""
    rotation = (await rig.rotation()).rotation
    stranger = replace(rig.admin, holdings=(Holding(ADMIN, ProjectId("another")),))
    with pytest.raises(NotFound) as told:
        await read_rotation(rig.world, stranger, rotation.id)
    assert rotation.name not in told.value.message


async def test_viewer_may_not_turn(rig: Rig) -> None:
    """Reading a rotation does not include turning it, and the refusal is on record."""
    rotation = (await rig.rotation()).rotation
    with pytest.raises(Forbidden, match="viewer"):
        await rotate(rig.world, replace(rig.admin, holdings=(Holding(VIEWER),)), rotation.id)
    async with rig.world.store.reading() as tx:
        last = (await tx.list_audit())[-1].attempt
    assert (last.verb, last.allowed) == ("secret-rotation:rotate-secrets", False)


async def test_credentials_of_a_connection_can_be_replaced(rig: Rig) -> None:
    """New credentials are proved at Okta, and turns use them from then on."""
    rotation = (await rig.rotation()).rotation
    fresh = rig.org.create_api_token("fresh", rig.org.api_tokens[rig.org.seeded.api_token].user_id)
    del rig.org.api_tokens[rig.org.seeded.api_token]
    wrong = OktaConnectionChange(credentials=ApiToken(Sensitive("00" + "x" * 40)))
    with pytest.raises(OktaRefused):
        await update_okta_connection(rig.world, rig.admin, rig.connection.id, wrong)
    right = OktaConnectionChange(credentials=ApiToken(Sensitive(fresh)))
    changed = await update_okta_connection(rig.world, rig.admin, rig.connection.id, right)
    assert changed.version == 2
    await rotate(rig.world, rig.admin, rotation.id)


async def test_connection_in_use_stays(rig: Rig) -> None:
    """A connection that a rotation uses can be neither removed nor pointed elsewhere."""
    rotation = (await rig.rotation()).rotation
    token = ApiToken(Sensitive(rig.org.seeded.api_token))
    elsewhere = OktaConnectionChange(instance_url="https://elsewhere.okta.test", credentials=token)
    with pytest.raises(Refused, match="my-okta-rotation"):
        await update_okta_connection(rig.world, rig.admin, rig.connection.id, elsewhere)
    with pytest.raises(Refused, match="my-okta-rotation"):
        await delete_okta_connection(rig.world, rig.admin, rig.connection.id)
    await delete_rotation(rig.world, rig.admin, rotation.id, delete_secrets=False, revoke=False)
    await delete_okta_connection(rig.world, rig.admin, rig.connection.id)


async def test_stored_credentials_are_not_sent_elsewhere(rig: Rig) -> None:
    """Another address needs the credentials again, from somebody who knows them."""
    elsewhere = OktaConnectionChange(instance_url="https://elsewhere.okta.test")
    with pytest.raises(InvalidInput, match="credentials"):
        await update_okta_connection(rig.world, rig.admin, rig.connection.id, elsewhere)


async def test_ended_rotation_leaves_its_secret_readable_and_free(rig: Rig) -> None:
    """Ending a rotation keeps serving the working secret, which may then be changed by hand."""
    rotation = (await rig.rotation()).rotation
    served = await rig.served_hash()
    change = SecretChange(value=Sensitive("by hand"))
    with pytest.raises(Refused, match="kept by a rotation"):
        await update_secret(rig.world, rig.admin, PLACE, "OKTA_CLIENT_SECRET", change)
    await delete_rotation(rig.world, rig.admin, rotation.id, delete_secrets=False, revoke=False)
    assert await rig.served_hash() == served
    await update_secret(rig.world, rig.admin, PLACE, "OKTA_CLIENT_SECRET", change)
    assert [s["status"] for s in rig.living()] == ["ACTIVE"]


async def test_revoking_the_only_active_secret_is_refused(rig: Rig) -> None:
    """Okta keeps one ACTIVE secret an app; nothing is removed where it cannot be done."""
    rotation = (await rig.rotation()).rotation
    with pytest.raises(Refused, match="without an active client secret"):
        await delete_rotation(rig.world, rig.admin, rotation.id, delete_secrets=True, revoke=True)
    assert await rig.served_hash() == rig.living()[0]["hash"]


async def test_secret_is_renamed_and_annotated(rig: Rig) -> None:
    """A rename keeps value and version; a taken name is refused."""
    for name in ("A", "B"):
        await create_secret(rig.world, rig.admin, PLACE, name, Sensitive(name))
    with pytest.raises(Taken):
        await update_secret(rig.world, rig.admin, PLACE, "A", SecretChange(name="B"))
    await update_secret(rig.world, rig.admin, PLACE, "A", SecretChange(name="C", comment="why"))
    read = await read_secret(rig.world, rig.admin, PLACE, "C")
    assert (read.value.reveal(), read.version.number, read.secret.comment) == ("A", 1, "why")
    with pytest.raises(NotFound):
        await read_secret(rig.world, rig.admin, PLACE, "A")


async def test_adoption_takes_consent_for_the_other_secret(rig: Rig) -> None:
    """With the owner's consent the second secret is retired while the adopted one is served."""
    served = rig.living()[0]
    theirs = rig.org.create_secret(rig.app_id, None)
    rotation = (await rig.rotation(retire_existing=rig.consent(theirs.id))).rotation
    assert await rig.served_hash() == served["hash"]
    assert (await rig.run(rotation.id)).phase is Phase.FINISHED
    assert [s["id"] for s in rig.living()] == [served["id"]]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"parameter": " "}, "parameters.clientId"),
        ({"schedule": Schedule(0, time(0, 0))}, "rotationInterval"),
        ({"policy": PolicyChange(overlap_s=299)}, "overlapSeconds"),
        ({"policy": PolicyChange(soak_s=-1)}, "soakSeconds"),
        ({"mapping": SecretsMapping("SAME", "SAME")}, "secretsMapping.clientSecret"),
    ],
)
async def test_what_no_rotation_can_be_is_named(
    rig: Rig, changes: dict[str, object], field: str
) -> None:
    """Each field that breaks its rule is named, and Okta is not asked."""
    rig.calls()
    with pytest.raises(InvalidInput) as told:
        await rig.rotation(**changes)
    assert [".".join(problem.field) for problem in told.value.problems] == [field]
    assert rig.calls() == []


async def test_unknown_places_are_named(rig: Rig) -> None:
    """Project, environment and rotation that do not exist are told apart."""
    with pytest.raises(NotFound, match="no project nowhere"):
        await read_project(rig.world, rig.admin, "nowhere")
    with pytest.raises(NotFound, match="no project nowhere"):
        await rig.rotation(where=Where("nowhere", "dev"))
    with pytest.raises(NotFound, match="no environment qa"):
        await rig.rotation(where=Where("example", "qa"))
    with pytest.raises(Refused, match="no folder /a"):
        await rig.rotation(where=Where("example", "dev", "/a"))
    with pytest.raises(NotFound, match="no rotation"):
        await rotate(rig.world, rig.admin, "no-id")
    with pytest.raises(NotFound, match="no secret"):
        await update_secret(rig.world, rig.admin, PLACE, "NONE", SecretChange(comment="x"))


async def test_connection_belongs_to_a_project_that_exists(rig: Rig) -> None:
    """A connection of an unknown project is refused before its token goes to Okta."""
    token = ApiToken(Sensitive(rig.org.seeded.api_token))
    rig.calls()
    draft = OktaConnectionDraft("two", None, "nowhere", ORG_URL, token)
    with pytest.raises(NotFound, match="no project nowhere"):
        await create_okta_connection(rig.world, rig.admin, draft)
    assert rig.calls() == []


async def test_second_name_in_a_folder_is_taken(rig: Rig) -> None:
    """Two rotations of one folder differ by name, also after a change."""
    await rig.rotation()
    app = rig.org.create_app(AppDraft("second"))
    second = (await rig.rotation(parameter=app.id, **OTHER)).rotation
    with pytest.raises(Taken):
        await update_rotation(
            rig.world, rig.admin, second.id, RotationChange(name="my-okta-rotation")
        )


async def test_turns_work_through_a_service_app(rig: Rig) -> None:
    """A connection by private key turns as one by API token does."""
    credentials: Any = rig.org.credentials()
    app = ServiceApp(
        credentials["service_client_id"],
        Sensitive(json.dumps(credentials["service_private_jwk"])),
    )
    draft = OktaConnectionDraft("service", None, None, ORG_URL, app)
    connection = await create_okta_connection(rig.world, rig.admin, draft)
    rotation = (await rig.rotation(connection_id=connection.id)).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    assert (await rig.run(rotation.id)).phase is Phase.FINISHED
