"""What somebody has answered in the wizard so far, as it was typed.

Knows the questions and how their answers travel, in hidden fields and in links, and judges none of
them. Nothing secret is among them: a token or a value is used by the request that brings it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Final
from urllib.parse import urlencode

from keyturn.domain.okta import CredentialKind, KeyAlgorithm

PATH: Final = "/rotations/new"
NEW: Final = "new"
"""What is chosen instead of a connection where one is to be made."""

LONGEST: Final = 2_000
"""No answer is longer: what is has no end that anybody would read."""


@dataclass(frozen=True)
class Answers:
    """The answers; ``since`` is when the wizard was begun, ISO 8601.

    ``often`` says which of ``days``, ``every`` and ``cron`` sets the dates. Of the policy, what is
    empty is as the installation has it. ``existing`` is what becomes of the credentials that the
    app has (see `wizard_choices`), ``searched`` what the apps that are shown were searched by,
    ``label`` what Okta calls the one that was chosen, ``made_connection`` the id of a connection
    that the wizard has made on the way, and ``made_folder`` the path of a folder.
    """

    since: str = ""
    project: str = ""
    kind: str = CredentialKind.CLIENT_SECRET
    algorithm: str = KeyAlgorithm.RS256
    connection: str = ""
    new_name: str = ""
    new_url: str = ""
    new_method: str = "api-token"
    new_client_id: str = ""
    environment: str = ""
    path: str = "/"
    automatic: str = "on"
    often: str = "days"
    days: str = "30"
    every: str = ""
    cron: str = ""
    at: str = "00:00"
    zone: str = ""
    overlap_policy: str = ""
    overlap: str = ""
    backstop: str = ""
    soak: str = ""
    log: str = ""
    quiet: str = ""
    search: str = ""
    searched: str = ""
    app: str = ""
    label: str = ""
    existing: str = ""
    map_client_id: str = ""
    map_client_secret: str = ""
    name: str = ""
    description: str = ""
    made_connection: str = ""
    made_folder: str = ""

    @property
    def credential(self) -> CredentialKind:
        """Return what is to be turned; for what is none of them, what most people turn."""
        return CredentialKind(self.kind) if self.kind in TYPES else CredentialKind.CLIENT_SECRET

    @property
    def key_algorithm(self) -> KeyAlgorithm:
        """Return what a new client key signs with."""
        return KeyAlgorithm.ES256 if self.algorithm == KeyAlgorithm.ES256 else KeyAlgorithm.RS256

    @property
    def given(self) -> Mapping[str, str]:
        """Return what differs from a wizard that nobody has answered."""
        return {name: value for name, value in asdict(self).items() if value != PLAIN[name]}

    def carried(self, shown: Iterable[str]) -> Mapping[str, str]:
        """Return what a form has to carry unseen, because it asks for other things."""
        hidden = set(shown)
        return {name: value for name, value in asdict(self).items() if name not in hidden}

    def link(self, step: str) -> str:
        """Return where the wizard goes on at a step with these answers."""
        return f"{PATH}?{urlencode({'step': step, 'since': self.since, **self.given})}"


TYPES: Final = tuple(kind.value for kind in CredentialKind if not kind.rules.of_connection)
PLAIN: Final[Mapping[str, str]] = {each.name: str(each.default) for each in fields(Answers)}


def answered(told: Mapping[str, object]) -> Answers:
    """Read the answers of a form or of a link; of what is not said, the usual."""
    read: dict[str, str] = {}
    for name, usual in PLAIN.items():
        said = told.get(name, usual)
        read[name] = said.strip()[:LONGEST] if isinstance(said, str) else usual
    return Answers(**read)
