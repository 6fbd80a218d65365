"""What is left of the rate limits of Okta's orgs."""

from fastapi import APIRouter

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.services import budgets
from keyturn.services.budgets import Budget
from keyturn.wire import budgets as wire

router = APIRouter(prefix="/api/v1/budgets", tags=["Rate limits"])


@router.get("")
async def read_budgets(world: TheWorld, caller: TheCaller) -> wire.BudgetsAnswer:
    """List what is left of each rate limit that was called against in the last minute."""
    found = await budgets.read_budgets(world, caller)
    return wire.BudgetsAnswer(budgets=tuple(map(render_budget, found)))


def render_budget(budget: Budget) -> wire.Budget:
    """Render what is left of a window."""
    window = budget.window
    return wire.Budget(
        org=window.org,
        principal=window.principal,
        bucket=window.bucket,
        limit=window.limit,
        remaining=window.remaining,
        reserve=budget.reserve,
        resets_at=window.resets_at,
    )
