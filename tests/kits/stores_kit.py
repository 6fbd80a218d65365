"""Stores that secrets are brought to, as small as they can be and still true to their contracts.

Each answers HTTP as the real one documents it, keeps what it is given, and fails when told to.
"""

import base64
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx2
from nacl.public import PrivateKey, SealedBox

from keyturn.adapters.delivery import KindCarriers
from keyturn.domain.destination_kinds import Kind
from keyturn.services.ports import Errand

Json = dict[str, object]
TOKEN = "canary-token"


@dataclass
class Store:
    """What every store does: asks for the token, and fails when told to.

    ``faults`` come first, one a request; a status makes the answer, a function decides by itself.
    With ``lost`` the effect of the next write happens and its answer gets lost.
    """

    faults: deque[httpx2.Response | None] = field(default_factory=deque)
    lost: bool = False
    asked: list[str] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        self.asked.append(f"{request.method} {request.url.path}")
        fault = self.faults.popleft() if self.faults else None
        if fault:
            return fault
        if not self.knows(request.headers):
            return httpx2.Response(self.unknown, json={"message": f"bad credential {TOKEN}"})
        answer = self.serve(request)
        if self.lost and request.method != "GET":
            self.lost = False
            raise httpx2.ReadTimeout("the answer got lost")
        return answer

    unknown = 401

    def knows(self, headers: Mapping[str, str]) -> bool:
        """Say whether the credential is good."""
        return headers.get("authorization") == f"Bearer {TOKEN}"

    def serve(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request that has a good credential."""
        raise NotImplementedError

    async def deliver(self, kind: Kind, errand: Errand) -> str:
        """Have an errand carried here."""
        carriers = KindCarriers(lambda ca: httpx2.MockTransport(self))
        try:
            return await carriers.deliver(kind, errand)
        finally:
            await carriers.aclose()


def body_of(request: httpx2.Request) -> Json:
    """Return the JSON object of a request."""
    body: Json = json.loads(request.content)
    return body


@dataclass
class VaultStore(Store):
    """A KV engine, version 2, at ``secret``: check-and-set, deleted versions, metadata."""

    versions: list[Json | None] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None
    unknown = 403

    def knows(self, headers: Mapping[str, str]) -> bool:
        """Look at Vault's own header."""
        return headers.get("x-vault-token") == TOKEN

    def serve(self, request: httpx2.Request) -> httpx2.Response:
        """Read or write the one path there is."""
        assert request.url.path == "/v1/secret/data/app/web"
        if request.method == "GET":
            return self._read()
        asked = body_of(request)
        options = asked["options"]
        assert isinstance(options, dict)
        self.meanwhile()
        if options["cas"] != len(self.versions):
            told = "check-and-set parameter did not match the current version"
            return httpx2.Response(400, json={"errors": [told]})
        data = asked["data"]
        assert isinstance(data, dict)
        self.versions.append(data)
        return httpx2.Response(200, json={"data": {"version": len(self.versions)}})

    def _read(self) -> httpx2.Response:
        if not self.versions:
            return httpx2.Response(404, json={"errors": []})
        latest = self.versions[-1]
        told = {"data": {"data": latest, "metadata": {"version": len(self.versions)}}}
        return httpx2.Response(200 if latest is not None else 404, json=told)


@dataclass
class KubernetesStore(Store):
    """One namespace: GET, POST and merge-patch of Secrets, with resource versions."""

    secrets: dict[str, Json] = field(default_factory=dict)
    revision: int = 41
    meanwhile: Callable[[], None] = lambda: None

    def put(self, name: str, data: Json) -> None:
        """Keep a Secret under the next resource version."""
        self.revision += 1
        metadata = {"name": name, "resourceVersion": str(self.revision)}
        self.secrets[name] = {"kind": "Secret", "metadata": metadata, "data": data}

    def serve(self, request: httpx2.Request) -> httpx2.Response:
        """Do what the API server does with a Secret."""
        base, _, name = request.url.path.partition("/secrets")
        assert base == "/api/v1/namespaces/web"
        name = name.strip("/")
        if request.method == "GET":
            return self._shown(name)
        self.meanwhile()
        asked = body_of(request)
        data, metadata = asked["data"], asked["metadata"]
        assert isinstance(data, dict)
        assert isinstance(metadata, dict)
        if request.method == "POST":
            return self._create(str(metadata["name"]), data)
        assert request.headers["content-type"] == "application/merge-patch+json"
        return self._patch(name, data, metadata)

    def _create(self, name: str, data: Json) -> httpx2.Response:
        if name in self.secrets:
            return httpx2.Response(409, json={"reason": "AlreadyExists"})
        self.put(name, data)
        return httpx2.Response(201, json=self.secrets[name])

    def _patch(self, name: str, data: Json, metadata: Json) -> httpx2.Response:
        kept = self.secrets[name]
        assert isinstance(kept["metadata"], dict)
        if metadata["resourceVersion"] != kept["metadata"]["resourceVersion"]:
            return httpx2.Response(409, json={"reason": "Conflict"})
        assert isinstance(kept["data"], dict)
        self.put(name, kept["data"] | data)
        return self._shown(name)

    def _shown(self, name: str) -> httpx2.Response:
        if name not in self.secrets:
            return httpx2.Response(404, json={"reason": "NotFound"})
        return httpx2.Response(200, json=self.secrets[name])


@dataclass
class GithubStore(Store):
    """Secrets of one repository and its environments: a public key, sealed writes, no reads."""

    now: str = "Sat, 21 Nov 2026 12:00:00 GMT"
    changed_at: str = "2026-11-21T12:00:00Z"
    key: PrivateKey = field(default_factory=PrivateKey.generate)
    sealed: dict[str, bytes] = field(default_factory=dict)

    def value(self, path: str) -> str:
        """Open what was sealed for GitHub."""
        return SealedBox(self.key).decrypt(self.sealed[path]).decode()

    def serve(self, request: httpx2.Request) -> httpx2.Response:
        """Show the key, keep what is sealed for it, and tell when it changed."""
        path = request.url.raw_path.decode()
        if path.endswith("/public-key"):
            public = base64.b64encode(bytes(self.key.public_key)).decode()
            return httpx2.Response(200, json={"key_id": "k-1", "key": public})
        if request.method == "PUT":
            return self._put(path, body_of(request))
        if path not in self.sealed:
            return httpx2.Response(404, json={"message": "Not Found"})
        name = path.rpartition("/")[2]
        return httpx2.Response(200, json={"name": name, "updated_at": self.changed_at})

    def _put(self, path: str, asked: Json) -> httpx2.Response:
        if asked["key_id"] != "k-1":
            return httpx2.Response(422, json={"message": "Bad request"})
        status = 204 if path in self.sealed else 201
        self.sealed[path] = base64.b64decode(str(asked["encrypted_value"]))
        return httpx2.Response(status, headers={"date": self.now})
