"""What each fault does: to the org before an effect, instead of the effect, to the answer after it.

Which fault strikes is decided by `faults`; when these are called, and how an answer reaches the
wire, by `app`.
"""

import html
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from keyturn.sandbox import errors
from keyturn.sandbox.faults import Fault
from keyturn.sandbox.http import Answer, Header, render_html
from keyturn.sandbox.principals import AUTHORIZATION
from keyturn.sandbox.routing import Call, Route
from keyturn.sandbox.state.org import Org

INSTEAD = ("drop-before-effect", "error-before-effect", "html")
# What needs an answer of a certain shape to show.
_MARRING = ("truncate", "cut", "empty-list", "duplicate-page", "looping-page")
# What a request may not have, or an org not any more.
_TAKING = ("stale-read", "token-revoked", "scope-removed", "role-removed")


def prepare(org: Org, call: Call, route: Route | None, fault: Fault) -> bool:
    """Change what the request will meet: an older org, or one that took something away.

    Returns whether something was taken; whether the older org is looked at, the call tells.
    """
    if fault.kind == "stale-read" and route is not None and route.guard == "management":
        call.as_of = org.now() - timedelta(seconds=fault.seconds)
    elif fault.kind == "token-revoked":
        return _revoke_tokens(org, call)
    elif fault.kind == "scope-removed" and route is not None and route.scope:
        return org.remove_scope(_client_id(org, call), route.scope)
    elif fault.kind == "role-removed":
        return org.remove_roles(_client_id(org, call))
    return False


def replace_effect(org: Org, fault: Fault) -> Answer | None:
    """Return the answer that a fault gives instead of an effect, None for no answer at all."""
    if fault.kind == "error-before-effect":
        return _failure(org, fault)
    return _gateway_page(fault.status or 502) if fault.kind == "html" else None


def marred(fault: Fault, answer: Answer, left: Answer | None) -> bool:
    """Tell whether a fault shows in what is left of an answer, or in how it is sent."""
    if fault.kind == "cut":
        return len(answer.body) > 0
    if fault.kind in _MARRING:
        return left != answer
    return fault.kind not in (*_TAKING, "rate-limit")


def spoil(org: Org, call: Call, route: Route | None, answer: Answer, fault: Fault) -> Answer | None:
    """Return what a fault leaves of the answer to an effect that has happened, None for nothing."""
    if fault.kind == "drop-after-effect":
        return None
    if fault.kind == "error-after-effect":
        return _failure(org, fault)
    if fault.kind == "truncate":
        return replace(answer, body=answer.body[: len(answer.body) // 2])
    if route is not None and answer.status == 200 and fault.kind in _PAGES:
        return _PAGES[fault.kind](org, call, route, answer)
    return answer


def _failure(org: Org, fault: Fault) -> Answer:
    answer = errors.internal().render(org.mint.issue_error_id())
    return replace(answer, status=fault.status or 500)


def _gateway_page(status: int) -> Answer:
    title = html.escape(f"{status} from a gateway on the way")
    return render_html(
        f"<html><head><title>{title}</title></head><body>{title}</body></html>", status
    )


# --- what is taken away -------------------------------------------------------------------------


def _revoke_tokens(org: Org, call: Call) -> bool:
    """Revoke every token that the request comes with; False when it comes with none to revoke."""
    found = AUTHORIZATION.fullmatch(call.request.headers.get("authorization", ""))
    form = call.request.form()
    tokens = (found[2] if found else "", form.get("refresh_token", ""), form.get("token", ""))
    revoked = [
        org.tokens.revoke(token) or org.api_tokens.pop(token, None) is not None for token in tokens
    ]
    return any(revoked)


def _client_id(org: Org, call: Call) -> str:
    """Return the client whose access token the request carries, empty for none."""
    found = AUTHORIZATION.fullmatch(call.request.headers.get("authorization", ""))
    token = org.tokens.find_access(found[2]) if found else None
    return token.client_id if token else ""


# --- pages --------------------------------------------------------------------------------------


def _empty(org: Org, call: Call, route: Route, answer: Answer) -> Answer:
    """Return an empty list, as a caller gets whose role reaches none of the objects."""
    if not answer.body.startswith(b"["):
        return answer
    return replace(answer, body=b"[]", headers=_without_next(answer.headers))


def _repeat(org: Org, call: Call, route: Route, answer: Answer) -> Answer:
    """Return the first page again under the links of this one."""
    query = {name: value for name, value in call.request.query.items() if name != "after"}
    first = route.handler(org, replace(call, request=replace(call.request, query=query)))
    return replace(answer, body=first.body)


def _loop(org: Org, call: Call, route: Route, answer: Answer) -> Answer:
    """Return the page with a next link that leads to itself."""
    selves = [value for name, value in answer.headers if name == "link" and 'rel="self"' in value]
    loops = [("link", value.replace('rel="self"', 'rel="next"')) for value in selves]
    return replace(answer, headers=(*_without_next(answer.headers), *loops))


def _without_next(headers: tuple[Header, ...]) -> tuple[Header, ...]:
    return tuple((name, value) for name, value in headers if 'rel="next"' not in value)


_PAGES: dict[str, Callable[[Org, Call, Route, Answer], Answer]] = {
    "empty-list": _empty,
    "duplicate-page": _repeat,
    "looping-page": _loop,
}
