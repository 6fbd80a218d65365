"""Every setting, read once at the door from the environment.

`keyturn settings` lists them from here; nothing else in the house reads the environment.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from keyturn.domain import inventory, okta_login, owners
from keyturn.domain.oauth import redirects
from keyturn.domain.proxies import Networks, parse_proxies
from keyturn.services.ports import Setting

PREFIX = "KEYTURN_"

Engine = Literal["embedded", "procrastinate"]

LONGEST_DAYS: Final = 36_500
"""A hundred years: what is longer leads out of the calendar."""
Seconds = Annotated[int, Field(ge=0, le=LONGEST_DAYS * 86_400)]
Days = Annotated[int, Field(ge=0, le=LONGEST_DAYS)]


class Settings(BaseSettings):
    """What an operator may set; the environment variable is the name behind ``KEYTURN_``."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,  # it may be a password
    )

    data_dir: Path = Field(Path("keyturn-data"), description="Where the database and keys are.")
    database_url: SecretStr | None = Field(
        None,
        description="The PostgreSQL database, postgresql://user:password@host/name, in place of "
        "the file in the data directory. Several processes may share it.",
    )
    engine: Engine | None = Field(
        None,
        description="What wakes turns: embedded, or procrastinate, a queue in PostgreSQL and the "
        "default there.",
    )
    root_key_file: Path | None = Field(
        None, description="The file with the root key; root.key in the data directory by default."
    )
    root_key: SecretStr | None = Field(
        None,
        description="The root key itself, base64 of 32 bytes, in place of a file; it is never "
        "written to one.",
    )
    old_root_key: SecretStr | None = Field(
        None,
        description="The root key from before, until `keyturn keys rotate-root` was run, where it "
        "is not in a file.",
    )
    kms_key: str | None = Field(
        None,
        pattern="^aws:.+",
        description="What wraps the root key in its file: aws: and the ARN of a key or an alias "
        "in AWS KMS.",
    )
    backup_passphrase: SecretStr | None = Field(
        None, description="What seals and opens backups; asked for where it is not set."
    )
    host: str = Field("127.0.0.1", description="The address that `keyturn serve` listens on.")
    port: int = Field(8700, ge=0, le=65535, description="Its port; 0 takes any free one.")
    metrics_address: str = Field(
        "",
        description="HOST:PORT at which `keyturn serve` and `keyturn worker` show /metrics, "
        "/healthz and /readyz to whoever reaches it, without a token; nowhere by default.",
    )
    trusted_proxies: str = Field(
        "",
        description="Addresses and networks, with commas between, of the proxies before the "
        "server: their X-Forwarded-For tells where a request comes from, nobody else's does.",
    )
    public_url: str = Field(
        "",
        description="Where browsers find the server, https://HOST: authorization servers send them "
        "back to /api/v1/oauth/callback there. Without it connections are authorized by a command.",
    )
    login_registration: str = Field(
        "",
        description="The client registration by which people log in with Okta, as "
        "PROJECT/ENVIRONMENT/PATH:NAME; it goes together with the two settings below and "
        "KEYTURN_PUBLIC_URL.",
    )
    login_issuer: str = Field(
        "",
        description="Where they do: the org, https://ORG.okta.com, or the issuer of one of its "
        "custom authorization servers.",
    )
    login_groups: str = Field(
        "",
        description="What their groups at Okta give them: GROUP=ROLE for every project, or "
        "GROUP=ROLE@PROJECT, with commas between. Who is in none of them does not come in.",
    )
    url: str = Field("http://127.0.0.1:8700", description="Where commands find the server.")
    token: SecretStr | None = Field(None, description="The access token that commands use.")
    client_id: str | None = Field(
        None, description="The client id by which commands log in where there is no access token."
    )
    client_secret: SecretStr | None = Field(None, description="The client secret beside it.")
    from_token: SecretStr | None = Field(
        None, description="The access token by which `keyturn import infisical --from` reads."
    )
    from_client_id: str | None = Field(
        None, description="The client id by which it logs in there where there is no token."
    )
    from_client_secret: SecretStr | None = Field(None, description="The client secret beside it.")
    ca_file: Path | None = Field(
        None, description="Certificates of a private authority to trust, beside the public ones."
    )
    allow_private_addresses: bool = Field(
        default=False,
        description="Whether Okta orgs, issuers and destinations may be on loopback or private "
        "addresses, as a sandbox is.",
    )
    overlap_s: Seconds = Field(
        300, description="Seconds in which the old and the new client secret both work."
    )
    overlap_floor_s: Seconds = Field(
        300, description="The shortest overlap a rotation may ask for: clients cache so long."
    )
    soak_s: Seconds = Field(
        3600, description="Seconds between deactivating and deleting an old client secret."
    )
    patience_s: Seconds = Field(
        600, description="Seconds until a new client secret that Okta refuses is taken back."
    )
    lease_s: Seconds = Field(
        60,
        ge=1,
        description="Seconds that a worker holds a turn unless it renews that, and until others "
        "take over from one that died; at least three times KEYTURN_OKTA_CALL_LIMIT_S.",
    )
    okta_call_limit_s: float = Field(
        15, gt=0, le=15, description="Seconds that one call of Okta may take in all."
    )
    tick_s: float = Field(
        0.5, gt=0, le=3600, description="Seconds between two looks for turns that are due."
    )
    reconcile_s: Seconds = Field(
        3600, ge=1, description="Seconds between two comparisons of what Okta has with the record."
    )
    run_history_days: Days = Field(
        30, ge=1, description="Days that the runs of flows are remembered after their end."
    )
    keep_turns_days: Days = Field(
        400,
        ge=1,
        description="Days that turns, with their steps, and leak reports are remembered after "
        "their end; the last turn of each rotation always is, and the audit log keeps what was "
        "done.",
    )
    keep_receipts_days: Days = Field(
        400,
        ge=1,
        description="Days that it is remembered who read a secret last, once the version that "
        "they were given is destroyed.",
    )
    keep_audit_days: Days = Field(
        0,
        description="Days that the audit log is kept in the database; older entries are moved to "
        "files in the folder audit of the data directory. 0 keeps it there for ever.",
    )
    flow_answer_s: float = Field(
        60, gt=0, le=600, description="Seconds that whoever invokes a flow waits for its answer."
    )
    flow_per_s: float = Field(
        10, gt=0, description="How often a second one flow may be invoked at its endpoint."
    )
    flow_table_rows: int = Field(
        100_000, ge=1, description="How many rows a table of flows may have."
    )
    flow_runs_at_once: int = Field(
        32,
        ge=1,
        description="How many runs of flows a process has in hand; four times as many may wait, "
        "and an endpoint answers 503 to the next.",
    )
    flow_cpu_s: float = Field(
        10, gt=0, description="Seconds of CPU time that a run of a flow may take."
    )
    flow_steps: int = Field(2_000_000, ge=1, description="How many cards a run may take.")
    flow_memory_mb: float = Field(
        100, gt=0, description="Megabytes of memory that the values of a run may take."
    )
    flow_card_s: float = Field(
        600, gt=0, le=600, description="Seconds that a card may take which asks a service."
    )
    flow_wait_days: float = Field(
        30, gt=0, le=365, description="Days that a card may wait for something."
    )
    flow_helpers: int = Field(
        10_000, ge=1, description="How many helper flows a run may run or start in all."
    )
    flow_depth: int = Field(
        10, ge=1, le=20, description="How many flows may run one inside the other."
    )
    flows_active: int = Field(
        100, ge=1, description="How many flows of an organization may be switched on."
    )
    owner_pattern: str = Field(
        "",
        description="A regular expression that finds whose an Okta app is in its label, by a "
        r"group owner: ^\[(?P<owner>[^\]]+)\] reads it from labels like [payments] Checkout.",
    )
    inventory_groups: str = Field(
        "",
        description="Groups at Okta, by name with commas between, of which inventories read the "
        "apps, so that selectors can name them: group=Payments.",
    )
    github_keys_url: str = Field(
        "",
        description="Where GitHub publishes the keys by which its secret scanning signs, "
        "https://api.github.com/meta/public_keys/secret_scanning: what it has found is taken in "
        "at /api/v1/leaks/github then, and nowhere without.",
    )
    leak_closes: bool = Field(
        default=False,
        description="Whether a leak report that brings the value of a served client secret begins "
        "an emergency of its app at once; without it somebody does.",
    )
    concurrency: int = Field(
        16, ge=1, description="How many turns, and how many runs of flows, go on at the same time."
    )
    token_ttl_s: Seconds = Field(
        2_592_000, ge=60, description="Seconds that an access token lives."
    )
    delivery_dir: Path | None = Field(
        None, description="The folder below which destinations may write files; none by default."
    )
    log_file: Path | None = Field(None, description="Where to log; stderr by default.")
    log_format: Literal["json", "console"] = Field(
        "json", description="How log lines are written: json for machines, console for people."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Which log lines are kept: those of this level and above."
    )

    @model_validator(mode="after")
    def _overlap_above_its_floor(self) -> Self:
        if self.overlap_s < self.overlap_floor_s:
            raise ValueError("KEYTURN_OVERLAP_S is below KEYTURN_OVERLAP_FLOOR_S")
        return self

    @model_validator(mode="after")
    def _lease_outlasts_calls(self) -> Self:
        """Keep room for a call that begins when two thirds of the lease are gone."""
        if self.lease_s < 3 * self.okta_call_limit_s:
            raise ValueError("KEYTURN_LEASE_S is below three times KEYTURN_OKTA_CALL_LIMIT_S")
        return self

    @model_validator(mode="after")
    def _queue_where_it_can_be(self) -> Self:
        if self.engine == "procrastinate" and self.database_url is None:
            raise ValueError("KEYTURN_ENGINE=procrastinate needs KEYTURN_DATABASE_URL")
        return self

    @model_validator(mode="after")
    def _one_place_for_the_root_key(self) -> Self:
        if self.root_key and self.kms_key:
            raise ValueError("KEYTURN_ROOT_KEY leaves nothing for KEYTURN_KMS_KEY to wrap")
        return self

    @model_validator(mode="after")
    def _log_in_whole(self) -> Self:
        told = (self.login_registration, self.login_issuer, self.login_groups)
        if any(told) and not all((*told, self.public_url)):
            raise ValueError(
                "KEYTURN_LOGIN_REGISTRATION, KEYTURN_LOGIN_ISSUER, KEYTURN_LOGIN_GROUPS and "
                "KEYTURN_PUBLIC_URL go together"
            )
        return self

    @field_validator("trusted_proxies")
    @classmethod
    def _of_networks(cls, text: str) -> str:
        parse_proxies(text)
        return text

    @field_validator("metrics_address")
    @classmethod
    def _of_doors(cls, text: str) -> str:
        host, _, port = text.rpartition(":")
        if text and not (host and port.isdecimal() and int(port) <= 65_535):
            raise ValueError("must be a host, a colon and a port, as 127.0.0.1:8701")
        return text

    @field_validator("public_url")
    @classmethod
    def _of_browsers(cls, text: str) -> str:
        return redirects.public_url(text)

    @field_validator("login_registration")
    @classmethod
    def _of_registrations(cls, text: str) -> str:
        return str(okta_login.parse_registration(text)) if text.strip() else ""

    @field_validator("login_issuer")
    @classmethod
    def _of_issuers(cls, text: str) -> str:
        return okta_login.parse_issuer(text)

    @field_validator("login_groups")
    @classmethod
    def _of_groups(cls, text: str) -> str:
        okta_login.parse_groups(text)
        return text.strip()

    @field_validator("owner_pattern")
    @classmethod
    def _of_owners(cls, text: str) -> str:
        return owners.owner_pattern(text)

    @field_validator("inventory_groups")
    @classmethod
    def _of_groups_read(cls, text: str) -> str:
        return ",".join(inventory.group_list(text))

    @field_validator("database_url")
    @classmethod
    def _of_postgres(cls, url: SecretStr | None) -> SecretStr | None:
        if url and not url.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("must begin with postgresql://")
        return url

    @property
    def proxies(self) -> Networks:
        """Return the proxies whose word is taken."""
        return parse_proxies(self.trusted_proxies)

    @property
    def okta_log_in(self) -> okta_login.LogInRules | None:
        """Return how people log in by Okta; None where they do not."""
        if not self.login_registration:
            return None
        registration = okta_login.parse_registration(self.login_registration)
        groups = okta_login.parse_groups(self.login_groups)
        return okta_login.LogInRules(self.login_issuer, registration, groups)

    @property
    def described(self) -> Sequence[Setting]:
        """Return every setting as it may be shown."""
        values = self.model_dump(mode="json")  # masks secrets
        return [
            Setting(PREFIX + name.upper(), values[name], field.description or "")
            for name, field in type(self).model_fields.items()
        ]

    @property
    def engine_in_force(self) -> Engine:
        """Return what wakes turns."""
        return self.engine or ("procrastinate" if self.database_url else "embedded")

    @property
    def database_file(self) -> Path:
        """Return where the embedded database is."""
        return self.data_dir / "keyturn.db"

    @property
    def key_file(self) -> Path:
        """Return where the root key is."""
        return self.root_key_file or self.data_dir / "root.key"


CREDENTIALS = frozenset(
    PREFIX + name.upper()
    for name, field in Settings.model_fields.items()
    if SecretStr in (field.annotation, *get_args(field.annotation))
)
"""The variables that hold Keyturn's own credentials; they are read in any case of letters."""
