"""Several worker processes on one PostgreSQL, struck in every way; the org is the judge."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP

import pytest
from crew import Crew, Worker, crewed, wrongs
from postgres_kit import Cluster

from keyturn.domain.sensitive import Sensitive

pytestmark = pytest.mark.slow

ENGINES = ["procrastinate", "embedded"]

Assemble = Callable[[int], AbstractAsyncContextManager[Crew]]


@pytest.fixture
def assemble(cluster: Cluster, database: Sensitive, tmp_path: Path) -> Assemble:
    """Give tests an installation with so many rotations that are due."""

    def make(rotations: int) -> AbstractAsyncContextManager[Crew]:
        return crewed(cluster, database, tmp_path, rotations=rotations, started=rotations > 50)

    return make


def tell(figure: str) -> None:
    """Print a figure that somebody may want to read (pytest -rP)."""
    print(figure)  # noqa: T201


async def two(crew: Crew, engine: str) -> tuple[Worker, str]:
    """Hire two workers; return the first with the name under which it holds turns."""
    first = await crew.hire(engine)
    await crew.until(lambda: bool(crew.owners()))
    [name] = crew.owners()
    await crew.hire(engine)
    return first, name


@pytest.mark.parametrize(("engine", "turns"), [("procrastinate", 200), ("embedded", 60)])
async def test_turns_of_a_killed_worker_are_taken_over(
    assemble: Assemble, engine: str, turns: int
) -> None:
    """One of two workers dies with 200 turns in flight: all finish, and nothing is done twice."""
    async with assemble(turns) as crew:
        victim, name = await two(crew, engine)
        held = await crew.freeze(victim, name, holding=4)
        victim.strike(SIGKILL)
        in_flight = crew.count("turn WHERE ended_at IS NULL")

        def taken_over() -> bool:
            now = crew.steps("true")
            return all(now[turn] > steps for turn, steps in held.items())

        taken_s = await crew.until(taken_over)
        rest_s = await crew.until(lambda: crew.finished() == turns)
        tell(f"{engine}: {len(held)} turns held at death, {in_flight} in flight")
        tell(f"all taken over after {taken_s:.1f} s, all finished {rest_s:.1f} s later")
        assert in_flight == turns
        assert await wrongs(crew) == []


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_zombie_writes_nothing(assemble: Assemble, engine: str) -> None:
    """Frozen beyond its lease and woken again, a worker changes nothing at Okta or in the store."""
    async with assemble(30) as crew:
        zombie, name = await two(crew, engine)
        held = await crew.freeze(zombie, name, holding=2)
        await crew.until(lambda: crew.finished() == 30)
        records, changes = crew.records(), crew.changes_at_okta()
        zombie.strike(SIGCONT)
        await crew.until(lambda: bool(zombie.log.read_text()))
        assert await zombie.end() == 0
        assert held
        assert crew.changes_at_okta() == changes
        assert crew.records() == records
        assert await wrongs(crew) == []


@pytest.mark.parametrize("engine", ENGINES)
async def test_workers_outlive_the_database(assemble: Assemble, engine: str) -> None:
    """PostgreSQL stopped hard and started again: the same workers finish every turn."""
    async with assemble(40) as crew:
        crew_members = [await crew.hire(engine), await crew.hire(engine)]
        await crew.until(lambda: crew.count("turn WHERE phase <> 'PLANNED'") >= 20)
        crew.cluster.stop("immediate")
        await crew.until(lambda: all("database away" in w.log.read_text() for w in crew_members))
        crew.cluster.start()
        back_s = await crew.until(lambda: crew.finished() == 40)
        tell(f"{engine}: all finished {back_s:.1f} s after PostgreSQL came back")
        assert await wrongs(crew) == []
        assert [await worker.end() for worker in crew_members] == [0, 0]


async def test_many_tickers_start_a_turn_once(assemble: Assemble) -> None:
    """Whatever mixture of processes keeps the schedule, each rotation gets one turn."""
    async with assemble(30) as crew:
        for engine in ENGINES:
            await crew.hire(engine)
            await crew.hire(engine, "serve", "--port", "0")
        await crew.until(lambda: crew.finished() == 30)
        assert crew.count("turn") == 30
        assert await wrongs(crew) == []
        assert [await worker.end() for worker in crew.workers] == [0, 0, 0, 0]
        [jobs] = crew.sql(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
            "WHERE tablename = 'procrastinate_jobs'"
        ).splitlines()
        assert crew.count(jobs) == 0


async def test_no_value_is_in_the_database(assemble: Assemble) -> None:
    """Neither our tables nor the queue's, with jobs in it, hold any secret that Okta knows."""
    async with assemble(60) as crew:
        workers = [await crew.hire("procrastinate") for _ in range(2)]
        added = "turn WHERE phase NOT IN ('PLANNED', 'WRITTEN')"
        await crew.until(lambda: crew.count(added) >= 10)
        for worker in workers:
            worker.strike(SIGSTOP)
        org = crew.org.org
        values = [secret.value for app in org.list_apps() for secret in app.secrets]
        values += [*org.api_tokens]
        assert len(values) > 40
        assert found(crew, values) == []
        assert '{"epoch": 1, "turn_id": ' in crew.cluster.dump(crew.database)
        crew.sql(f"UPDATE turn_step SET detail = '{values[0]}' WHERE number = 1")
        crew.sql(f"UPDATE version SET sealed = '{values[1]}'")
        assert found(crew, values) == values[:2]


def found(crew: Crew, values: list[str]) -> list[str]:
    """List the values that are in a dump of the database, as text or as bytes."""
    dump = crew.cluster.dump(crew.database)
    return [value for value in values if value in dump or value.encode().hex() in dump]
