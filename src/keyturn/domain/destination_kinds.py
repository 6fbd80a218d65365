"""The kinds of destinations: the settings of each, what proves it, and how names look there.

Decides only what may be written down; what a setting leads to is the carrier's business.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.sensitive import Sensitive

VALUE_MAX = 16_384


class Kind(StrEnum):
    """What a destination is."""

    AWS = "aws-secrets-manager"
    GITHUB = "github-actions"
    KUBERNETES = "kubernetes"
    VAULT = "hashicorp-vault"
    WEBHOOK = "webhook"
    FILE = "file"


class Proof(StrEnum):
    """What counts as a confirmation."""

    READ_BACK = "read back: it shows the value that was brought"
    SHOWN = "shown: when it was changed and the key it was sealed for; it shows no value"
    ANSWERED = "answered: it said that it has it (2xx), and can show nothing"


@dataclass(frozen=True)
class Rule:
    """What a text has to look like, and the words for it."""

    pattern: str
    told: str
    needed: bool = True


@dataclass(frozen=True)
class KindRules:
    """What a kind asks for, and what it gives.

    ``in_one`` says whether everything is brought in one write; None leaves that to the settings.
    ``target`` is the pattern of names there.
    """

    settings: Mapping[str, Rule]
    credential: Mapping[str, Rule]
    proof: Proof
    target: str
    target_rule: str
    in_one: bool | None = True
    needs_credential: bool = field(default=True)


_URL = Rule(r"https?://[!-~]{1,240}", "must be https://HOST, with a path where one belongs to it")
_BASE = Rule(r"https?://(?:(?![?#])[!-~]){1,240}", f"{_URL.told}, and no query")
_ANY = Rule(r"[!-~]{1,4096}", "must be of ASCII's characters, without spaces")
_LABEL = r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"
_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}"
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
_OF_VARIABLE = "consist of letters, digits and underscores, and do not begin with a digit"


def _optional(rule: Rule) -> Rule:
    return Rule(rule.pattern, rule.told, needed=False)


_AWS_NAME = Rule(r"[A-Za-z0-9/_+=.@-]{1,512}", "must be letters, digits and /_+=.@-")
_DNS_NAME = Rule(_LABEL, "must be lower-case letters, digits, hyphens and dots")
_PATH = Rule(rf"{_SEGMENT}(/{_SEGMENT})*", "must be a relative path of plain names")

KINDS: Mapping[Kind, KindRules] = MappingProxyType(
    {
        Kind.AWS: KindRules(
            {
                "region": Rule(r"[a-z]{2}(-[a-z]+)+-\d", "must be a region such as eu-central-1"),
                "secret": _optional(_AWS_NAME),
                "kmsKey": _optional(Rule(r"[\w:/-]{1,2048}", "must be a key's id, alias or ARN")),
            },
            {
                "accessKeyId": Rule(r"\w{16,128}", "must be an access key id"),
                "secretAccessKey": _ANY,
                "sessionToken": _optional(_ANY),
            },
            Proof.READ_BACK,
            _AWS_NAME.pattern,
            "consist of letters, digits and /_+=.@-",
            in_one=None,
        ),
        Kind.GITHUB: KindRules(
            {
                "repository": Rule(rf"{_SEGMENT}/{_SEGMENT}", "must be OWNER/NAME"),
                "environment": _optional(Rule(r"[^\s/][^/]{0,254}", "must be its name")),
                "url": _optional(_BASE),
            },
            {"token": _ANY},
            Proof.SHOWN,
            rf"(?!(?i:GITHUB_)){_VARIABLE}",
            f"{_OF_VARIABLE} nor with GITHUB_",
            in_one=False,
        ),
        Kind.KUBERNETES: KindRules(
            {
                "url": _BASE,
                "namespace": _DNS_NAME,
                "secret": _DNS_NAME,
                "ca": _optional(
                    Rule(
                        r"(?s)-----BEGIN CERTIFICATE-----.+-----END CERTIFICATE-----\s*",
                        "must be certificates in PEM",
                    )
                ),
            },
            {"token": _ANY},
            Proof.READ_BACK,
            r"[-._a-zA-Z0-9]{1,253}",
            "consist of letters, digits, hyphens, dots and underscores",
        ),
        Kind.VAULT: KindRules(
            {
                "url": _BASE,
                "path": _PATH,
                "mount": _optional(_PATH),
                "namespace": _optional(_PATH),
            },
            {"token": _ANY},
            Proof.READ_BACK,
            r"\S{1,255}",
            "have no spaces",
        ),
        Kind.WEBHOOK: KindRules(
            {
                "url": _URL,
                "values": _optional(Rule(r"true|false", "must be true or false")),
            },
            {"secret": Rule(r"whsec_[A-Za-z0-9+/=]+", "must be whsec_ and base64")},
            Proof.ANSWERED,
            r"\S{1,255}",
            "have no spaces",
        ),
        Kind.FILE: KindRules(
            {
                "path": _PATH,
                "format": _optional(Rule(r"json|dotenv", "must be json or dotenv")),
            },
            {},
            Proof.READ_BACK,
            _VARIABLE,
            _OF_VARIABLE,
            needs_credential=False,
        ),
    }
)

WEBHOOK_KEY_BYTES = range(24, 65)
"""How long a webhook's key may be (Standard Webhooks, "Signature scheme")."""
WEBHOOK_KEY_RULE = (
    f"must be whsec_ and {min(WEBHOOK_KEY_BYTES)} to {max(WEBHOOK_KEY_BYTES)} bytes in base64"
)


