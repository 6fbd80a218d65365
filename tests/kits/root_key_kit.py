"""What the tests of root keys share: a key management service, and a process that dies."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pytest

from keyturn.bootstrap.opening import opened
from keyturn.domain.access import ADMIN, Caller, Holding
from keyturn.domain.audit import Attempt, verify_chain
from keyturn.domain.identity import Identity
from keyturn.domain.project import Project
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import Reading, Recorded, Store, World, Writing
from keyturn.services.sealing import seal_version
from keyturn.settings import Settings

MARK = "marked-value-of-a-secret"
REGION = "eu-west-1"
AWS = {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_MAX_ATTEMPTS": "1",
}


@contextmanager
def aws_kms(patch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Stand in for AWS in this process, with no network; give a client of its KMS."""
    for name, value in AWS.items():
        patch.setenv(name, value)
    with import_module("moto").mock_aws():
        yield import_module("boto3").client("kms", region_name=REGION)


def new_kms_key(client: Any) -> str:  # noqa: ANN401  boto3 has no types
    """Make a key, and return it as a setting."""
    return f"aws:{client.create_key()['KeyMetadata']['Arn']}"


class Died(Exception):
    """The process is gone."""


@dataclass
class Dying:
    """A store whose process dies just before or just after its next commit."""

    inner: Store
    after: bool

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        """Open a snapshot."""
        return self.inner.reading()

    async def append_audit(self, attempt: Attempt) -> Recorded:
        """Append an entry."""
        return await self.inner.append_audit(attempt)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writing]:
        """Open a transaction, and die at its end."""
        async with self.inner.writing() as tx:
            yield tx
            if not self.after:
                raise Died
        raise Died


async def project_of(world: World) -> Project:
    """Return the one project."""
    async with world.store.reading() as tx:
        [found] = await tx.list(Project)
    return found


async def sealed_in(settings: Settings) -> bytes:
    """Seal a marked value."""
    async with opened(settings) as world:
        return seal_version(world, await project_of(world), "v-1", Sensitive(MARK))


async def assert_whole(settings: Settings, sealed: bytes) -> None:
    """The value opens, something new can be sealed, the audit chain verifies."""
    async with opened(settings) as world:
        project = await project_of(world)
        place = "version/v-1/value"
        assert world.vault.open(project.data_key, project.id, place, sealed).reveal() == MARK
        async with world.store.reading() as tx:
            verify_chain(await tx.list_audit())


async def administrator(world: World) -> Caller:
    """Return who may do everything."""
    async with world.store.reading() as tx:
        identity = await tx.find(Identity, name="administrator")
    assert identity
    return Caller(identity.id, identity.name, identity.organization_id, (Holding(ADMIN),))
