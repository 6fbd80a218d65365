"""Whom a whole installation tells, and by what it proves those whom it tells."""

from pathlib import Path

from keyturn.bootstrap.opening import initialise, opened
from keyturn.domain.access import ADMIN, Caller, Holding
from keyturn.domain.channel_kinds import ChannelKind
from keyturn.domain.identity import Identity
from keyturn.domain.ids import ProjectId
from keyturn.domain.notice import Kind, NoticeDraft
from keyturn.domain.sensitive import Sensitive
from keyturn.services.channels import ChannelDraft, create_channel, list_log, try_channel
from keyturn.services.duties import list_due
from keyturn.services.notices import tell
from keyturn.services.ports import Due
from keyturn.settings import Settings


def settings(folder: Path, **given: str) -> Settings:
    """Return settings of an installation of its own."""
    return Settings.model_validate({"data_dir": folder / "data", **given})


async def test_channels_and_their_secrets_survive_a_restart(tmp_path: Path) -> None:
    """On disk the secret is sealed; what was told meanwhile is still to be brought."""
    whole = settings(tmp_path)
    await initialise(whole)
    url = "https://hooks.invalid/canary-of-the-address"
    async with opened(whole) as world:
        async with world.store.reading() as tx:
            (one,) = [each for each in await tx.list(Identity) if each.name == "administrator"]
        admin = Caller(one.id, one.name, one.organization_id, (Holding(ADMIN),))
        draft = ChannelDraft("people", ChannelKind.SLACK, {}, {"url": Sensitive(url)})
        await create_channel(world, admin, draft)
        told = NoticeDraft(
            kind=Kind.LEAKED,
            organization_id=one.organization_id,
            project_id=ProjectId("p"),
            subject_id="r",
            subject="pay",
            told="Somebody found it.",
        )
        async with world.store.writing() as tx:
            await tell(tx, world, told)
    assert b"canary" not in whole.database_file.read_bytes()
    async with opened(whole) as world:
        assert Due.NOTICES in await list_due(world)
        ((way),) = [each.dispatch for each in await list_log(world, admin, "people")]
        assert way.delivered_at is None
        failure = await try_channel(world, admin, "people")
        assert "No answer came from the channel's receiver" in failure
        assert "canary" not in failure