def parse_kind(text: str) -> Kind:
    """Return a kind by its name. Raises InvalidInput."""
    if text not in set(Kind):
        raise _invalid("kind", "must be one of " + ", ".join(Kind))
    return Kind(text)


def checked_settings(kind: Kind, given: Mapping[str, str]) -> Mapping[str, str]:
    """Return the settings of a destination. Raises InvalidInput naming what does not fit."""
    settings = {name: text.strip() for name, text in given.items()}
    require_fit("settings", KINDS[kind].settings, settings)
    return settings


def checked_credential(kind: Kind, given: Mapping[str, Sensitive]) -> Mapping[str, Sensitive]:
    """Return the credential of a destination. Raises InvalidInput, which shows nothing of it."""
    credential = {name: Sensitive(value.reveal().strip()) for name, value in given.items()}
    shown = {name: value.reveal() for name, value in credential.items()}
    require_fit("credential", KINDS[kind].credential, shown)
    if kind is Kind.WEBHOOK and not is_webhook_key(shown["secret"]):
        raise _invalid("credential.secret", WEBHOOK_KEY_RULE)
    return credential


def require_fit(where: str, rules: Mapping[str, Rule], given: Mapping[str, str]) -> None:
    """Raise InvalidInput where a text is lacking, or unknown, or does not look as its rule has it.

    ``where`` is the member that errors name before the name of the text.
    """
    for name, rule in rules.items():
        if name not in given and rule.needed:
            raise _invalid(f"{where}.{name}", "Required")
    for name, text in given.items():
        if name not in rules:
            known = ", ".join(rules) or "none"
            raise _invalid(f"{where}.{name}"[:100], f"is not known for this kind; {known} are")
        if len(text) > VALUE_MAX or not re.fullmatch(rules[name].pattern, text):
            raise _invalid(f"{where}.{name}", rules[name].told)


def require_again(names: Iterable[str]) -> None:
    """Raise InvalidInput for what of a credential is kept, and is sent to nobody else."""
    rule = "must be given again, because the settings lead elsewhere"
    problems = [FieldProblem(("credential", name), rule) for name in names]
    if problems:
        raise InvalidInput(*problems)


def is_webhook_key(secret: str) -> bool:
    """Say whether messages can be signed with it (Standard Webhooks, "Symmetric signatures")."""
    if not secret.startswith("whsec_"):
        return False
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        return False
    return len(key) in WEBHOOK_KEY_BYTES


def _invalid(name: str, rule: str) -> InvalidInput:
    return InvalidInput(FieldProblem(tuple(name.split(".")), rule))
