"""The sandbox org as the product meets it: a clock for both, and what may be done to it."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from itertools import chain

from pydantic import TypeAdapter

from keyturn.adapters.storage import fill
from keyturn.adapters.system import SystemClock
from keyturn.bootstrap.opening import Outside, open_store, root_keys, witness
from keyturn.domain.errors import FieldProblem, InvalidInput, NotFound
from keyturn.sandbox import Org, Ready
from keyturn.sandbox.controls.behaviour import parse_fault
from keyturn.sandbox.faults import KINDS
from keyturn.sandbox.routes import ROUTES
from keyturn.services.ports.sandbox import FaultDraft, FaultInForce
from keyturn.settings import Settings
from keyturn.testing import Backup

_MEMBERS = frozenset(field.name for field in fields(FaultDraft))
_RULE = TypeAdapter(FaultInForce)


async def settle(settings: Settings, key: bytes, held: Backup) -> None:
    """Make what a store in memory holds an installation, under this root key.

    Raises Refused where there is one already.
    """
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    await root_keys(settings, Outside()).keep(key)
    store = await open_store(settings)
    try:
        await fill(store, chain.from_iterable(t.values() for t in held.tables.values()), held.audit)
        await witness(settings).write(held.audit[-1].head)
    finally:
        await store.aclose()


class OrgClock(SystemClock):
    """Tell the time that it is at an org, wherever that is moved to.

    Uptime goes on with the machine's, and ahead of it where the org's time of day is: what lasts
    for an hour has ended after a jump by a day, here as there. It never steps back.
    """

    def __init__(self, org: Org) -> None:
        self._org = org
        self._first = self._most = self._difference()

    def now(self) -> datetime:
        """Return the org's time of day, aware, in UTC."""
        return self._org.now()

    def uptime_s(self) -> float:
        """Return seconds that go on as the org's clock does forward."""
        self._most = max(self._most, self._difference())
        return super().uptime_s() + (self._most - self._first).total_seconds()

    def _difference(self) -> timedelta:
        return self._org.now() - super().now()


class OrgControls:
    """Control the org that is served in this process (`services.ports.sandbox`)."""

    def __init__(self, ready: Ready) -> None:
        self._ready = ready

    @property
    def org_url(self) -> str:
        """Return where the org answers, by plain HTTP."""
        return self._ready.http_url

    @property
    def control_url(self) -> str:
        """Return where its control port is."""
        return self._ready.control_url

    @property
    def status_url(self) -> str:
        """Return the address of its page for people."""
        return f"{self._ready.control_url}/?token={self._ready.control_token}"

    @property
    def kinds(self) -> Sequence[str]:
        """Return the kinds of faults that there are."""
        return KINDS

    @property
    def routes(self) -> Sequence[tuple[str, str]]:
        """Return method and pattern of every request that the org knows."""
        return [(route.method, route.pattern) for route in ROUTES]

    def list_faults(self) -> Sequence[FaultInForce]:
        """List the faults in force."""
        rules = self._ready.org.list_faults()
        return [_RULE.validate_python({**rule, "draft": rule}) for rule in rules]

    def plant(self, draft: FaultDraft) -> str:
        """Put a fault in force and return its id. Raises InvalidInput."""
        try:
            return self._ready.org.add_fault(parse_fault(asdict(draft)))
        except ValueError as error:
            raise InvalidInput(_problem(str(error))) from None

    def clear(self, fault_id: str = "") -> None:
        """Lift a fault, or all of them. Raises NotFound."""
        org = self._ready.org
        if fault_id and all(rule["id"] != fault_id for rule in org.list_faults()):
            raise NotFound(f"There is no fault {fault_id} in force.")
        org.remove_fault(fault_id or None)

    def now(self) -> datetime:
        """Return the time at the org."""
        return self._ready.org.now()

    def advance(self, seconds: float) -> None:
        """Let the org's clock jump ahead. Raises InvalidInput past the last time it can show."""
        try:
            self._ready.org.clock.advance(seconds)
        except ValueError as error:
            raise InvalidInput(FieldProblem(("seconds",), str(error))) from None


def _problem(told: str) -> FieldProblem:
    """Return what the org says of a fault as a field and its rule; it names the field first."""
    first, _, rest = told.partition(" ")
    if first.rstrip(":") not in _MEMBERS:
        return FieldProblem(("kind",), told)
    rule = f"must be {rest.removeprefix('is ')}" if rest.startswith("is ") else rest
    return FieldProblem((first.rstrip(":"),), rule)
