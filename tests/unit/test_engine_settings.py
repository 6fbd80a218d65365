"""The settings of several workers: what fits together, and what is never shown."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from keyturn.bootstrap.serving import working
from keyturn.domain.errors import Refused
from keyturn.settings import Settings

URL = f"postgresql://me:a-{40 + 2}-password@db.example/keyturn"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the environment out."""
    for name in ("DATABASE_URL", "ENGINE", "LEASE_S", "OKTA_CALL_LIMIT_S"):
        monkeypatch.delenv(f"KEYTURN_{name}", raising=False)


@pytest.mark.parametrize(
    ("given", "engine"),
    [
        ({}, "embedded"),
        ({"database_url": URL}, "procrastinate"),
        ({"database_url": URL, "engine": "embedded"}, "embedded"),
    ],
)
def test_the_database_brings_its_engine(given: dict[str, object], engine: str) -> None:
    """The queue is the default on PostgreSQL and can be left out; a file has none."""
    assert Settings.model_validate(given).engine_in_force == engine


UNFIT: list[tuple[dict[str, object], str]] = [
    ({"lease_s": 44}, "three times"),
    ({"lease_s": 8, "okta_call_limit_s": 3}, "three times"),
    ({"okta_call_limit_s": 16, "lease_s": 60}, "less than or equal to 15"),
    ({"engine": "procrastinate"}, "needs KEYTURN_DATABASE_URL"),
    ({"database_url": URL.replace("postgresql", "mysql")}, "must begin with postgresql"),
]


@pytest.mark.parametrize(("given", "rule"), UNFIT)
def test_what_does_not_fit_is_refused(given: dict[str, object], rule: str) -> None:
    """A lease too short for its calls, a queue without a database: said, and no value with it."""
    with pytest.raises(ValidationError, match=rule) as refused:
        Settings.model_validate(given)
    assert "password" not in str(refused.value)


def test_a_short_lease_is_honest_with_short_calls() -> None:
    """The ratio is what counts: short calls allow a short lease."""
    assert Settings.model_validate({"lease_s": 6, "okta_call_limit_s": 2}).lease_s == 6


def test_the_password_is_masked() -> None:
    """Neither a dump nor a repr of the settings shows the database's URL."""
    settings = Settings.model_validate({"database_url": URL})
    assert "password" not in f"{settings!r}{settings.model_dump(mode='json')}"


async def test_a_file_has_no_workers_beside_it(tmp_path: Path) -> None:
    """On SQLite `keyturn worker` says what to do instead."""
    with pytest.raises(Refused, match="KEYTURN_DATABASE_URL"):
        async with working(Settings(data_dir=tmp_path)):  # type: ignore[call-arg]
            pass
