"""Cards that ask for the time and for chance; asked again, a run is told the same.

Declared here and done by `services`, as the domain knows neither.
"""

from typing import Final

from keyturn.domain.flows.failures import Failure
from keyturn.domain.flows.spec import CardSpec, Effect, Input, Output
from keyturn.domain.flows.values import Kind

CARDS: Final = (
    CardSpec(
        "date.now",
        "Tell what time it is.",
        (
            Input(
                "zone",
                Kind.TEXT,
                "The time zone that the date is told in, by its IANA name.",
                required=False,
                default="UTC",
            ),
        ),
        (
            Output("date", Kind.TEXT, "The date and time, in ISO 8601 with its offset."),
            Output("epoch_s", Kind.NUMBER, "The same in whole seconds since 1970."),
        ),
        Effect.READ,
        failures=(Failure.INPUT,),
        example={"card": "date.now", "with": {"zone": "Europe/Berlin"}},
    ),
    CardSpec(
        "number.random",
        "Choose a whole number by chance, each as likely as any other.",
        (
            Input("minimum", Kind.NUMBER, "The least that it may be.", required=False, default=0),
            Input("maximum", Kind.NUMBER, "The most that it may be.", required=False, default=100),
        ),
        (Output("number", Kind.NUMBER, "The number."),),
        Effect.READ,
        failures=(Failure.INPUT,),
        example={"card": "number.random", "with": {"minimum": 1, "maximum": 6}},
    ),
    CardSpec(
        "text.uuid",
        "Make a UUID by chance (version 4, RFC 9562).",
        (),
        (Output("text", Kind.TEXT, "The UUID."),),
        Effect.READ,
        example={"card": "text.uuid"},
    ),
)
