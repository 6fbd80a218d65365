"""What each of Infisical's clients sends, as it was recorded, and what it needs of the answer.

The clients by their letters: P Python SDK, N Node SDK, C CLI, A agent, E External Secrets and the
Go SDK, K Kubernetes operator, T Terraform.
"""

import json
from dataclasses import dataclass, field

import httpx2
import pytest
from api_kit import SECRETS, Body, House
from surface_kit import FOLDERS, IMPORTS, V4, make_folder, make_import, put

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
F = frozenset({"id", "name", "createdAt", "updatedAt", "envId"})
R = frozenset({"id", "name", "slug"})
PYTHON = {"Content-Type": "application/json", "Accept": "application/json"}
GO = {"User-Agent": "infisical-go-sdk"}
CLI = {"User-Agent": "cli"}
TERRAFORM = {"User-Agent": "terraform"}


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


P_LIST = {
    "workspaceId": "{project}",
    "environment": "dev",
    "secretPath": "/",
    "viewSecretValue": "true",
    "expandSecretReferences": "true",
    "recursive": "false",
    "include_imports": "false",
    "workspaceSlug": "",
}
E_LIST = {
    "workspaceId": "{project}",
    "workspaceSlug": "",
    "environment": "dev",
    "secretPath": "/",
    "expandSecretReferences": "true",
    "include_imports": "true",
    "recursive": "false",
    "tagSlugs": "",
}
C_LIST = {
    "projectId": "{project}",
    "environment": "dev",
    "secretPath": "",
    "includeImports": "true",
    "recursive": "false",
    "expandSecretReferences": "true",
    "includePersonalOverrides": "true",
}
N_GET = {
    "workspaceId": "{project}",
    "environment": "dev",
    "secretName": "KEY",
    "includeImports": "true",
    "expandSecretReferences": "true",
    "viewSecretValue": "true",
    "type": "shared",
}
PLACE = {"workspaceId": "{project}", "environment": "dev"}
V2_PLACE = {"projectId": "{project}", "environment": "dev", "path": "/"}

