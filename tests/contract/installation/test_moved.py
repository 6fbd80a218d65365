"""An installation that went to PostgreSQL says so, to whoever would move it again."""

import pytest

from keyturn.bootstrap.keeping import migrate
from keyturn.domain.errors import Refused
from keyturn.domain.sensitive import Sensitive
from keyturn.settings import Settings


@pytest.mark.parametrize("plan", [False, True])
async def test_what_was_moved_is_not_missing(new: Settings, plan: bool) -> None:  # noqa: FBT001
    """A second attempt tells where it is, and what is left of it here."""
    new.database_file.rename(new.database_file.with_name("keyturn.db.moved"))
    with pytest.raises(Refused, match=r"moved already: .*keyturn\.db\.moved .*DATABASE_URL"):
        await migrate(new, Sensitive("postgresql://nobody@/nowhere"), plan=plan)
