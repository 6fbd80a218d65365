"""The first schema.

Times are microseconds since 1970 in UTC, flags are 0 or 1, members of enums are their names. A
name that ends in ``?`` below is a column that may be null.
"""

from collections.abc import Iterable, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_WHOLE_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create every table and index."""
    _tenants()
    _callers()
    _connections()
    _rotations()
    _turns()
    _secrets()
    _destinations()
    _registrations()
    _grants()
    _notices()
    _flows()
    _flow_tables()
    _rates()
    _inventories()
    _compliance()
    _rollouts()
    _leaks()
    _audit()


def _tenants() -> None:
    _create("organization", _text("id name"), _blob("data_key"), _int("created_at"), key="id")
    _create(
        "project",
        _text("id organization_id name slug"),
        _blob("data_key"),
        _int("created_at"),
        key="id",
        once="organization_id slug",
        to={"organization_id": "organization"},
    )
    _create(
        "environment",
        _text("id project_id name slug"),
        _int("rank"),
        key="id",
        once="project_id slug",
        to={"project_id": "project"},
    )
    _create(
        "folder",
        _text("id environment_id path"),
        _int("created_at updated_at"),
        _text("description?"),
        key="id",
        once="environment_id path",
        to={"environment_id": "environment"},
    )
    _create(
        "secret_import",
        _text("id folder_id source_id"),
        _int("rank created_at updated_at"),
        key="id",
        once="folder_id source_id",
        to={"folder_id": "folder", "source_id": "folder"},
    )
    op.create_index("ix_secret_import_source_id", "secret_import", ["source_id"])
    _create(
        "tag",
        _text("id project_id slug name color"),
        _int("created_at updated_at"),
        key="id",
        once="project_id slug",
        to={"project_id": "project"},
    )


def _callers() -> None:
    _create(
        "identity",
        _text("id organization_id name"),
        _int("created_at person"),
        key="id",
        to={"organization_id": "organization"},
    )
    _create(
        "membership",
        _text("id identity_id role project_id?"),
        _int("created_at"),
        _text("group?"),
        key="id",
        to={"identity_id": "identity", "project_id": "project"},
    )
    _create(
        "custom_role",
        _text("id project_id? slug name description"),
        _int("created_at updated_at"),
        key="id",
        to={"project_id": "project"},
    )
    _create(
        "role_grant",
        _text("role_id"),
        _int("number"),
        _text("verbs environments paths connections"),
        key="role_id number",
        to={"role_id": "custom_role"},
    )
    op.create_index("ix_membership_identity_id", "membership", ["identity_id"])
    _proofs()


def _proofs() -> None:
    _create(
        "universal_auth",
        _int("lockout_after lockout_lasts_s lockout_forgets_s failures failed_at?"),
        _text("identity_id client_id"),
        _int("created_at tokens_ttl_s tokens_max_ttl_s tokens_uses"),
        _text("tokens_trusted trusted"),
        key="identity_id",
        once="client_id",
        to={"identity_id": "identity"},
    )
    _create(
        "client_secret",
        _text("id identity_id"),
        _blob("hash"),
        _text("prefix"),
        _int("created_at"),
        _text("description"),
        _int("expires_at? uses_max uses used_at? revoked"),
        key="id",
        to={"identity_id": "identity"},
    )
    _create(
        "jwt_auth",
        _text("identity_id method keys_issuer keys_discovery_url keys_jwks_url keys_public_keys"),
        _int("created_at"),
        _text("audiences subject claims"),
        _int("tokens_ttl_s tokens_max_ttl_s tokens_uses"),
        _text("tokens_trusted"),
        key="identity_id method",
        to={"identity_id": "identity"},
    )
    _create(
        "password",
        _int("lockout_after lockout_lasts_s lockout_forgets_s failures failed_at?"),
        _text("identity_id email hash"),
        _int("created_at changed_at"),
        key="identity_id",
        once="email",
        to={"identity_id": "identity"},
    )
    _create(
        "okta_person",
        _text("identity_id issuer subject"),
        _int("created_at"),
        key="identity_id",
        once="issuer subject",
        to={"identity_id": "identity"},
    )
    _create(
        "log_in_request",
        _blob("state_hash"),
        _text("redirect_uri scopes after"),
        _int("created_at ends_at"),
        _text("identity_id?"),
        key="state_hash",
        to={"identity_id": "identity"},
    )
    op.create_index("ix_log_in_request_identity_id", "log_in_request", ["identity_id"])
    _create(
        "access_token",
        _text("id"),
        _blob("hash"),
        _text("identity_id method"),
        _int("created_at expires_at renewable_until uses_max uses"),
        _text("trusted name client_secret_id?"),
        _int("ttl_s"),
        key="id",
        once="hash",
        to={"identity_id": "identity"},
    )
    for table in ("access_token", "client_secret"):
        op.create_index(f"ix_{table}_identity_id", table, ["identity_id"])
    op.create_index("ix_client_secret_expires_at", "client_secret", ["expires_at"])
    by_hand = sa.text("method = 'TOKEN'")
    _index_some("ix_access_token_by_hand", "access_token", "expires_at", by_hand)


def _connections() -> None:
    _create(
        "okta_connection",
        _text("id organization_id project_id? name description? method instance_url client_id?"),
        _blob("sealed"),
        _int("version created_at updated_at reconciled_at? next_reconcile_at? failing_since?"),
        _text("told"),
        key="id",
        once="organization_id name",
        to={"organization_id": "organization", "project_id": "project"},
    )


def _rotations() -> None:
    _create(
        "rotation",
        _text("id folder_id connection_id name description? parameter app_id client_id"),
        _text("auth_method mapping_client_id mapping_client_secret"),
        _int("schedule_interval_days"),
        _text("schedule_rotate_at"),
        _int("schedule_automatic"),
        _text("schedule_every schedule_cron schedule_at? schedule_zone"),
        _text("schedule_windows schedule_blackouts"),
        _int("schedule_known_until? schedule_stagger_s schedule_quarantine_after"),
        _int("policy_overlap_s policy_soak_s policy_patience_s"),
        _text("policy_overlap"),
        _int("policy_floor_s policy_backstop_s policy_quiet_s policy_log policy_repair"),
        _int("active_index"),
        _int("created_at updated_at last_attempted_at last_rotated_at"),
        _text("last_turn_id?"),
        _int("last_manual"),
        _text("last_message?"),
        _int("next_rotation_at? ending checked_at? due_at? last_due_at? failures asked_at?"),
        _text("asked_by?"),
        _int("asked_emergency"),
        _text("asked_flow_id?"),
        _int("asked_depth?"),
        _text("kind algorithm"),
        key="id",
        once="folder_id name",
        to={"folder_id": "folder", "connection_id": "okta_connection"},
    )
    op.create_index("ix_rotation_next_rotation_at", "rotation", ["next_rotation_at"])
    op.create_index("ix_rotation_connection_id", "rotation", ["connection_id"])


def _turns() -> None:
    _create(
        "turn",
        _text("id rotation_id app_id trigger phase"),
        _int("created_at entered_at wake_at?"),
        _text("old_hash? old_okta_id?"),
        _int("old_version?"),
        _text("new_hash? new_okta_id?"),
        _int("new_version? posted_last_at?"),
        _text("posted_beside?"),
        _int("posted_unsure_at? withdrawn_at?"),
        _text("word? opened?"),
        _int("reinstated paused_at? attempts doubts"),
        _text("blocked_reason? blocked_detail? blocked_phase?"),
        _int("ended_at? epoch"),
        _text("owner? kind asked_flow_id?"),
        _int("asked_depth? within_s closes_at? tidies_at?"),
        key="id",
        to={"rotation_id": "rotation"},
    )
    not_ended, awake = sa.text("ended_at IS NULL"), sa.text("wake_at IS NOT NULL")
    _index_some("uq_turn_open", "turn", "rotation_id", not_ended, unique=True)
    _index_some("ix_turn_wake_at", "turn", "wake_at", awake)
    op.create_index("ix_turn_rotation_id", "turn", ["rotation_id"])
    op.create_index("ix_turn_ended_at", "turn", ["ended_at"])
    for column in ("old_hash", "new_hash"):
        op.create_index(f"ix_turn_{column}", "turn", [column])
    _create(
        "finding",
        _text("id rotation_id kind subject detail"),
        _int("found_at closed_at?"),
        _text("closed_by?"),
        key="id",
        to={"rotation_id": "rotation"},
    )
    op.create_index("ix_finding_rotation_id", "finding", ["rotation_id"])
    _create(
        "turn_step",
        _text("turn_id"),
        _int("number at"),
        _text("phase step detail request_id error_id"),
        key="turn_id number",
        to={"turn_id": "turn"},
    )


def _secrets() -> None:
    _create(
        "secret",
        _text("id folder_id name"),
        _int("created_at updated_at"),
        _text("comment rotation_id? metadata tag_ids"),
        _int("skip_multiline_encoding"),
        key="id",
        once="folder_id name",
        to={"folder_id": "folder", "rotation_id": "rotation"},
    )
    op.create_index("ix_secret_rotation_id", "secret", ["rotation_id"])
    _create(
        "version",
        _text("id secret_id"),
        _int("number"),
        _text("state"),
        _blob("sealed?"),
        _int("created_at"),
        _text("hash? okta_id?"),
        _int("refers made_at?"),
        key="id",
        once="secret_id number",
        to={"secret_id": "secret"},
    )
    _index_some("ix_version_hash", "version", "hash", sa.text("hash IS NOT NULL"))
    _create(
        "receipt",
        _text("secret_id identity_id"),
        _int("version given read_at first applied? applied_at?"),
        key="secret_id identity_id",
        to={"secret_id": "secret", "identity_id": "identity"},
    )


def _destinations() -> None:
    _create(
        "destination",
        _text("id folder_id name kind settings"),
        _int("created_at updated_at"),
        _blob("sealed?"),
        _text("only mapping prefix"),
        _int("required"),
        _text("state"),
        _int("due_at? leased_until? epoch attempts"),
        _text("told"),
        key="id",
        once="folder_id name",
        to={"folder_id": "folder"},
    )
    op.create_index("ix_destination_due_at", "destination", ["due_at"])
    _create(
        "delivery",
        _text("destination_id secret_id target"),
        _int("version confirmed_at"),
        _text("shown"),
        key="destination_id secret_id",
        to={"destination_id": "destination", "secret_id": "secret"},
    )
    op.create_index("ix_delivery_secret_id", "delivery", ["secret_id"])


def _registrations() -> None:
    _create(
        "client_registration",
        _text("id folder_id name connector scheme provider client_id"),
        _int("created_at updated_at"),
        _text("description? secret_id? client_id_secret_id?"),
        _blob("sealed?"),
        _int("own_version"),
        _text("own_hash? standing"),
        _int("tested tested_at?"),
        _text("tested_by"),
        _int("proved_version due_at? attempts"),
        _text("told light"),
        _int("look_at?"),
        key="id",
        once="folder_id name",
        to={"folder_id": "folder"},
    )
    for column in ("due_at", "secret_id", "own_hash", "look_at"):
        op.create_index(f"ix_client_registration_{column}", "client_registration", [column])
    _create(
        "consumer",
        _text("id registration_id name adoption"),
        _int("created_at"),
        _text("note? identity_id?"),
        _int("required confirmed confirmed_at?"),
        _text("proof workflows?"),
        _int("judged touched_at?"),
        _text("told"),
        key="id",
        once="registration_id name",
        to={"registration_id": "client_registration"},
    )


def _grants() -> None:
    _create(
        "connection",
        _text("id registration_id folder_id name grant_type scopes"),
        _int("created_at updated_at"),
        _text("description? state cause? granted subject subject_id"),
        _int("authorized_at? tokens_number?"),
        _blob("tokens_sealed?"),
        _text("tokens_kind?"),
        _int("tokens_renewable? tokens_issued_at? tokens_expires_at? tokens_version?"),
        _blob("sealed_key? sealed_input?"),
        _text("source_id?"),
        _blob("intent_spent?"),
        _int("intent_at? intent_doubted? due_at? leased_until? epoch attempts"),
        _int("retry_at? used_at? renewed_at? troubled_at?"),
        _text("told light"),
        _int("look_at?"),
        key="id",
        once="folder_id name",
        to={
            "registration_id": "client_registration",
            "folder_id": "folder",
            "source_id": "connection",
        },
    )
    for column in ("due_at", "registration_id", "source_id", "look_at"):
        op.create_index(f"ix_connection_{column}", "connection", [column])
    _create(
        "authorization_request",
        _text("id connection_id"),
        _blob("state_hash binding"),
        _text("redirect_uri scopes"),
        _int("created_at ends_at"),
        _blob("sealed"),
        _int("answered_at? interval_s asked_at?"),
        key="id",
        once="state_hash",
        to={"connection_id": "connection"},
    )
    op.create_index(
        "ix_authorization_request_connection_id", "authorization_request", ["connection_id"]
    )
    _aliases()


def _aliases() -> None:
    _create(
        "alias",
        _text("id folder_id name connection_id"),
        _int("created_at changed_at"),
        _text("previous_id?"),
        key="id",
        once="folder_id name",
        to={"folder_id": "folder", "connection_id": "connection", "previous_id": "connection"},
    )
    for column in ("connection_id", "previous_id"):
        op.create_index(f"ix_alias_{column}", "alias", [column])


def _notices() -> None:
    _create(
        "notice",
        _text("kind organization_id project_id? subject_id subject told"),
        _text("of_app of_client of_label of_owner of_grant of_group of_auth"),
        _text("of_connection of_rotation"),
        _text("of_project of_environment of_path"),
        _int("comes_at?"),
        _text("before? after?"),
        _int("connections"),
        _text("page command id"),
        _int("created_at forget_at"),
        key="id",
    )
    for column in ("forget_at", "project_id", "subject_id"):
        op.create_index(f"ix_notice_{column}", "notice", [column])
    _channels()


def _channels() -> None:
    _create(
        "channel",
        _text("id organization_id project_id? name kind settings"),
        _int("created_at updated_at"),
        _blob("sealed?"),
        _text("selector kinds"),
        _text("timing_rhythm timing_zone timing_daily_at? timing_quiet_from? timing_quiet_to?"),
        _int("ahead_s paused look_at? due_at? leased_until? epoch"),
        _int("attempts failing_since? retry_at?"),
        _text("told"),
        key="id",
        once="organization_id name",
        to={"organization_id": "organization", "project_id": "project"},
    )
    op.create_index("ix_channel_due_at", "channel", ["due_at"])
    _create(
        "dispatch",
        _text("notice_id channel_id"),
        _int("created_at due_at? digest urgent attempts delivered_at?"),
        _text("failure"),
        key="notice_id channel_id",
        to={"notice_id": "notice", "channel_id": "channel"},
    )
    op.create_index("ix_dispatch_channel_id", "dispatch", ["channel_id", "urgent", "due_at"])


def _compliance() -> None:
    _create(
        "compliance_policy",
        _text("id organization_id name selector description?"),
        _int("max_age_days? max_overlap_days? unused_days? managed created_at updated_at"),
        key="id",
        once="organization_id name",
        to={"organization_id": "organization"},
    )
    _create(
        "policy_exception",
        _text("id organization_id policy_id? selector kinds reason approved_by"),
        _int("created_at expires_at"),
        key="id",
        to={"organization_id": "organization", "policy_id": "compliance_policy"},
    )
    _create(
        "compliance_report",
        _text("id organization_id"),
        _int("made_at apps compliant uncovered"),
        _text("breaches"),
        _int("excused new_breaches complete"),
        _text("sha256"),
        key="id",
        to={"organization_id": "organization"},
    )
    op.create_index(
        "ix_compliance_report_organization_id", "compliance_report", ["organization_id"]
    )
    _create(
        "report_evidence",
        _text("report_id"),
        _blob("packed"),
        key="report_id",
        to={"report_id": "compliance_report"},
    )
    _create(
        "report_schedule",
        _text("organization_id"),
        _int("due_at"),
        key="organization_id",
        to={"organization_id": "organization"},
    )
    op.create_index("ix_report_schedule_due_at", "report_schedule", ["due_at"])
    _create(
        "access_sight",
        _text("connection_id scopes"),
        _int("since seen_at"),
        _text("failure"),
        key="connection_id",
        to={"connection_id": "okta_connection"},
    )


def _flows() -> None:
    _create(
        "flow",
        _text("id folder_id name alias"),
        _int("number enabled created_at updated_at"),
        _text("description"),
        _blob("token_hash"),
        _int("next_at?"),
        _text("listens"),
        key="id",
        once="folder_id name",
        to={"folder_id": "folder"},
    )
    for column in ("alias", "next_at"):
        op.create_index(f"ix_flow_{column}", "flow", [column])
    _create(
        "flow_version",
        _text("flow_id"),
        _int("number"),
        _text("source author"),
        _int("created_at"),
        key="flow_id number",
        to={"flow_id": "flow"},
    )
    _runs()


def _runs() -> None:
    _create(
        "flow_run",
        _text("id flow_id"),
        _int("number"),
        _text("cause"),
        _int("created_at"),
        _blob("sealed_given"),
        _text("phase by"),
        _int("wake_at?"),
        _text("owner?"),
        _int("epoch ended_at? steps pages status?"),
        _text("failure card told"),
        _blob("sealed_result?"),
        _int("depth got_on cpu_ms rank?"),
        key="id",
        to={"flow_id": "flow"},
        no_position_twice=True,
    )
    _index_some("ix_flow_run_wake_at", "flow_run", "wake_at", sa.text("wake_at IS NOT NULL"))
    for column in ("flow_id", "ended_at", "rank"):
        op.create_index(f"ix_flow_run_{column}", "flow_run", [column])
    _create(
        "flow_run_page",
        _text("run_id"),
        _int("number"),
        _blob("sealed"),
        key="run_id number",
        to={"run_id": "flow_run"},
    )
    _create(
        "flow_run_answer",
        _text("run_id at"),
        _blob("sealed?"),
        key="run_id at",
        to={"run_id": "flow_run"},
    )


def _flow_tables() -> None:
    _create(
        "flow_table",
        _text("id folder_id name columns kinds"),
        _int("created_at updated_at rows last_number"),
        key="id",
        once="folder_id name",
        to={"folder_id": "folder"},
    )
    _create(
        "flow_row",
        _text("id table_id"),
        _int("number"),
        _blob("sealed"),
        _int("created_at updated_at"),
        key="id",
        once="table_id number",
        to={"table_id": "flow_table"},
    )


def _rates() -> None:
    _create(
        "rate_window",
        _text("org principal bucket"),
        _int("limit remaining resets_at"),
        key="org principal bucket",
    )


def _inventories() -> None:
    _create(
        "inventory",
        _text("connection_id stage"),
        _int("begun_at"),
        _text("cursor"),
        _int("listed others wanted read refused calls per_minute"),
        _text("pending"),
        _int("completed_at? log_read_at? uses_since? uses_until?"),
        _text("groups groups_known"),
        _int("groups_read_at?"),
        _text("groups_told"),
        _int("due_at?"),
        _text("failure"),
        _int("failing_since?"),
        key="connection_id",
        to={"connection_id": "okta_connection"},
    )
    op.create_index("ix_inventory_due_at", "inventory", ["due_at"])
    _create(
        "listed_app",
        _text("connection_id app_id client_id label status auth_method application_type"),
        _text("grant_types"),
        _int("created_at listed_at read_at?"),
        _text("told"),
        _int("gone_at?"),
        _text("groups"),
        key="connection_id app_id",
        to={"connection_id": "okta_connection"},
    )
    op.create_index("ix_listed_app_client_id", "listed_app", ["client_id"])
    _create(
        "listed_secret",
        _text("connection_id app_id okta_id hash status"),
        _int("created_at length? used_at?"),
        key="connection_id app_id okta_id",
        to={"connection_id": "okta_connection"},
    )
    op.create_index("ix_listed_secret_hash", "listed_secret", ["hash"])
    _create(
        "owner_rule",
        _text("organization_id"),
        _int("number"),
        _text("pattern owner"),
        key="organization_id number",
        to={"organization_id": "organization"},
    )


def _rollouts() -> None:
    _create(
        "rollout",
        _text("id organization_id kind name reason selector state plan_hash created_by creator"),
        _int("created_at"),
        _text("waves"),
        _int("approvals"),
        _text("go_on_at"),
        _int("wave within_s revoke"),
        _text("told"),
        _int("due_at? tidied_at? ended_at?"),
        key="id",
        to={"organization_id": "organization"},
    )
    op.create_index("ix_rollout_due_at", "rollout", ["due_at"])
    _create(
        "rollout_member",
        _text("rollout_id"),
        _int("number wave"),
        _text("rotation_id app_id standing turn_id?"),
        _int("exposure"),
        _text("why told"),
        _int("begun_at? closed_at? revoked_at? ended_at?"),
        _text("name"),
        _int("behind until_next"),
        key="rollout_id number",
        to={"rollout_id": "rollout"},
    )
    op.create_index("ix_rollout_member_rotation_id", "rollout_member", ["rotation_id"])
    _create(
        "rollout_approval",
        _text("rollout_id"),
        _int("wave"),
        _text("plan_hash by name"),
        _int("at expires_at"),
        key="rollout_id wave",
        to={"rollout_id": "rollout"},
    )


def _leaks() -> None:
    _create(
        "leak_report",
        _text("id organization_id"),
        _int("at"),
        _text("source reporter hash? seen_in told state which? app"),
        _text("connection_id? app_id? client_id? rotation_id? emergency_id?"),
        _int("closes due_at? ended_at?"),
        _text("ended_by ended_why"),
        key="id",
        to={"organization_id": "organization"},
    )
    for column in ("due_at", "hash"):
        op.create_index(f"ix_leak_report_{column}", "leak_report", [column])


def _audit() -> None:
    _create(
        "audit_entry",
        _int("number attempt_at"),
        _text("attempt_actor attempt_verb attempt_subject"),
        _int("attempt_allowed"),
        _text("attempt_detail"),
        _blob("hash"),
        key="number",
    )
    backed_up = sa.text("attempt_verb = 'backup:create'")
    _index_some("ix_audit_entry_backed_up", "audit_entry", "attempt_at", backed_up)
    _create("revision", _int("standing listed"))


def _create(
    table: str,
    *columns: Iterable[sa.Column[Any]],
    key: str | None = None,
    once: str | None = None,
    to: Mapping[str, str] = MappingProxyType({}),
    no_position_twice: bool = False,
) -> None:
    """Create a table whose rows know their ``position``, the order in which they came.

    With ``no_position_twice``, that of a removed row is given to no other.
    """
    uniques = [rule.split() for rule in (key, once) if rule]
    op.create_table(
        table,
        sa.Column("position", _WHOLE_NUMBER, nullable=False),
        *chain(*columns),
        sa.PrimaryKeyConstraint("position", name=f"pk_{table}"),
        *(sa.UniqueConstraint(*names, name=f"uq_{table}_{'_'.join(names)}") for names in uniques),
        *(_reference(table, column, target) for column, target in to.items()),
        sqlite_strict=True,
        sqlite_autoincrement=no_position_twice,
    )


def _index_some(
    name: str, table: str, column: str, where: sa.TextClause, *, unique: bool = False
) -> None:
    """Index the rows that a condition picks."""
    op.create_index(
        name, table, [column], unique=unique, sqlite_where=where, postgresql_where=where
    )


def _reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}"
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=name, deferrable=True, initially="DEFERRED"
    )


def _text(names: str) -> list[sa.Column[str]]:
    return [sa.Column(_bare(name), sa.Text(), nullable="?" in name) for name in names.split()]


def _int(names: str) -> list[sa.Column[int]]:
    return [sa.Column(_bare(name), _WHOLE_NUMBER, nullable="?" in name) for name in names.split()]


def _blob(names: str) -> list[sa.Column[bytes]]:
    return [
        sa.Column(_bare(name), sa.LargeBinary(), nullable="?" in name) for name in names.split()
    ]


def _bare(name: str) -> str:
    return name.removesuffix("?")
