"""The kinds of destinations as forms ask for them: what each is, and what its fields are called."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from keyturn.domain.destination_kinds import KINDS, Kind

TITLES: Final[Mapping[Kind, tuple[str, str]]] = MappingProxyType(
    {
        Kind.AWS: ("AWS Secrets Manager", "One secret each, or all in one JSON document."),
        Kind.GITHUB: ("GitHub Actions", "Secrets of a repository, or of one of its environments."),
        Kind.KUBERNETES: ("Kubernetes", "The keys of a Secret in a namespace."),
        Kind.VAULT: ("HashiCorp Vault", "A path of a KV engine, version 2."),
        Kind.WEBHOOK: ("Webhook", "A signed POST to an address of yours."),
        Kind.FILE: ("File", "On Keyturn's own machine, below the folder that its operator names."),
    }
)
_TOLD: Final[Mapping[tuple[Kind, str], tuple[str, str]]] = MappingProxyType(
    {
        (Kind.AWS, "secret"): ("All in one secret", "Its name; left empty, one secret each."),
        (Kind.AWS, "kmsKey"): ("KMS key", "Of new secrets: its id, alias or ARN."),
        (Kind.AWS, "accessKeyId"): ("Access key id", ""),
        (Kind.AWS, "secretAccessKey"): ("Secret access key", ""),
        (Kind.AWS, "sessionToken"): ("Session token", "Of a temporary key."),
        (Kind.GITHUB, "repository"): ("Repository", "OWNER/NAME"),
        (Kind.GITHUB, "environment"): ("Environment", "Left empty, the repository itself."),
        (Kind.GITHUB, "url"): ("Address of its API", "Left empty, api.github.com."),
        (Kind.GITHUB, "token"): ("Token", "That may write secrets of Actions, or of environments."),
        (Kind.KUBERNETES, "url"): ("Address of the API server", "https://10.0.0.1:6443"),
        (Kind.KUBERNETES, "secret"): ("Secret", "Its name; it is made where there is none."),
        (Kind.KUBERNETES, "ca"): ("Certificates of its authority", "In PEM, where it is private."),
        (Kind.KUBERNETES, "token"): (
            "Token",
            "Of a service account that may get, patch and create secrets in the namespace.",
        ),
        (Kind.VAULT, "url"): ("Address", "https://vault.example.com"),
        (Kind.VAULT, "mount"): ("Mount", "Left empty, secret."),
        (Kind.VAULT, "token"): ("Token", "That may read, create and update the path."),
        (Kind.WEBHOOK, "url"): ("Address", "https://hooks.example.com/keyturn"),
        (Kind.WEBHOOK, "values"): ("Values go along", ""),
        (Kind.WEBHOOK, "secret"): (
            "Key that it is signed by",
            "whsec_ and 24 to 64 bytes in base64 (Standard Webhooks).",
        ),
        (Kind.FILE, "path"): ("File", "Relative to the folder of deliveries, such as web/app.env."),
        (Kind.FILE, "format"): ("Format", ""),
    }
)
CHOICES: Final[Mapping[tuple[Kind, str], Sequence[tuple[str, str]]]] = MappingProxyType(
    {
        (Kind.WEBHOOK, "values"): (("true", "Yes"), ("false", "No: names and versions alone")),
        (Kind.FILE, "format"): (("json", "JSON"), ("dotenv", "dotenv")),
    }
)
SEVERAL_LINES: Final = frozenset({"ca"})


@dataclass(frozen=True)
class Asked:
    """A field of a form: what it is called there, whether it is needed, and what can be chosen."""

    name: str
    label: str
    hint: str
    needed: bool
    choices: Sequence[tuple[str, str]] = ()
    lines: bool = False

    @property
    def member(self) -> str:
        """Return what the kind calls it."""
        return self.name.partition("-")[2]


def settings_of(kind: Kind) -> Sequence[Asked]:
    """Return the fields of a kind's settings."""
    return [*_fields(kind, "set", {n: rule.needed for n, rule in KINDS[kind].settings.items()})]


def credential_of(kind: Kind) -> Sequence[Asked]:
    """Return the fields of a kind's credential."""
    return [*_fields(kind, "key", {n: rule.needed for n, rule in KINDS[kind].credential.items()})]


def _fields(kind: Kind, group: str, names: Mapping[str, bool]) -> Iterator[Asked]:
    for name, needed in names.items():
        label, hint = _TOLD.get((kind, name), (name.capitalize(), ""))
        choices = CHOICES.get((kind, name), ())
        yield Asked(f"{group}-{name}", label, hint, needed, choices, name in SEVERAL_LINES)