ROWS = (
    Row("P list", "GET", SECRETS, P_LIST, under="secrets", fields=S, headers=PYTHON),
    Row("N list", "GET", SECRETS, {**PLACE, "recursive": "false"}, under="secrets", fields=S),
    Row("E list", "GET", SECRETS, E_LIST, under="secrets", fields=S, headers=GO),
    Row("E imports", "GET", SECRETS, E_LIST, under="imports", fields=frozenset({"secrets"})),
    Row(
        "T list",
        "GET",
        SECRETS,
        {**PLACE, "expandSecretReferences": "true"},
        under="secrets",
        fields=S,
        headers=TERRAFORM,
    ),
    Row("C list", "GET", V4, C_LIST, under="secrets", fields=S | {"secretPath"}, headers=CLI),
    Row("C list, slash", "GET", f"{V4}/", C_LIST, under="secrets", fields=S),
    Row("P get", "GET", f"{SECRETS}/KEY", P_LIST, under="secret", fields=S, headers=PYTHON),
    Row("P get version", "GET", f"{SECRETS}/KEY", {**P_LIST, "version": "1"}, under="secret"),
    Row("N get", "GET", f"{SECRETS}/K%45Y", N_GET, under="secret", fields=S),
    Row("N get, with a body", "GET", f"{SECRETS}/KEY", N_GET, {"x": 1}, "secret", S),
    Row("E get", "GET", f"{SECRETS}/KEY", {**E_LIST, "type": "shared"}, under="secret", fields=S),
    Row("A get", "GET", f"{V4}/KEY", {**C_LIST, "type": "shared"}, under="secret", fields=S),
    Row("T by id", "GET", f"{SECRETS}/id/{{secret}}", under="secret", fields=S),
    Row("T by id, v4", "GET", f"{V4}/id/{{secret}}", under="secret", fields=S),
    Row(
        "P create",
        "POST",
        f"{SECRETS}/NEW",
        body={
            **PLACE,
            "secretPath": "/",
            "secretValue": "x",
            "secretComment": "",
            "skipMultilineEncoding": False,
            "type": "shared",
        },
        under="secret",
        fields=S,
        headers=PYTHON,
    ),
    Row(
        "N create",
        "POST",
        f"{SECRETS}/NEW",
        body={**PLACE, "secretValue": "x", "secretMetadata": [{"key": "a", "value": "b"}]},
        under="secret",
        fields=S,
    ),
    Row(
        "P update",
        "PATCH",
        f"{SECRETS}/KEY",
        body={**PLACE, "projectSlug": "example", "secretPath": "/", "newSecretName": "OTHER"},
        under="secret",
        fields=S,
        headers=PYTHON,
    ),
    Row(
        "T update",
        "PATCH",
        f"{SECRETS}/KEY",
        body={
            **PLACE,
            "secretPath": "/",
            "type": "shared",
            "secretValue": "x",
            "secretReminderNote": "",
            "secretReminderRepeatDays": 0,
            "tagIds": [],
        },
        under="secret",
        fields=S,
        headers=TERRAFORM,
    ),
    Row(
        "P delete",
        "DELETE",
        f"{SECRETS}/KEY",
        body={**PLACE, "secretPath": "/"},
        under="secret",
        fields=S,
        headers=PYTHON,
    ),
    Row(
        "C delete",
        "DELETE",
        f"{V4}/KEY",
        body={
            "projectId": "{project}",
            "environment": "dev",
            "secretPath": "/",
            "type": "shared",
        },
        under="secret",
        fields=S,
        headers=CLI,
    ),
    Row(
        "E batch",
        "POST",
        "/api/v3/secrets/batch/raw",
        body={
            **PLACE,
            "secretPath": "/",
            "secrets": [
                {
                    "secretKey": "A",
                    "secretValue": "x",
                    "secretComment": "",
                    "skipMultilineEncoding": False,
                }
            ],
        },
        under="secrets",
        fields=S,
        headers=GO,
    ),
    Row("N folders", "GET", "/api/v1/folders", {**PLACE, "path": "/"}, under="folders", fields=F),
    Row(
        "C folders",
        "GET",
        "/api/v1/folders",
        {**PLACE, "directory": "/"},
        under="folders",
        fields=F,
        headers=CLI,
    ),
    Row("P folders", "GET", FOLDERS, {**V2_PLACE, "recursive": "False"}, None, "folders", F),
    Row(
        "P folders since",
        "GET",
        FOLDERS,
        {**V2_PLACE, "recursive": "True", "lastSecretModified": "2020-01-01T00:00:00Z"},
        under="folders",
        fields=F,
    ),
    Row(
        "N create folder",
        "POST",
        "/api/v1/folders",
        body={**PLACE, "name": "new", "path": "/a/b"},
        under="folder",
        fields=F,
    ),
    Row(
        "C create folder",
        "POST",
        "/api/v1/folders",
        body={**PLACE, "name": "new", "directory": "/"},
        under="folder",
        fields=F,
        headers=CLI,
    ),
    Row(
        "P create folder",
        "POST",
        FOLDERS,
        body={**V2_PLACE, "name": "new"},
        under="folder",
        fields=F | {"path"},
    ),
    Row(
        "P read folder",
        "GET",
        f"{FOLDERS}/{{folder}}",
        under="folder",
        fields=F | {"path", "projectId", "environment"},
    ),
    Row(
        "P update folder",
        "PATCH",
        f"{FOLDERS}/{{folder}}",
        body={**V2_PLACE, "name": "renamed"},
        under="folder",
        fields=F | {"path"},
    ),
    Row(
        "T update folder",
        "PATCH",
        "/api/v1/folders/{folder}",
        body={**PLACE, "name": "renamed", "path": "/"},
        under="folder",
        fields=F,
        headers=TERRAFORM,
    ),
    Row(
        "P delete folder",
        "DELETE",
        f"{FOLDERS}/app",
        body={**V2_PLACE, "forceDelete": True},
        under="folder",
        fields=F,
    ),
    Row(
        "T delete folder",
        "DELETE",
        f"{FOLDERS}/{{folder}}",
        body={**V2_PLACE, "forceDelete": True},
        under="folder",
        fields=F,
        headers=TERRAFORM,
    ),
    Row(
        "C delete folder",
        "DELETE",
        "/api/v1/folders/app",
        body={**PLACE, "directory": "/"},
        under="folders",
        fields=F,
        headers=CLI,
    ),
    Row(
        "C project", "GET", "/api/v1/workspace/{project}", under="workspace", fields=R, headers=CLI
    ),
    Row("T project", "GET", "/api/v2/workspace/example", fields=R | {"environments"}),
    Row("A project", "GET", "/api/v1/projects/slug/example", fields=R),
    Row("E project", "GET", "/api/v1/workspace/slug/example", fields=R, headers=GO),
    Row(
        "C init",
        "GET",
        "/api/v1/workspace",
        under="workspaces",
        fields=frozenset({"_id", "name", "orgId"}),
        headers=CLI,
    ),
    Row(
        "N create project",
        "POST",
        "/api/v2/workspace",
        body={"projectName": "Shop", "type": "secret-manager"},
        under="project",
        fields=R,
    ),
    Row(
        "T create environment",
        "POST",
        "/api/v1/workspace/{project}/environments",
        body={"name": "Quality", "slug": "qa", "position": 4},
        under="environment",
        fields=R,
        headers=TERRAFORM,
    ),
    Row("C check", "POST", "/api/v1/auth/checkAuth", fields=frozenset({"message"}), headers=CLI),
    Row(
        "T imports",
        "GET",
        IMPORTS,
        {**PLACE, "path": "/"},
        None,
        "secretImports",
        frozenset({"id"}),
    ),
    Row("T import", "GET", f"{IMPORTS}/{{import}}", under="secretImport", fields=frozenset({"id"})),
    Row(
        "T create import",
        "POST",
        IMPORTS,
        body={
            **PLACE,
            "path": "/",
            "import": {"environment": "staging", "path": "/"},
            "isReplication": False,
        },
        under="secretImport",
        fields=frozenset({"id", "importPath", "importEnv", "position"}),
        headers=TERRAFORM,
    ),
    Row(
        "T create tag",
        "POST",
        "/api/v1/workspace/{project}/tags",
        body={"name": "Hot", "slug": "hot", "color": "#f00"},
        under="tag",
        fields=R | {"color"},
        headers=TERRAFORM,
    ),
)


