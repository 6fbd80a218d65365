"""Cards on JSON Web Tokens: signed, verified, or read as they are.

The algorithm is always named, and keys come of references alone. Signing and verifying are done by
`services`, as some signatures are made by chance and most take long.
"""

from collections.abc import Mapping
from typing import Final

from keyturn.domain.flows.failures import Failure, wrong_input
from keyturn.domain.flows.spec import CardSpec, Effect, Input, Output
from keyturn.domain.flows.tokens import ALGORITHMS, SKEW_MAX_S, read_token
from keyturn.domain.flows.values import Kind, Value

_ALGORITHM: Final = Input("algorithm", Kind.TEXT, "How it is signed.", options=ALGORITHMS)
_TOKEN: Final = Input("token", Kind.TEXT, "The token.")
_OUTPUTS: Final = (
    Output("payload", Kind.OBJECT, "Its claims."),
    Output("header", Kind.OBJECT, "Its header."),
)


def _optional(name: str, kind: Kind, doc: str, default: Value = None) -> Input:
    return Input(name, kind, doc, required=False, default=default)


def _decode(inputs: Mapping[str, Value]) -> Mapping[str, Value]:
    text = inputs["token"]
    if not isinstance(text, str):
        raise wrong_input("token", "must be a text")
    token = read_token(text)
    return {"payload": token.payload, "header": token.header, "verified": False}


_EXAMPLE_TOKEN: Final = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1bmEifQ.c2lnbmF0dXJl"

CARDS: Final = (
    CardSpec(
        "jwt.sign",
        "Sign a JSON Web Token.",
        (
            _optional("payload", Kind.OBJECT, "Its claims, beside those below.", {}),
            Input(
                "key",
                Kind.ANY,
                "A private key in PEM or JSON; for HS algorithms a secret as long as the hash.",
                secret=True,
            ),
            _ALGORITHM,
            _optional("audience", Kind.ANY, "For whom it is: a text, or a list of them."),
            _optional("issuer", Kind.TEXT, "By whom it is."),
            _optional("subject", Kind.TEXT, "About whom it is."),
            _optional("expires_in", Kind.NUMBER, "In how many seconds it expires."),
            _optional("not_before", Kind.NUMBER, "In how many seconds it becomes valid."),
            _optional("jwtid", Kind.TEXT, "What it is told from others by, as of text.uuid."),
            _optional("no_timestamp", Kind.BOOLEAN, "Leave out when it was signed.", default=False),
            _optional("header", Kind.OBJECT, "What stands in its header besides, such as kid."),
        ),
        (Output("token", Kind.TEXT, "The token.", secret=True),),
        Effect.READ,
        failures=(Failure.INPUT,),
        example={
            "card": "jwt.sign",
            "with": {
                "key": "{{ secrets.key }}",
                "algorithm": "RS256",
                "issuer": "0oa0123456789abcdef0",
                "subject": "0oa0123456789abcdef0",
                "audience": "https://example.okta.com/oauth2/v1/token",
                "expires_in": 300,
            },
        },
    ),
    CardSpec(
        "jwt.verify",
        "Verify a JSON Web Token: its signature, its times, and whom it names.",
        (
            _TOKEN,
            Input(
                "key",
                Kind.ANY,
                "A public key in PEM or JSON, a set of such (as an issuer's keys), or a secret.",
                secret=True,
            ),
            _ALGORITHM,
            _optional("audience", Kind.ANY, "For whom it must be: a text, or any of a list."),
            _optional("issuer", Kind.TEXT, "By whom it must be."),
            _optional("subject", Kind.TEXT, "About whom it must be."),
            _optional(
                "skew", Kind.NUMBER, f"By how many seconds clocks may differ, to {SKEW_MAX_S}.", 0
            ),
        ),
        _OUTPUTS,
        Effect.READ,
        failures=(Failure.INPUT, Failure.PARSE),
        example={
            "card": "jwt.verify",
            "with": {
                "token": "{{ start.body.token }}",
                "key": "{{ keys.body }}",
                "algorithm": "RS256",
                "issuer": "https://example.okta.com",
            },
        },
    ),
    CardSpec(
        "jwt.decode",
        "Read a JSON Web Token, whoever signed it: nothing that it says is proved.",
        (_TOKEN,),
        (*_OUTPUTS, Output("verified", Kind.BOOLEAN, "Always false.")),
        run=_decode,
        failures=(Failure.PARSE,),
        example={"card": "jwt.decode", "with": {"token": _EXAMPLE_TOKEN}},
        gives={"payload": {"sub": "una"}, "header": {"alg": "HS256"}, "verified": False},
    ),
)
