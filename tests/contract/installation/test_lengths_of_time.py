"""A length of time that leads out of the calendar is refused; the longest that is taken works."""

import pytest
from pydantic import ValidationError

from keyturn.bootstrap.opening import opened
from keyturn.services.audit_retention import archive_old
from keyturn.services.duties import DUTIES, list_due
from keyturn.services.retention import forget_old
from keyturn.settings import LONGEST_DAYS, Settings

COUNTS = {"flow_per_s", "flow_cpu_s"}
"""What is so much a second, and what is counted in seconds of computing."""
LENGTHS = [name for name in Settings.model_fields if name.endswith(("_s", "_days"))]
LENGTHS = [name for name in LENGTHS if name not in COUNTS]


@pytest.mark.parametrize("name", LENGTHS)
def test_a_length_without_an_end_is_refused(name: str) -> None:
    """The setting is named, before anything was opened that would fail at every tick."""
    day_s = 1 if name.endswith("_days") else 86_400
    with pytest.raises(ValidationError, match=rf"{name}\n.*less than or equal to"):
        Settings.model_validate({name: (LONGEST_DAYS + 1) * day_s})


async def test_the_longest_lengths_work(new: Settings) -> None:
    """Nothing that a worker does leaves the calendar by them."""
    days = [name for name in LENGTHS if name.endswith("_days") and name != "flow_wait_days"]
    seconds = ["overlap_s", "overlap_floor_s", "soak_s", "patience_s", "lease_s", "reconcile_s"]
    longest = dict.fromkeys(days, LONGEST_DAYS) | dict.fromkeys(seconds, LONGEST_DAYS * 86_400)
    async with opened(Settings.model_validate({"data_dir": new.data_dir, **longest})) as world:
        await list_due(world)
        assert (await forget_old(world), await archive_old(world)) == (0, 0)
        for duty in DUTIES:
            await duty.discharge(world)
