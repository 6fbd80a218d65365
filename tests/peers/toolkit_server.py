"""An authorization server that nobody here wrote: django-oauth-toolkit, watched, unchanged.

Unchanged but for one thing: a client may have several secrets at once. Reads one line of JSON
(``grace_s``: how long a rotated refresh token can be used again), prints its address as one, and
ends with its standard input. The same acts as in control.mjs.
"""

import hashlib
import json
import sys
import threading
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex
from socket import SHUT_RDWR
from socketserver import ThreadingMixIn
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote_plus
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password, make_password
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from oauthlib.common import Request

GIVEN = json.loads(sys.stdin.readline())
FOLDER = TemporaryDirectory()
LOGIN = (
    """<form method="post">{% csrf_token %}{{ form }}<button type="submit">Log in</button></form>"""
)


class QuickHasher(PBKDF2PasswordHasher):
    """As the toolkit hashes secrets, in a thousandth of the time."""

    iterations = 1000


settings.configure(
    SECRET_KEY=token_hex(),
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF="__main__",
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    PASSWORD_HASHERS=["__main__.QuickHasher"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(Path(FOLDER.name) / "db"),
            "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
        }
    },
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "oauth2_provider",
    ],
    # Tables are made from the models: there is no older database to bring along.
    MIGRATION_MODULES=dict.fromkeys(["auth", "contenttypes", "sessions", "oauth2_provider"]),
    MIDDLEWARE=[
        "__main__.watched",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "context_processors": ["django.template.context_processors.request"],
                "loaders": [
                    ("django.template.loaders.locmem.Loader", {"registration/login.html": LOGIN}),
                    "django.template.loaders.app_directories.Loader",
                ],
            },
        }
    ],
    OAUTH2_PROVIDER={
        "SCOPES": {"read": "Read", "write": "Write"},
        "OAUTH2_VALIDATOR_CLASS": "__main__.Validator",
        "EXTRA_SERVER_KWARGS": {
            "token_expires_in": lambda asked: CLIENTS[asked.client.client_id].token_ttl_s
        },
        "REFRESH_TOKEN_EXPIRE_SECONDS": 86400,
        "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": GIVEN.get("grace_s", 0),
        "REFRESH_TOKEN_REUSE_PROTECTION": True,
        "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
        "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    },
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402  models need what is set up above
from django.contrib.auth.views import LoginView  # noqa: E402
from django.urls import include, path  # noqa: E402
from oauth2_provider.models import Application  # noqa: E402
from oauth2_provider.oauth2_validators import OAuth2Validator  # noqa: E402

PERSON = {"username": "alice", "password": "any"}
ENDPOINTS = {"introspect": "introspection", "revoke-token": "revocation"}
GRANTS = {
    "authorization_code": Application.GRANT_AUTHORIZATION_CODE,
    "client_credentials": Application.GRANT_CLIENT_CREDENTIALS,
}

Answer = Callable[[HttpRequest], HttpResponse]


def fingerprint(secret: str) -> str:
    """Return what a secret can be told by without being told."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass
class Known:
    """A client: ``hashes`` of its secrets by fingerprint, what it did, what is to happen next."""

    stored: str
    hashes: dict[str, str] = field(default_factory=dict)
    token_ttl_s: int = 300
    rotate: bool = True
    seen: list[dict[str, str | None]] = field(default_factory=list)
    next: list[str] = field(default_factory=list)
    held: list[threading.Event] = field(default_factory=list)

    def accept(self, secrets: list[str]) -> None:
        """Accept these secrets from now on, and no others."""
        self.hashes = {fingerprint(secret): make_password(secret) for secret in secrets}

    def treat(self, treatments: list[str]) -> None:
        """Treat the next answers with tokens like this."""
        self.next = treatments


CLIENTS: dict[str, Known] = {}
USED: ContextVar[str | None] = ContextVar("USED", default=None)  # the secret of this request


class Validator(OAuth2Validator):  # type: ignore[misc]  # the toolkit has no types
    """The toolkit's own, for clients with several secrets and settings of their own."""

    def _check_secret(self, provided_secret: str, stored_secret: str) -> bool:
        known = next(each for each in CLIENTS.values() if each.stored == stored_secret)
        matching = (
            name for name, each in known.hashes.items() if check_password(provided_secret, each)
        )
        USED.set(next(matching, None))
        return USED.get() is not None

    def rotate_refresh_token(self, request: Request) -> bool:
        """Say whether this client gets a new refresh token each time."""
        return CLIENTS[request.client.client_id].rotate


def register(
    metadata: dict[str, Any], secrets: list[str], token_ttl_s: int = 300, *, rotate: bool = True
) -> None:
    """Make a client; an application of the toolkit has one grant type."""
    public = metadata.get("token_endpoint_auth_method") == "none"
    known = Known(make_password(token_hex()), token_ttl_s=token_ttl_s, rotate=rotate)
    known.accept(secrets)
    CLIENTS[metadata["client_id"]] = known
    Application.objects.create(
        client_id=metadata["client_id"],
        client_secret=known.stored,
        client_type=Application.CLIENT_PUBLIC if public else Application.CLIENT_CONFIDENTIAL,
        redirect_uris=" ".join(metadata.get("redirect_uris", [])),
        authorization_grant_type=GRANTS[metadata["grant_types"][0]],
    )


def release(known: Known) -> None:
    """Let go of the answers that are held."""
    while known.held:
        known.held.pop().set()


def set_ahead(seconds: float, now: Callable[[], datetime] = timezone.now) -> None:
    """Let the server's clock be so far ahead."""
    timezone.now = lambda: now() + timedelta(seconds=seconds)


ACTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "register": lambda asked: register(**asked),
    "accept": lambda asked: CLIENTS[asked["client_id"]].accept(asked["secrets"]),
    "accepted": lambda asked: list(CLIENTS[asked["client_id"]].hashes),
    "seen": lambda asked: CLIENTS[asked["client_id"]].seen,
    "next": lambda asked: CLIENTS[asked["client_id"]].treat(asked["treatments"]),
    "held": lambda asked: len(CLIENTS[asked["client_id"]].held),
    "release": lambda asked: release(CLIENTS[asked["client_id"]]),
    "ahead": lambda asked: set_ahead(asked["seconds"]),
}


