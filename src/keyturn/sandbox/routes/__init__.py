"""All operations of the org, gathered from one module a subject."""

from keyturn.sandbox.routes import apps, authorize, metadata, secrets, token, token_care, users
from keyturn.sandbox.routing import Route, Router

ROUTES: tuple[Route, ...] = (
    *users.ROUTES,
    *apps.ROUTES,
    *secrets.ROUTES,
    *authorize.ROUTES,
    *token.ROUTES,
    *token_care.ROUTES,
    *metadata.ROUTES,
)
ROUTER: Router[Route] = Router(ROUTES)
