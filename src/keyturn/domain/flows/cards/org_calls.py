"""How cards that ask an Okta org are declared, with the call that each makes.

Decides paths and parameters, as Okta's API description has them. Knows nothing of tokens.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from keyturn.domain.flows.cards import streaming
from keyturn.domain.flows.cards.api import (
    ANSWER_BODY,
    ANSWER_HEADERS,
    BODY,
    HEADERS,
    LIMIT,
    QUERY,
    READ_FAILURES,
    RECORDS_OUT,
    STATUS,
    WRITE_FAILURES,
)
from keyturn.domain.flows.spec import CONNECTOR_S, CardSpec, Effect, Input, Output
from keyturn.domain.flows.values import Kind, Value

PAGE_SIZE: Final = Input(
    "page_size",
    Kind.NUMBER,
    "How many records a page has, 200 at most.",
    required=False,
    default=200,
)
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True)
class OrgCall:
    """A request to an org: in ``path``, inputs stand in braces.

    ``query`` are inputs by the names of parameters, ``fixed`` parameters that are always the same.
    ``gives`` is the output that the body is; where it is empty, the status alone is given.
    ``pages`` says that the body is a page of a list.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    fixed: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    gives: str = ""
    pages: bool = False


@dataclass(frozen=True)
class OrgCard:
    """A card, and the call that it makes; None where its inputs say it."""

    spec: CardSpec
    call: OrgCall | None


@dataclass(frozen=True)
class OrgFamily:
    """Cards that run on the connections of one connector."""

    prefix: str
    connector: str

    def reads(
        self, name: str, doc: str, call: OrgCall, *inputs: Input, scope: str, **example: Value
    ) -> OrgCard:
        """Declare a card that reads one thing, or a list that is on no pages."""
        kind = Kind.LIST if call.gives == "records" else Kind.OBJECT
        outputs = (Output(call.gives, kind, "What Okta says of it."),)
        return self._card(CardSpec(name, doc, inputs, outputs, scopes=(scope,)), call, example)

    def lists(
        self, name: str, doc: str, call: OrgCall, *inputs: Input, scope: str, **example: Value
    ) -> OrgCard:
        """Declare a card that reads a list, page by page."""
        inputs = (*inputs, LIMIT, PAGE_SIZE)
        return self._card(CardSpec(name, doc, inputs, RECORDS_OUT, scopes=(scope,)), call, example)

    def changes(
        self, name: str, doc: str, call: OrgCall, *inputs: Input, scope: str, **example: Value
    ) -> OrgCard:
        """Declare a card that changes something."""
        outputs: tuple[Output, ...] = (STATUS,)
        if call.gives:
            outputs += (Output(call.gives, Kind.OBJECT, "What Okta says to it.", secret=True),)
        return self._card(CardSpec(name, doc, inputs, outputs, scopes=(scope,)), call, example)

    def anything(self, path: str) -> OrgCard:
        """Declare the card that makes any call."""
        spec = CardSpec(
            "custom_api_action",
            "Make any call to the org's API; a status from 400 on is a failure.",
            (
                Input("path", Kind.TEXT, "What follows the org's domain, from its first / on."),
                Input("method", Kind.TEXT, "The HTTP method.", options=METHODS),
                QUERY,
                HEADERS,
                BODY,
            ),
            (STATUS, ANSWER_HEADERS, ANSWER_BODY),
        )
        return self._card(spec, None, {"path": path, "method": "GET"})

    def streams(self, path: str) -> OrgCard:
        """Declare the card that hands each record of any list to another flow."""
        inputs = (
            Input("path", Kind.TEXT, "What follows the org's domain, from its first / on."),
            *streaming.INPUTS,
            streaming.LIMIT,
            QUERY,
            HEADERS,
        )
        spec = CardSpec(
            "stream_pages",
            "Hand each record of a list to another flow, page by page; none is collected.",
            inputs,
            streaming.OUTPUTS,
            steer=streaming.stream,
        )
        example: Mapping[str, Value] = {"path": path, "flow": "other", "limit": 100_000}
        return self._card(spec, None, example)

    def _card(self, spec: CardSpec, call: OrgCall | None, example: Mapping[str, Value]) -> OrgCard:
        """Return a card with what all of its kind have in common."""
        name = f"{self.prefix}.{spec.name}"
        reads = bool(spec.steer) or (call is not None and call.method == "GET")
        whole = replace(
            spec,
            name=name,
            effect=Effect.READ if reads else Effect.WRITE,
            connectors=(self.connector,),
            timeout_s=CONNECTOR_S,
            failures=READ_FAILURES if reads else WRITE_FAILURES,
            example={"card": name, "connection": "our-org", "with": dict(example)},
        )
        return OrgCard(whole, call)
