"""A house with several rotations, and rollouts and emergencies of them, for the tests of pages."""

from collections.abc import Callable, Sequence

from rotation_pages_kit import another, tick
from web_kit import Page, WebHouse

from keyturn.domain.rollout import Member, Rollout
from keyturn.domain.turn import Turn
from keyturn.sandbox import Fault
from keyturn.sandbox.routes.secrets import COLLECTION

NEW, CLOSE = "/rollouts/new", "/emergencies/new"


async def several(web: WebHouse, count: int = 3) -> Sequence[str]:
    """Make so many rotations, of apps of their own, and return the ids of the apps."""
    connection = await web.house.connect()
    made = [await another(web, connection, f"app-{number}") for number in range(count)]
    return [str(each["parameters"]["clientId"]) for each in made]


async def planned(web: WebHouse, **typed: str | Sequence[str]) -> Page:
    """Fill in the form of a new rollout, and look at its plan."""
    form = await web.visitor.open(NEW)
    told = {"name": "spring", "reason": "yearly turn", "waves": "1\nrest", **typed}
    return await web.visitor.press(form, "Show the plan", **told)


async def started(web: WebHouse, **typed: str | Sequence[str]) -> Page:
    """Begin a rollout on its pages."""
    page = await planned(web, **typed)
    (button,) = (each.text for form in page.forms for each in form.buttons if each.value == "begin")
    return await web.visitor.press(page, button)


async def closing(web: WebHouse, **typed: str | Sequence[str]) -> Page:
    """Fill in the form of a new emergency, and look at its plan."""
    form = await web.visitor.open(CLOSE)
    return await web.visitor.press(form, "Show the plan", **{"reason": "leaked", **typed})


async def begun(web: WebHouse, count: int, **typed: str | Sequence[str]) -> Page:
    """Begin an emergency of so many apps on its pages."""
    page = await closing(web, **{"which": "all", **typed})
    button = "Close it" if count == 1 else "Close them"
    return await web.visitor.press(page, button, confirm=str(count))


def break_adding(web: WebHouse) -> None:
    """Have the org refuse to add a client secret, until it is mended."""
    fault = Fault("error-before-effect", method="POST", route=COLLECTION, status=403)
    web.house.org.add_fault(fault)


def mend(web: WebHouse) -> None:
    """Have the org do as it is told again."""
    web.house.org.remove_fault()


async def the_rollout(web: WebHouse) -> Rollout:
    """Return the newest rollout or emergency."""
    async with web.world.store.reading() as tx:
        (found,) = await tx.list_newest(Rollout, limit=1)
    return found


async def members(web: WebHouse) -> Sequence[Member]:
    """Return its members by number."""
    async with web.world.store.reading() as tx:
        found = await tx.list(Member, rollout_id=(await the_rollout(web)).id)
    return sorted(found, key=lambda each: each.number)


async def carry(
    web: WebHouse, until: Callable[[Rollout], bool] = lambda _: False, *, most: int = 600
) -> Rollout:
    """Let time pass until nothing is to be done any more, or the newest is as it is waited for."""
    for _ in range(most):
        await tick(web)
        rollout = await the_rollout(web)
        async with web.world.store.reading() as tx:
            waking = [each.wake_at for each in await tx.list(Turn, ended_at=None)]
            waking += [each.due_at for each in await tx.list(Rollout)]
        soon = min((at for at in waking if at), default=None)
        if soon is None or until(rollout):
            return rollout
        web.house.clock.advance(max(0.01, (soon - web.house.clock.now()).total_seconds()))
    raise AssertionError("the rollout comes to no end")