async def ask(house: House, row: Row) -> httpx2.Response:
    """Stock a house, and ask it what a row asks."""
    ids = {
        "project": house.installed.project.id,
        "secret": (await put(house, "KEY", "value"))["id"],
        "folder": (await make_folder(house, "/app"))["id"],
    }
    await put(house, "INNER", "value", "/app")
    ids["import"] = (await make_import(house, "/", env="prod"))["id"]
    told = json.dumps([row.path, row.params, row.body])
    for name, one in ids.items():
        told = told.replace(f"{{{name}}}", str(one))
    path, params, body = json.loads(told)
    return await house.http.request(row.method, path, params=params, json=body, headers=row.headers)


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
async def test_each_client_is_given_what_it_needs(house: House, row: Row) -> None:
    """Every row of the matrix is answered with 200, without redirect, with the fields needed."""
    answer = await ask(house, row)
    assert answer.status_code == 200, answer.text
    found = answer.json()[row.under] if row.under else answer.json()
    every = found if isinstance(found, list) else [found]
    assert every
    for one in every:
        assert one.keys() >= row.fields
        assert all(one[name] is not None for name in row.fields)
    if "/secrets" in row.path and row.method == "GET":
        assert answer.headers["etag"].startswith('"')


async def test_no_fields_are_null_that_clients_take_for_text(house: House) -> None:
    """Strict clients fail on null where they expect a text, and on a missing list of imports."""
    listed = (await ask(house, ROWS[0])).json()
    assert isinstance(listed["imports"], list)
    (secret,) = listed["secrets"]
    texts = S - {"version"}
    assert all(isinstance(secret[name], str) for name in texts)
    assert isinstance(secret["version"], int)