def control(request: HttpRequest) -> HttpResponse:
    """Do what a test wants."""
    asked = json.loads(request.body)
    return JsonResponse(ACTS[asked.pop("act")](asked), safe=False)


def client_of(request: HttpRequest) -> Known | None:
    """Find who asks."""
    if "client_id" in request.POST:
        return CLIENTS.get(request.POST["client_id"])
    with suppress(ValueError):  # a header may hold anything
        credentials = b64decode(request.headers.get("authorization", "").partition(" ")[2]).decode()
        return CLIENTS.get(unquote_plus(credentials.partition(":")[0]))
    return None


def outcome(response: HttpResponse) -> str:
    """Name what came of a request: ``ok``, an error of OAuth, or a status."""
    json_body = response.headers.get("content-type", "").startswith("application/json")
    said = json.loads(response.content) if json_body and response.content else {}
    return str(said.get("error") or ("ok" if response.status_code < 400 else response.status_code))


def treat(known: Known, request: HttpRequest) -> None:
    """Hold a token answer back, or drop it, where that was asked for."""
    treatment = known.next.pop(0) if known.next else "pass"
    if treatment == "hold":
        known.held.append(threading.Event())
        known.held[-1].wait()
    if treatment == "drop":
        request.environ["peer.connection"].shutdown(SHUT_RDWR)


def watched(answer: Answer) -> Answer:
    """Note what is asked for by POST, and treat the answer."""

    def watch(request: HttpRequest) -> HttpResponse:
        if request.path == "/control":
            return control(request)
        USED.set(None)
        response = answer(request)
        known = client_of(request) if request.method == "POST" else None
        if known and request.resolver_match:
            name = request.resolver_match.url_name or ""
            entry = {"endpoint": ENDPOINTS.get(name, name), "outcome": outcome(response)}
            known.seen.append(
                {**entry, "grant_type": request.POST.get("grant_type"), "secret": USED.get()}
            )
            if name == "token":
                treat(known, request)
        return response

    return watch


urlpatterns = [
    path("accounts/login/", LoginView.as_view()),
    path("", include("oauth2_provider.urls", namespace="oauth2_provider")),
]


class Server(ThreadingMixIn, WSGIServer):
    """A thread for each request, so that an answer can be held."""

    daemon_threads = True


class Handler(WSGIRequestHandler):
    """Logs nothing; hands its connection on, to be cut."""

    def get_environ(self) -> dict[str, Any]:
        """Add the connection."""
        return {**super().get_environ(), "peer.connection": self.connection}

    def log_message(self, *told: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    call_command("migrate", run_syncdb=True, verbosity=0)
    User.objects.create_user(**PERSON)
    server = make_server("127.0.0.1", 0, WSGIHandler(), Server, Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(json.dumps({"url": f"http://127.0.0.1:{server.server_port}"}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
