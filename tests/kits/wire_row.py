"""What a row of the matrix of endpoints is, and the spellings that rows share."""

from dataclasses import dataclass, field

from api_kit import Body

S = frozenset(
    {
        "id",
        "_id",
        "workspace",
        "environment",
        "version",
        "type",
        "secretKey",
        "secretValue",
        "secretComment",
        "createdAt",
        "updatedAt",
    }
)
PYTHON = {"Content-Type": "application/json", "Accept": "application/json"}
GO = {"User-Agent": "infisical-go-sdk"}
CLI = {"User-Agent": "cli"}
TERRAFORM = {"User-Agent": "terraform"}
OPERATOR = {"User-Agent": "k8-operator"}
PLACE = {"workspaceId": "{project}", "environment": "dev"}


@dataclass(frozen=True)
class Row:
    """A request as a client sends it, and the fields that it needs under a name in the answer."""

    name: str
    method: str
    path: str
    params: dict[str, str] = field(default_factory=dict)
    body: Body | None = None
    under: str = ""
    fields: frozenset[str] = frozenset()
    headers: dict[str, str] = field(default_factory=dict)
