"""What is known of the org's apps as a whole on the stage, and what is asked of all of them."""

from datetime import timedelta
from typing import Final

from keyturn.cli.showcase.stage import Stage
from keyturn.domain.turn import Phase
from keyturn.services.compliance_policies import (
    ExceptionDraft,
    PolicyFields,
    create_exception,
    create_policy,
)
from keyturn.services.emergencies import begin_emergency
from keyturn.services.emergency_plans import EmergencyDraft, plan_emergency
from keyturn.services.inventory import begin_inventory, replace_owners
from keyturn.services.rollout_plans import RolloutDraft, plan_rollout
from keyturn.services.rollouts import start_rollout

OWNERS: Final = (
    ("Checkout", "Payments"),
    ("Order *", "Payments"),
    ("*Portal", "Web"),
    ("Marketing *", "Web"),
    ("*API*", "Platform"),
    ("Search *", "Platform"),
    ("*Warehouse*", "Data"),
    ("Sales *", "Data"),
)
"""Whose apps of such a label are."""

POLICIES: Final = (
    PolicyFields(
        name="all",
        description="What the auditors ask of every app.",
        max_age_days=40,
        max_overlap_days=30,
    ),
    PolicyFields(
        name="payments",
        selector="owner=Payments",
        description="Whatever touches money turns by itself.",
        max_age_days=35,
        managed=True,
    ),
)


TOOLS: Final = RolloutDraft(
    "tools-of-operations",
    "The build server has moved.",
    "rotation=jenkins rotation=grafana",
    ("rotation=jenkins", "rest"),
    go_on_at=Phase.OVERLAPPING,
)
BEFORE_THE_SALE: Final = RolloutDraft(
    "before-the-sale",
    "Everything of the shop turns before the sale begins, and nothing during it.",
    "project=example environment=prod",
    ("rotation=search-indexer", "50%", "rest"),
    approvals=True,
)
"""It waits for a second person: whoever looks at the showcase."""


async def roll_out(stage: Stage, draft: RolloutDraft) -> None:
    """Turn many in waves, as it was planned."""
    plan = await plan_rollout(stage.world, stage.admin, draft)
    await start_rollout(stage.world, stage.admin, draft, plan.plan_hash)


async def close_leak(stage: Stage, name: str) -> None:
    """Close an app whose client secret somebody has found where it should not be."""
    apps = (stage.app_ids[name],)
    draft = EmergencyDraft("Found in a public log of the build.", apps=apps, leaked=apps)
    plan = await plan_emergency(stage.world, stage.admin, draft)
    await begin_emergency(stage.world, stage.admin, draft, plan.plan_hash)


async def take_inventory(stage: Stage) -> None:
    """Say whose the apps are, and have all of them read."""
    await replace_owners(stage.world, stage.admin, OWNERS)
    await begin_inventory(stage.world, stage.admin)


async def set_policies(stage: Stage) -> None:
    """Ask something of all apps, and more of some."""
    for fields in POLICIES:
        await create_policy(stage.world, stage.admin, fields)


async def excuse(stage: Stage) -> None:
    """Let an app off whose old client secret is to work until the next turn."""
    draft = ExceptionDraft(
        "label=Partner*",
        "Partners have the old one until its next turn: so it was agreed.",
        stage.clock.now() + timedelta(days=12),
    )
    await create_exception(stage.world, stage.admin, draft)
