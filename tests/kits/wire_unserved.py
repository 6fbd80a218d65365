"""What clients of Infisical can send and Keyturn does not serve; the pages say the same.

The clients by their letters: P Python SDK, N Node SDK, C CLI, A agent, E External Secrets and the
Go SDK, K Kubernetes operator, T Terraform.
"""

from wire_row import CLI, GO, OPERATOR, PYTHON, TERRAFORM, Row

LEASES = "/api/v1/dynamic-secrets/leases"
OF_LEASE = {"projectSlug": "example", "environmentSlug": "dev", "path": "/"}
SERVICE_TOKEN = {"authorization": "Bearer st.0.1.2"}
METHODS = ("aws-auth", "azure-auth", "gcp-auth", "kubernetes-auth", "ldap-auth", "oci-auth")

UNSERVED_ROWS = (
    Row("C service token", "GET", "/api/v2/service-token", headers=CLI | SERVICE_TOKEN),
    Row("T service token", "GET", "/api/v2/service-token", headers=TERRAFORM | SERVICE_TOKEN),
    Row(
        "P lease",
        "POST",
        LEASES,
        body=OF_LEASE | {"dynamicSecretName": "db", "ttl": "1h"},
        headers=PYTHON,
    ),
    Row("N lease", "GET", f"{LEASES}/{{project}}", OF_LEASE),
    Row("C renew a lease", "POST", f"{LEASES}/{{project}}/renew", body=OF_LEASE, headers=CLI),
    Row("A end a lease", "DELETE", f"{LEASES}/{{project}}", body=OF_LEASE, headers=CLI),
    *(
        Row(
            f"{client} {method}",
            "POST",
            f"/api/v1/auth/{method}/login",
            body={"identityId": "{project}", "jwt": "x"},
            headers=headers,
        )
        for client, headers in (("E", GO | {"authorization": ""}), ("K", OPERATOR))
        for method in METHODS
    ),
)
