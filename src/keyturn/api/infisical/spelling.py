"""The many ways in which clients say where something is, brought to one."""

from collections.abc import Iterable

from keyturn.domain.errors import FieldProblem, InvalidInput, Refused
from keyturn.domain.project import ROOT
from keyturn.services.projects import Where
from keyturn.wire.folders import FolderPlace
from keyturn.wire.secrets import NewMetadata, ProjectName, SecretPlace


def project_of(asked: ProjectName) -> str:
    """Return the project that is named. Raises InvalidInput where none is."""
    if asked.project is None:
        raise InvalidInput(FieldProblem(("projectId",), "Required"))
    return asked.project


def where_of(asked: SecretPlace, path: str | None = None) -> Where:
    """Return the place of secrets; a path of their own comes before that of the request."""
    return Where(project_of(asked), asked.environment, path or asked.secret_path or ROOT)


def folder_of(asked: FolderPlace) -> Where:
    """Return the place of folders or imports."""
    return Where(project_of(asked), asked.environment, asked.spelled_path)


def refuse_encrypted(metadata: Iterable[NewMetadata]) -> None:
    """Refuse metadata that is to be encrypted: it would be kept in clear."""
    if any(each.is_encrypted for each in metadata):
        raise Refused(
            "Keyturn keeps metadata in clear. Leave out isEncrypted, or make what is secret a "
            "secret of its own."
        )


def refuse_personal(kind: str | None) -> None:
    """Refuse to write a personal secret: it would be written over the one that all share."""
    if kind == "personal":
        raise Refused(
            "Keyturn keeps no personal secrets, only shared ones. Leave out the type, or say "
            '"shared", to write the secret that everybody reads.'
        )
