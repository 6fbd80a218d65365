"""What is known of the org's apps as a whole on the stage, and what is asked of all of them."""

from datetime import timedelta
from typing import Final

from keyturn.cli.showcase.stage import Stage
from keyturn.services.compliance_policies import (
    ExceptionDraft,
    PolicyFields,
    create_exception,
    create_policy,
)
from keyturn.services.inventory import begin_inventory, replace_owners

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
