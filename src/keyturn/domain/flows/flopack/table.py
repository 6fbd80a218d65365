"""Which of Okta's cards is which of ours, and which input is which.

A row is read like this: `text.split` takes `text` from the input `string`, and gives what Okta's
card calls `output` as `list`. Several keys stand with | between them, the first that is there
counts; #0 is the first input that has no other meaning. Cards that need more than a table stand in
`steering`, `looping` and `okta_cards`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from keyturn.domain.flows.flopack.sources import GROUP, USER, Names

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True)
class Row:
    """How one card is translated.

    ``takes`` are keys of its inputs by our input, ``gives`` our ways by the keys of its outputs,
    where * is any. ``rest`` is our input that takes all other inputs, as a list or as members.
    ``fixed`` are inputs that are the same always. ``names`` are those of the members of what it
    gives. ``note`` is what people should know.
    """

    card: str
    takes: Mapping[str, tuple[str, ...]]
    gives: Mapping[str, tuple[str, ...]]
    rest: str
    fixed: Mapping[str, str]
    names: Names
    note: str


def _row(  # noqa: PLR0913  # a row of a table has as many columns
    card: str,
    takes: str = "",
    gives: str = "",
    *,
    rest: str = "",
    fixed: Mapping[str, str] = NOTHING,
    names: Names = NOTHING,
    note: str = "",
) -> Row:
    return Row(
        card,
        {ours: tuple(theirs.split("|")) for ours, theirs in _pairs(takes)},
        {theirs: tuple(ours.split(".")) for theirs, ours in _pairs(gives)},
        rest,
        fixed,
        names,
        note,
    )


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for each in filter(None, text.split(",")):
        left, _, right = each.strip().partition("=")
        yield left, right


_SEEN: Final = "items are as Okta's API has them: id, and not ID"
_RESPONSE: Final = "Response.Status Code=status, Response.Headers=headers, Response.Body=body"
_REQUEST: Final = "query=Request.Query|Query, headers=Request.Headers|Headers"
_ASK: Final = f"url=Request.URL|URL, {_REQUEST}"
_SEND: Final = f"{_ASK}, body=Request.Body|Body"

ROWS: Final[Mapping[str, Row]] = {
    # texts
    "string:concat": _row("text.concatenate", "", "*=text", rest="texts"),
    "string:split": _row("text.split", "text=string|#0, separator=delimiter|#1", "*=list"),
    "string:trim": _row("text.trim", "text=string|#0", "*=text"),
    "string:replace": _row(
        "text.replace", "text=string|#0, search=search|#1, replacement=replacement|#2", "*=text"
    ),
    "string:toLowerCase": _row("text.to_lower", "text=string|#0", "*=text"),
    "string:toUpperCase": _row("text.to_upper", "text=string|#0", "*=text"),
    "string:capitalize": _row("text.capitalize", "text=string|#0", "*=text"),
    "string:length": _row("text.length", "text=string|#0", "*=length"),
    "string:startsWith": _row("text.starts_with", "text=string|#0, search=#1", "*=result"),
    "string:endsWith": _row("text.ends_with", "text=string|#0, search=#1", "*=result"),
    "string:contains": _row("text.contains", "text=string|#0, search=#1", "*=result"),
    "string:substr": _row(
        "text.substring", "text=string|#0, start=start|#1, length=length|#2", "*=text"
    ),
    # numbers
    "math:add": _row("number.add", "a=#0, b=#1", "*=number"),
    "math:subtract": _row("number.subtract", "a=#0, b=#1", "*=number"),
    "math:multiply": _row("number.multiply", "a=#0, b=#1", "*=number"),
    "math:divide": _row("number.divide", "a=#0, b=#1", "*=number"),
    "math:mod": _row("number.modulo", "a=#0, b=#1", "*=number"),
    "math:round": _row("number.round", "number=#0", "*=number"),
    "math:abs": _row("number.absolute", "number=#0", "*=number"),
    "number:parse": _row("number.parse", "text=#0", "*=number"),
    "number:toString": _row("number.to_text", "number=#0", "*=text"),
    # objects
    "object:get": _row("object.get", "object=object, path=path", "*=value"),
    "object:set": _row("object.set", "object=object, path=path|key|#1, value=value|#2", "*=object"),
    "object:merge": _row("object.merge", "", "*=object", rest="objects"),
    "object:keys": _row("object.keys", "object=object|#0", "*=list"),
    "object:values": _row("object.values", "object=object|#0", "*=list"),
    "object:has": _row("object.has", "object=object|#0, path=path|key|#1", "*=result"),
    "object:length": _row("object.length", "object=object|#0", "*=length"),
    "json:parse": _row("json.parse", "text=string|#0", "*=value"),
    "json:stringify": _row("json.stringify", "value=object|#0", "*=text"),
    # lists
    "list:construct": _row("list.construct", "", "*=list", rest="items"),
    "list:at": _row("list.at", "list=list, index=index", "*=item"),
    "list:length": _row("list.length", "list=list", "*=length"),
    "list:pluck": _row(
        "list.pluck", "list=list, path=key|path", "*=list", fixed={"if_missing": "default"}
    ),
    "list:flatten": _row("list.flatten", "list=lists|list", "*=list"),
    "list:join": _row("list.join", "list=list, separator=delimiter|separator|#1", "*=text"),
    "list:concat": _row("list.concatenate", "", "*=list", rest="lists"),
    "list:unique": _row("list.remove_duplicates", "list=list", "*=list"),
    "list:reverse": _row("list.reverse", "list=list", "*=list"),
    "list:push": _row("list.push", "list=list, item=item|value|#1", "*=list"),
    "list:includes": _row("list.includes", "list=list, item=item|value|#1", "*=result"),
    "list:sortBy": _row("list.sort", "list=list, by=key|path|#1", "*=list"),
    # dates
    "date:add": _row("date.add", "date=start, amount=scale, unit=unit", "*=date"),
    "date:subtract": _row("date.subtract", "date=start, amount=scale, unit=unit", "*=date"),
    "date:diff": _row(
        "date.difference", "from=start|#0, to=end|#1, unit=unit|units|#2", "*=number"
    ),
    "date:unix": _row("date.to_epoch", "date=start|#0", "*=number"),
    "date:fromISO": _row("date.parse", "text=#0", "*=date"),
    "date:toText": _row("date.format", "date=#0, format=format|#1", "*=text"),
    # services
    "@httpfunctions:get": _row("api.get", _ASK, _RESPONSE),
    "@httpfunctions:post": _row("api.post", _SEND, _RESPONSE),
    "@httpfunctions:put": _row("api.put", _SEND, _RESPONSE),
    "@httpfunctions:patch": _row("api.patch", _SEND, _RESPONSE),
    "@httpfunctions:delete": _row("api.delete", _SEND, _RESPONSE),
    "@httpfunctions:raw": _row(
        "api.raw_request", f"{_SEND}, method=Request.Method|Method", _RESPONSE
    ),
    "@okta:hTTPRequest": _row(
        "okta.custom_api_action",
        f"path=Request.Relative URL, method=parameters.requestType, {_REQUEST}, body=Request.Body",
        _RESPONSE,
    ),
    "@okta:readUser": _row("okta.read_user", "user=#0", "*=user", names=USER),
    "@okta:searchUsers": _row(
        "okta.search_users", "search=#0", "*=records", names=USER, note=_SEEN
    ),
    "@okta:listUsersWithSearch": _row(
        "okta.search_users", "search=#0", "*=records", names=USER, note=_SEEN
    ),
    "@okta:readGroup": _row("okta.read_group", "group=#0", "*=group", names=GROUP),
    "@okta:listGroupMembers": _row(
        "okta.list_group_members", "group=#0", "*=records", names=USER, note=_SEEN
    ),
    "@okta:addUserToGroup": _row(
        "okta.add_user_to_group", "group=Group.id, user=User.id", "Result.status=status"
    ),
    "@okta:removeUserFromGroup": _row(
        "okta.remove_user_from_group", "group=Group.id, user=User.id", "Result.status=status"
    ),
    "@okta:suspendUser": _row("okta.suspend_user", "user=User.id|#0", "Result.status=status"),
    "@okta:unsuspendUser": _row("okta.unsuspend_user", "user=User.id|#0", "Result.status=status"),
    "@okta:deactivateUser": _row("okta.deactivate_user", "user=User.id|#0", "Result.status=status"),
    "@okta:activateUser": _row("okta.activate_user", "user=User.id|#0", "Result.status=status"),
    # tables
    "@stash:createRow": _row(
        "table.create_row", "table=parameters.stash", "Output.Row ID=row", rest="values"
    ),
    "@stash:updateRow": _row(
        "table.update_row",
        "table=parameters.stash, row=Update By.Row ID|Row.Row ID|Row ID",
        "*=row",
        rest="values",
    ),
    "@stash:deleteRow": _row(
        "table.delete_row", "table=parameters.stash, row=Delete By.Row ID", "*=deleted"
    ),
    "@stash:readRow": _row(
        "table.read_row", "table=parameters.stash, row=Read By.Row ID|Row.Row ID|Row ID", ""
    ),
    "@stash:clearTable": _row("table.clear", "table=parameters.stash", "*=count"),
    # the rest
    "control:let": _row("flow.assign", "", "", rest="."),
    "object:construct": _row("object.construct", "", "*=object", rest="."),
    "control:return": _row("flow.return", "", "", rest="."),
    "control:returnRaw": _row(
        "flow.return_raw", "status=statusCode, headers=headers, body=body", ""
    ),
    "http:close": _row("flow.close", "status=statusCode|#0", ""),
    "@httpfunctions:close": _row("flow.close", "status=statusCode|#0", ""),
    "control:throw": _row("error.return_error", "status=statusCode, message=message", ""),
    "control:waitFor": _row("flow.wait_for", "duration=#0, unit=unit|units|#1", ""),
    "control:delay": _row("flow.wait_for", "duration=#0, unit=unit|units|#1", ""),
    "jwt:sign": _row(
        "jwt.sign",
        "payload=payload, key=key, algorithm=algorithm, audience=audience, issuer=issuer, "
        "subject=subject, expires_in=expiresIn, not_before=notBefore, jwtid=jwtid, "
        "no_timestamp=noTimestamp, header=header",
        "*=token",
    ),
    "jwt:verify": _row(
        "jwt.verify",
        "token=token, key=key, algorithm=algorithm, audience=audience, issuer=issuer, "
        "subject=subject",
        "*=payload",
    ),
    "jwt:decode": _row("jwt.decode", "token=token|#0", "*=payload"),
}
CONNECTORS: Final[Mapping[str, str]] = {
    "okta": "okta",
    "oktadevices": "okta-devices",
    "okta_devices": "okta-devices",
}
"""Our connectors by Okta's names; any other service is an api."""
EVENTS: Final[Mapping[str, str]] = {
    "userCreated": "user.lifecycle.create",
    "userActivated": "user.lifecycle.activate",
    "userDeactivated": "user.lifecycle.deactivate",
    "userSuspended": "user.lifecycle.suspend",
    "userUnsuspended": "user.lifecycle.unsuspend",
    "userDeleted": "user.lifecycle.delete.initiated",
    "userProfileUpdated": "user.account.update_profile",
    "userOktaProfileUpdated": "user.account.update_profile",
    "userAddedToGroupMembership": "group.user_membership.add",
    "userRemovedFromGroupMembership": "group.user_membership.remove",
    "userAssignedToApplication": "application.user_membership.add",
    "userAddedToApplicationMembership": "application.user_membership.add",
    "userUnassignedFromApplication": "application.user_membership.remove",
    "userRemovedFromApplicationMembership": "application.user_membership.remove",
    "userAccountLocked": "user.account.lock",
    "userAccountUnlocked": "user.account.unlock",
    "userLogin": "user.session.start",
}
TITLES: Final[Mapping[tuple[str, str], str]] = {
    ("string", "To Lower"): "string:toLowerCase",
    ("string", "To Upper"): "string:toUpperCase",
    ("string", "To Upper Case"): "string:toUpperCase",
    ("string", "Segment"): "string:substr",
    ("list", "Remove Duplicates"): "list:unique",
    ("list", "Concatenate"): "list:concat",
    ("list", "Map"): "list:map",
    ("list", "Reduce"): "list:reduce",
    ("date", "Date to Text"): "date:toText",
    ("date", "Difference"): "date:diff",
    ("control", "Call Flow"): "control:call",
    ("control", "Call Flow Async"): "control:run",
    ("control", "Return Error"): "control:throw",
    ("control", "Return Error If"): "control:throwIf",
    ("error", "Return Error"): "control:throw",
    ("error", "Return Error If"): "control:throwIf",
    ("control", "Assign If"): "control:assignIf",
    ("control", "Wait For"): "control:waitFor",
    ("http", "Close"): "http:close",
    ("jwt", "Sign"): "jwt:sign",
    ("jwt", "JWT Sign"): "jwt:sign",
    ("jwt", "Verify"): "jwt:verify",
    ("jwt", "JWT Verify"): "jwt:verify",
    ("jwt", "Decode"): "jwt:decode",
    ("jwt", "JWT Decode"): "jwt:decode",
    ("@stash", "Search Rows"): "@stash:searchRows2",
    ("@stash", "Update Row"): "@stash:updateRow",
    ("@stash", "Read Row"): "@stash:readRow",
    ("@stash", "Clear Table"): "@stash:clearTable",
    ("@okta", "Read User"): "@okta:readUser",
    ("@okta", "Search Users"): "@okta:searchUsers",
    ("@okta", "List Users with Search"): "@okta:listUsersWithSearch",
    ("@okta", "List Group Members"): "@okta:listGroupMembers",
    ("@okta", "Suspend User"): "@okta:suspendUser",
    ("@okta", "Unsuspend User"): "@okta:unsuspendUser",
    ("@okta", "Deactivate User"): "@okta:deactivateUser",
    ("@okta", "Activate User"): "@okta:activateUser",
}
"""Addresses by family and title, for cards whose own address says nothing."""
