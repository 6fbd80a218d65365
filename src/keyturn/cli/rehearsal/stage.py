"""The stage: an org and an installation on ephemeral loopback ports, in this event loop."""

import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from keyturn.adapters.system.logs import log_to
from keyturn.bootstrap.opening import initialise
from keyturn.bootstrap.serving import serving
from keyturn.cli.rehearsal.consumer import INSTANCES, Registration
from keyturn.cli.rehearsal.tally import Counted, Tally
from keyturn.client import Identity, KeyturnApi, Place, Secret, Store
from keyturn.sandbox import Ready, SandboxConfig
from keyturn.sandbox import serving as serving_org
from keyturn.settings import Settings

SECRET_NAME = "OKTA_CLIENT_SECRET"
TTL_S = 1.0
OVERLAP_S = 3
SOAK_S = 1


@dataclass(frozen=True)
class _App:
    id: str
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True)
class _Person:
    login: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class OrgCredentials:
    """What opens the sandbox org."""

    app: _App
    user: _Person
    ssws_token: str = field(repr=False)


@dataclass(frozen=True)
class Stage:
    """The org, the server, and a caller's way to it. `operator` is a machine identity."""

    ready: Ready
    org: OrgCredentials
    trust: ssl.SSLContext
    url: str
    operator: Identity = field(repr=False)
    project_id: str
    api: KeyturnApi

    @property
    def place(self) -> Place:
        """Return where the secrets are."""
        return Place(self.project_id, "dev")

    def registration(self) -> Registration:
        """Return what the consumer's developer was told."""
        app = self.ready.org.read_app(self.org.app.id)
        return Registration(
            org_url=self.ready.https_url,
            trust=self.trust,
            client_id=app.client_id,
            redirect_uri=app.redirect_uris[0],
            login=self.org.user.login,
            password=self.org.user.password,
        )

    @asynccontextmanager
    async def secrets(self, tally: Tally) -> AsyncIterator[list[Secret]]:
        """Give each instance of the consumer its own, separately kept secret, all counted."""
        transport = Counted(tally, "keyturn")
        async with KeyturnApi(self.url, self.operator, transport=transport) as api:
            stores = [Store(api, self.place, ttl_s=TTL_S) for _ in range(INSTANCES)]
            yield [store.secret(SECRET_NAME) for store in stores]


@asynccontextmanager
async def staged(seed: int, keep_data: Path | None) -> AsyncIterator[Stage]:
    """Set the stage. Raises Refused where ``keep_data`` holds an installation already."""
    with _directory(keep_data) as directory:
        config = SandboxConfig(http_port=0, https_port=0, control_port=0, seed=seed)
        async with serving_org(config) as ready:
            settings = _settings(directory, ready.ca_file)
            log_to(settings.log_file, settings.log_level)
            installed = await initialise(settings)
            operator = Identity(installed.client_id, installed.client_secret.reveal())
            async with serving(settings) as url, KeyturnApi(url, operator) as api:
                yield Stage(
                    ready=ready,
                    org=TypeAdapter(OrgCredentials).validate_python(ready.as_json()),
                    trust=ssl.create_default_context(cafile=str(ready.ca_file)),
                    url=url,
                    operator=operator,
                    project_id=installed.project.id,
                    api=api,
                )


def _settings(directory: Path, ca_file: Path) -> Settings:
    """Name every setting that matters here, so that the environment changes nothing."""
    return Settings(
        data_dir=directory / "data",
        database_url=None,
        engine=None,
        root_key_file=None,
        root_key=None,
        old_root_key=None,
        kms_key=None,
        trusted_proxies="",
        public_url="",
        login_registration="",
        login_issuer="",
        login_groups="",
        host="127.0.0.1",
        port=0,
        url="http://127.0.0.1",
        token=None,
        client_id=None,
        client_secret=None,
        from_token=None,
        from_client_id=None,
        from_client_secret=None,
        backup_passphrase=None,
        ca_file=ca_file,
        allow_private_addresses=True,
        overlap_s=OVERLAP_S,
        overlap_floor_s=OVERLAP_S,
        soak_s=SOAK_S,
        reconcile_s=3600,
        run_history_days=30,
        keep_turns_days=400,
        keep_receipts_days=400,
        keep_audit_days=0,
        metrics_address="",
        patience_s=600,
        lease_s=60,
        okta_call_limit_s=15,
        tick_s=0.2,
        flow_answer_s=60,
        flow_per_s=10,
        flow_table_rows=100_000,
        flow_runs_at_once=32,
        flow_cpu_s=10,
        flow_steps=2_000_000,
        flow_memory_mb=100,
        flow_card_s=600,
        flow_wait_days=30,
        flow_helpers=10_000,
        flow_depth=10,
        flows_active=100,
        owner_pattern="",
        inventory_groups="",
        github_keys_url="",
        leak_closes=False,
        concurrency=4,
        token_ttl_s=3600,
        delivery_dir=None,
        log_file=directory / "keyturn.log",
        log_format="json",
        log_level="info",
    )


@contextmanager
def _directory(given: Path | None) -> Iterator[Path]:
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="keyturn-demo-") as path:
        yield Path(path)
