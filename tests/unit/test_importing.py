"""What a folder gives, and what an import would change in it."""

from datetime import UTC, datetime

from keyturn.client.folder import folder_of
from keyturn.client.importing import ImportPlan, items_of, plan_import
from keyturn.wire.secrets import ImportedSecrets, Secret, SecretsAnswer

AT = datetime(2026, 1, 1, tzinfo=UTC)


def secret(name: str, value: str, *, path: str = "/", rotated: bool = False) -> Secret:
    """Return a secret as a list has it."""
    texts = dict.fromkeys(("id", "_id", "workspace", "environment", "secretComment"), "x")
    times = {"createdAt": AT, "updatedAt": AT, "version": 1, "rotationId": None}
    shown = {"secretKey": name, "secretValue": value, "secretPath": path}
    flags = {"isRotatedSecret": rotated, "secretValueHidden": False}
    return Secret.model_validate(texts | times | shown | flags)


def imported(*secrets: Secret) -> ImportedSecrets:
    """Return what one import brings."""
    return ImportedSecrets(secret_path="/i", environment="dev", folder_id="f", secrets=secrets)


def test_the_folder_prevails_over_imports_and_the_later_import_over_the_earlier() -> None:
    """Of one name, each reader gets the same value that a read by name gives."""
    first = imported(secret("A", "1"), secret("B", "1"), secret("C", "1"))
    second = imported(secret("A", "2"), secret("B", "2"))
    answer = SecretsAnswer(secrets=(secret("A", "own"),), imports=(first, second))
    assert folder_of(answer, "t").values == {"A": "own", "B": "2", "C": "1"}


def test_the_nearer_folder_prevails() -> None:
    """The top prevails over what is below, the first path over another of its depth."""
    deep, other, near = (secret("A", path, path=path) for path in ("/a/b", "/c", "/b"))
    top = secret("A", "/")
    assert folder_of(SecretsAnswer(secrets=(near, deep, other)), "t").values == {"A": "/b"}
    assert folder_of(SecretsAnswer(secrets=(top, deep, other)), "t").values == {"A": "/"}


def test_an_import_is_planned_by_names() -> None:
    """New, changed, same, and what a rotation keeps, whatever its value."""
    found = [secret("SAME", "1"), secret("CHANGED", "1"), secret("KEPT", "1", rotated=True)]
    wanted = items_of({"SAME": "1", "CHANGED": "2", "KEPT": "2", "NEW": "marked"})
    plan = plan_import(found, wanted)
    assert plan == ImportPlan(("NEW",), ("CHANGED",), ("SAME",), ("KEPT",))
    assert "marked" not in repr(plan)


def test_what_is_there_is_written_only_when_asked() -> None:
    """Without overwrite the new alone is written, with it the changed as well, nothing more."""
    plan = ImportPlan(("NEW",), ("CHANGED",), ("SAME",), ("KEPT",))
    assert plan.to_write(overwrite=False) == ("NEW",)
    assert plan.to_write(overwrite=True) == ("NEW", "CHANGED")
