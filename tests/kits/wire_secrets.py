"""What clients send to log in, and to read and write secrets, as it was recorded.

The clients by their letters: P Python SDK, N Node SDK, C CLI, A agent, E External Secrets and the
Go SDK, K Kubernetes operator, T Terraform.
"""

from api_kit import SECRETS
from identity_kit import LOGIN, RENEW, REVOKE
from surface_kit import V4
from wire_row import CLI, GO, PLACE, PYTHON, TERRAFORM, Row, S
from workload_kit import JWT, OIDC

LOGGED_IN = frozenset({"accessToken", "expiresIn", "accessTokenMaxTTL", "tokenType"})
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
WORKLOAD = {"identityId": "{workload}", "jwt": "{jwt}"}
CLIENT = {"clientId": "{client_id}", "clientSecret": "{client_secret}"}

SECRET_ROWS = (
    Row("P login", "POST", LOGIN, body=CLIENT, fields=LOGGED_IN, headers=PYTHON),
    Row(
        "E login", "POST", LOGIN, body=CLIENT, fields=LOGGED_IN, headers=GO | {"authorization": ""}
    ),
    Row(
        "C login",
        "POST",
        f"{LOGIN}/",
        body=CLIENT | {"organizationSlug": "", "subOrganizationName": ""},
        fields=LOGGED_IN,
        headers=CLI,
    ),
    Row("C OIDC login", "POST", f"{OIDC}/login", body=WORKLOAD, fields=LOGGED_IN, headers=CLI),
    Row(
        "E OIDC login",
        "POST",
        f"{OIDC}/login",
        body=WORKLOAD,
        fields=LOGGED_IN,
        headers=GO | {"authorization": ""},
    ),
    Row("C JWT login", "POST", f"{JWT}/login", body=WORKLOAD, fields=LOGGED_IN, headers=CLI),
    Row("N renew", "POST", RENEW, body={"accessToken": "{token}"}, fields=LOGGED_IN),
    Row(
        "E revoke",
        "POST",
        REVOKE,
        body={"accessToken": "{token}"},
        fields=frozenset({"message"}),
        headers=GO,
    ),
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
    Row(
        "T get",
        "GET",
        f"{SECRETS}/KEY",
        {**PLACE, "secretPath": "/", "type": "shared"},
        under="secret",
        fields=S,
        headers=TERRAFORM,
    ),
    Row("A get", "GET", f"{V4}/KEY", {**C_LIST, "type": "shared"}, under="secret", fields=S),
    Row("K list", "GET", V4, {**C_LIST, "secretPath": "/"}, under="secrets", fields=S),
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
        "E update",
        "PATCH",
        f"{SECRETS}/KEY",
        body={**PLACE, "workspaceSlug": "", "secretPath": "/", "secretValue": "x"},
        under="secret",
        fields=S,
        headers=GO,
    ),
    Row(
        "C create",
        "POST",
        f"{V4}/NEW",
        body={"projectId": "{project}", "environment": "dev", "secretPath": "/"}
        | {"type": "shared", "secretValue": "x"},
        under="secret",
        fields=S,
        headers=CLI,
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
)
