"""What the System Log says of rate limits: a warning at 60 %, a violation, too many at once."""

from uuid import NAMESPACE_URL, uuid5

from keyturn.sandbox.http import Json
from keyturn.sandbox.routing import Call
from keyturn.sandbox.state.limits import WARNING_PERCENT, Bucket, Budget
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.systemlog import NOBODY, Party

CONCURRENCY = "core.concurrency.org.limit.violation"


def tell_reached(org: Org, call: Call, bucket: Bucket, budget: Budget) -> None:
    """Write `system.org.rate_limit.*` when a window has just come near its end, or to it."""
    if budget.reached is None:
        return
    uuid = str(uuid5(NAMESPACE_URL, f"{org.seeded.org_id}{bucket.name}"))
    debug: dict[str, Json] = {
        "rateLimitBucketUuid": uuid,
        "rateLimitScopeType": budget.scope,
        "rateLimitSecondsToReset": str(budget.reset - int(org.now().timestamp())),
        "requestUri": call.request.path,
        "threshold": str(budget.limit),
        "timeSpan": "1",
        "timeUnit": "MINUTES",
    }
    if budget.reached == "warning":
        debug["warningPercent"] = str(WARNING_PERCENT)
    org.tell(
        f"system.org.rate_limit.{budget.reached}",
        NOBODY,
        Party(bucket.name, "URL Pattern"),
        Party(uuid, "Bucket Uuid"),
        result="SUCCESS" if budget.reached == "warning" else "DENY",
        message=f"Rate limit {budget.reached}",
        debug=debug,
    )


def tell_crowded(org: Org, call: Call) -> None:
    """Write that a request came while too many were in hand."""
    org.tell(
        CONCURRENCY,
        NOBODY,
        Party(call.request.path, "URL Pattern"),
        result="DENY",
        message="Too many concurrent requests in flight",
        debug={"requestUri": call.request.path},
    )
