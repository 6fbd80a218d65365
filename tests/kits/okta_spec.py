"""Okta's own documents of its APIs, as judges of answers.

It knows the documents and the places where Okta is known to answer otherwise; it knows nothing of
who answers.
"""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from openapi_schema_validator import OAS30ReadValidator, oas30_format_checker

FOLDER = Path(__file__).parents[1] / "okta_openapi"
METHODS = ("get", "post", "put", "patch", "delete")
SCHEMAS = "#/components/schemas/"
Schema = dict[str, Any]  # a JSON Schema is any JSON object


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the document; `public` ones need no credentials."""

    id: str
    method: str
    path: str
    responses: Mapping[int, Schema | None]
    public: bool = False

    @property
    def successes(self) -> list[int]:
        """Return the statuses that the document promises for success."""
        return [status for status in self.responses if status < 300]

    @property
    def shape(self) -> tuple[str, str]:
        """Return method and path, the latter without the names of its parameters."""
        return self.method, re.sub(r"{\w+}", "{}", self.path)

    @property
    def example(self) -> str:
        """Return a path that names nothing that exists."""
        return re.sub(r"{\w+}", "nothing", self.path)


@dataclass(frozen=True, slots=True)
class Deviation:
    """One place where Okta answers otherwise than its document says.

    `where` is the name of a schema with a member after a dot, or the id of an operation; `allow`
    is `null`, one more value of an enum, or another status.
    """

    where: str
    allow: str | int | None
    reason: str


RECORDED = "recorded answers of live orgs have it"
EXAMPLE = "examples in the document itself have it"
SAMPLE = "samples of events in Okta's guides have it"
NULLS = {
    RECORDED: (
        "Application.universalLogout",
        "ApplicationAccessibility.errorRedirectUrl",
        "ApplicationAccessibility.loginRedirectUrl",
        "Device.resourceAlternateId",
        "OrgSetting.address1",
        "OrgSetting.address2",
        "OrgSetting.city",
        "OrgSetting.country",
        "OrgSetting.endUserSupportHelpURL",
        "OrgSetting.expiresAt",
        "OrgSetting.phoneNumber",
        "OrgSetting.postalCode",
        "OrgSetting.state",
        "OrgSetting.supportPhoneNumber",
        "OrgSetting.website",
    ),
    EXAMPLE: (
        "ApplicationSettingsNotes.admin",
        "ApplicationSettingsNotes.enduser",
        "ApplicationSettingsNotificationsVpn.helpUrl",
        "ApplicationSettingsNotificationsVpn.message",
        "LogActor.detailEntry",
        "LogAuthenticationContext.authenticationProvider",
        "LogAuthenticationContext.credentialProvider",
        "LogAuthenticationContext.credentialType",
        "LogAuthenticationContext.interface",
        "LogAuthenticationContext.issuer",
        "LogClient.id",
        "LogIpAddress.source",
        "LogOutcome.reason",
        "LogTarget.detailEntry",
        "orgGeneralSettingLinks.logo",
    ),
    SAMPLE: (
        "LogClient.geographicalContext",
        "LogEvent.legacyEventType",
        "LogIpAddress.geographicalContext",
    ),
}
DEVIATIONS = (
    *(Deviation(where, None, why) for why, members in NULLS.items() for where in members),
    Deviation("HttpMethod", "PATCH", "the self link of a recorded device offers it"),
    Deviation("assignRoleToClient", 201, RECORDED),
)


class Document:
    """The document with its deviations applied."""

    def __init__(self, text: str, deviations: tuple[Deviation, ...] = DEVIATIONS) -> None:
        self._document: Schema = yaml.load(text, yaml.CSafeLoader)
        self._schemas: dict[str, Schema] = self._document["components"]["schemas"]
        for deviation in deviations:
            self._apply(deviation)
        self._narrow_apps()
        self._unwind_keys()
        self.operations = {one.id: one for one in self._operations()}

    def faults(self, operation_id: str, status: int, body: bytes) -> list[str]:
        """List in what an answer breaks the document's promise for that status."""
        responses = self.operations[operation_id].responses
        if status not in responses:
            return [f"status {status} is none of {sorted(responses)}"]
        schema = responses[status]
        if schema is None:
            return [] if body in (b"", b"{}") else ["a body where none belongs"]
        return self._check(schema, json.loads(body))

    def error_faults(self, body: bytes) -> list[str]:
        """List in what a refusal's body is not Okta's error object."""
        return self._check({"$ref": SCHEMAS + "Error"}, json.loads(body))

    def admits(self, deviation: Deviation) -> bool:
        """Tell whether the document, as it is here, allows what the deviation allows."""
        if isinstance(deviation.allow, int):
            return deviation.allow in self.operations[deviation.where].responses
        name, _, member = deviation.where.partition(".")
        schema = self._schemas[name]
        return not self._check(schema["properties"][member] if member else schema, deviation.allow)

    def examples(self) -> list[Schema]:
        """Return the document's examples of single objects."""
        found = [one.get("value") for one in self._document["components"]["examples"].values()]
        return [value for value in found if isinstance(value, dict)]

    def _check(self, schema: Schema, value: object) -> list[str]:
        whole = {**schema, "components": self._document["components"]}
        validator = OAS30ReadValidator(whole, format_checker=oas30_format_checker)
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]

    def _operations(self) -> Iterator[Operation]:
        for path, item in self._document["paths"].items():
            for method in METHODS:
                if method in item:
                    found = item[method]
                    answers = {int(k): self._schema(v) for k, v in found["responses"].items()}
                    public = found.get("security") == []
                    yield Operation(found["operationId"], method.upper(), path, answers, public)

    def _schema(self, response: Schema) -> Schema | None:
        if "$ref" in response:
            response = self._at(response["$ref"])
        media = response.get("content", {}).get("application/json", {})
        return media.get("schema")

    def _at(self, reference: str) -> Schema:
        found = self._document
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
        return found

    def _apply(self, deviation: Deviation) -> None:
        if isinstance(deviation.allow, int):
            self._allow_status(deviation.where, deviation.allow)
            return
        name, _, member = deviation.where.partition(".")
        schema = self._schemas[name]
        if member:
            members = schema["properties"]
            members[member] = {"anyOf": [members[member], {"enum": [deviation.allow]}]}
        else:
            schema["enum"].append(deviation.allow)

    def _allow_status(self, operation_id: str, status: int) -> None:
        for item in self._document["paths"].values():
            for method in METHODS:
                if item.get(method, {}).get("operationId") == operation_id:
                    responses = item[method]["responses"]
                    responses[status] = next(v for k, v in responses.items() if k.startswith("2"))

    def _narrow_apps(self) -> None:
        """Check apps as OpenID Connect ones: validators skip what a discriminator points to."""
        for path, item in self._document["paths"].items():
            if path.startswith("/api/v1/apps"):
                text = json.dumps(item).replace(
                    '"#/components/schemas/Application"',
                    '"#/components/schemas/OpenIdConnectApplication"',
                )
                self._document["paths"][path] = json.loads(text)

    def _unwind_keys(self) -> None:
        """Let a kind of key no longer contain the key that is one of the kinds, without end."""
        for kind in ("JsonWebKeyEC", "JsonWebKeyRsa"):
            self._schemas.get(kind, {}).pop("allOf", None)


TEXT = (FOLDER / "rotation-subset.yaml").read_text(encoding="utf-8")


@functools.cache
def management() -> Document:
    """Read the document once, with the deviations applied."""
    return Document(TEXT)


@functools.cache
def as_published() -> Document:
    """Read the document once, as Okta publishes it."""
    return Document(TEXT, ())


@functools.cache
def oauth() -> Document:
    """Read the document of the OAuth endpoints once."""
    return Document((FOLDER / "oauth.yaml").read_text(encoding="utf-8"), ())
