"""Cards that ask any service over HTTP, by a connection or without one.

Declared here and done by `services`. A connection's token goes to the address that the flow names:
whoever writes the flow decides which service that is. The connections of Okta's connectors send
theirs to their org alone, and ``hosts`` says the same for others.
"""

from dataclasses import replace
from typing import Final

from keyturn.domain.flows.cards import streaming
from keyturn.domain.flows.cards.streaming import PAGES
from keyturn.domain.flows.failures import Failure
from keyturn.domain.flows.spec import CONNECTOR_S, CardSpec, Effect, Input, Output
from keyturn.domain.flows.values import Kind, Value
from keyturn.domain.oauth.connectors import CONNECTORS

RECORDS: Final = 200
PAGES_BYTES: Final = 50 * 1024 * 1024
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

URL: Final = Input(
    "url",
    Kind.TEXT,
    "https://HOST/PATH; a query in it is kept. What the connection authorizes goes to this host, "
    "whichever it is; of Okta's connectors, it goes to their org alone.",
)
QUERY: Final = Input(
    "query",
    Kind.OBJECT,
    "Parameters by name: texts, numbers, truths, or lists of them; null is left out.",
    required=False,
)
HEADERS: Final = Input(
    "headers",
    Kind.OBJECT,
    "Headers, texts by name; not those that the connection gives.",
    required=False,
)
HOSTS: Final = Input(
    "hosts",
    Kind.LIST,
    "The hosts that may be asked; for an address that comes of somebody's input.",
    required=False,
)
BODY: Final = Input(
    "body",
    Kind.ANY,
    "Sent as JSON; as a form or a text where the header content-type says so.",
    required=False,
)
TEXT_BODY: Final = Input("body", Kind.TEXT, "Sent as it is.", required=False)
METHOD: Final = Input("method", Kind.TEXT, "The HTTP method.", options=METHODS)
KEY: Final = Input(
    "idempotency_key",
    Kind.TEXT,
    "By what the service knows the same request again; with one, it may be sent twice.",
    required=False,
)
KEY_HEADER: Final = Input(
    "idempotency_header",
    Kind.TEXT,
    "The header that the key goes in.",
    required=False,
    default="Idempotency-Key",
)
RECORDS_AT: Final = Input(
    "records_at",
    Kind.TEXT,
    "The member that has the records, where the body is no list.",
    required=False,
)
LIMIT: Final = Input(
    "limit",
    Kind.NUMBER,
    f"How many records at most, up to {PAGES} pages of them.",
    required=False,
    default=RECORDS,
)

STATUS: Final = Output("status", Kind.NUMBER, "The HTTP status.")
ANSWER_HEADERS: Final = Output("headers", Kind.OBJECT, "Headers by name, in lower case.")
ANSWER_BODY: Final = Output("body", Kind.ANY, "What JSON says, else a text; null for nothing.")
RECORDS_OUT: Final = (
    Output("records", Kind.LIST, "The records of all pages."),
    Output("count", Kind.NUMBER, "How many."),
    Output("truncated", Kind.BOOLEAN, "Whether there are more than were read."),
)

READ_FAILURES: Final = (
    Failure.INPUT,
    Failure.CONNECTION,
    Failure.SCOPE,
    Failure.HTTP,
    Failure.NETWORK,
    Failure.TIMEOUT,
)
WRITE_FAILURES: Final = (*READ_FAILURES, Failure.UNKNOWN_OUTCOME)
_CALL: Final = "https://api.example.com/things"


def _asks(name: str, doc: str, *inputs: Input, **example: Value) -> CardSpec:
    reads = name in {"api.get", "api.get_pages", "api.stream_pages"}
    return CardSpec(
        name,
        doc,
        (URL, *inputs, QUERY, HEADERS, HOSTS),
        (STATUS, ANSWER_HEADERS, ANSWER_BODY),
        Effect.READ if reads else Effect.WRITE,
        connectors=(*CONNECTORS,),
        connection_optional=True,
        timeout_s=CONNECTOR_S,
        failures=READ_FAILURES if reads else WRITE_FAILURES,
        example={"card": name, "connection": "crm", "with": {"url": _CALL, **example}},
    )


CARDS: Final = (
    _asks("api.get", "Read from a service; a status from 400 on is a failure."),
    replace(
        _asks(
            "api.get_pages",
            "Read a list from a service, page by page, as its Link headers lead on.",
            RECORDS_AT,
            LIMIT,
            limit=1000,
        ),
        outputs=RECORDS_OUT,
    ),
    replace(
        _asks(
            "api.stream_pages",
            "Hand each record of a list to another flow, page by page; none is collected.",
            *streaming.INPUTS,
            RECORDS_AT,
            streaming.LIMIT,
            flow="other",
            limit=100_000,
        ),
        outputs=streaming.OUTPUTS,
        steer=streaming.stream,
    ),
    _asks(
        "api.post",
        "Send something to a service; a status from 400 on is a failure.",
        BODY,
        KEY,
        KEY_HEADER,
        body={"name": "one"},
    ),
    _asks("api.put", "Replace something at a service.", BODY, KEY, KEY_HEADER, body={"name": "a"}),
    _asks("api.patch", "Change something at a service.", BODY, KEY, KEY_HEADER, body={"name": "b"}),
    _asks("api.delete", "Delete something at a service.", BODY, KEY, KEY_HEADER),
    replace(
        _asks(
            "api.raw_request",
            "Ask a service by any method; whatever it answers is no failure.",
            METHOD,
            TEXT_BODY,
            KEY,
            KEY_HEADER,
            method="POST",
            body="as it is",
        ),
        outputs=(
            STATUS,
            ANSWER_HEADERS,
            Output("body", Kind.TEXT, "The body as a text."),
        ),
    ),
)
