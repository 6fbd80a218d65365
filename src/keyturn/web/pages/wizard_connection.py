"""A connection to an Okta org, made on the way through the wizard."""

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from keyturn.domain.connection import ApiToken, OktaConnection, OktaCredentials, ServiceApp
from keyturn.domain.errors import (
    AddressRefused,
    FieldProblem,
    InvalidInput,
    KeyturnError,
    OktaError,
    OktaRefused,
    OursError,
    Taken,
)
from keyturn.domain.sensitive import Sensitive
from keyturn.services import connections
from keyturn.services.connections import OktaConnectionDraft
from keyturn.web.pages.wizard_answers import Answers
from keyturn.web.pages.wizard_problems import Problems
from keyturn.web.visiting import Visit
from keyturn.wire.connections import API_TOKEN, JWK_MAX

BY_KEY: Final = "oauth-service-app"
FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "name": "new_name",
        "credentials.apiToken": "new_token",
        "credentials.clientId": "new_client_id",
        "credentials.privateKey": "new_key",
    }
)
TOKEN_RULE: Final = "must be an Okta API token: 00 and 40 more characters"


async def connect(
    visit: Visit, answers: Answers, project_id: str, problems: Problems
) -> OktaConnection | None:
    """Make the connection that the form describes, or put down why there is none.

    What the same form has made already, sent twice, is found again.
    """
    by_key = answers.new_method == BY_KEY
    secret = Sensitive(visit.said("new_key" if by_key else "new_token"))
    try:
        draft = OktaConnectionDraft(
            answers.new_name, None, project_id, answers.new_url, _credentials(answers, secret)
        )
        return await connections.create_okta_connection(visit.world, visit.caller, draft)
    except Taken as error:
        made = await _made_meanwhile(visit, answers)
        if made is None:
            problems.add(error, "new_name")
        return made
    except OursError:
        raise
    except KeyturnError as error:
        problems.add(error, _blamed(error, "new_key" if by_key else "new_token"), FIELDS)
        return None


def _blamed(error: KeyturnError, credentials: str) -> str:
    """Return the field that an error is most likely about."""
    if isinstance(error, OktaRefused | InvalidInput):
        return credentials
    return "new_url" if isinstance(error, OktaError | AddressRefused) else "connection"


def _credentials(answers: Answers, secret: Sensitive) -> OktaCredentials:
    if answers.new_method != BY_KEY:
        if not re.fullmatch(API_TOKEN, secret.reveal()):
            raise InvalidInput(FieldProblem(("credentials", "apiToken"), TOKEN_RULE))
        return ApiToken(secret)
    problems = [
        FieldProblem(("credentials", field), "must not be empty")
        for field, given in (("clientId", answers.new_client_id), ("privateKey", secret.reveal()))
        if not given
    ]
    if len(secret.reveal()) > JWK_MAX:
        rule = f"must be at most {JWK_MAX} characters"
        problems.append(FieldProblem(("credentials", "privateKey"), rule))
    if problems:
        raise InvalidInput(*problems)
    return ServiceApp(answers.new_client_id, secret)


async def _made_meanwhile(visit: Visit, answers: Answers) -> OktaConnection | None:
    """Return the connection of this name, if it was made since the wizard was begun."""
    name = answers.new_name.strip().lower()
    for one in await connections.list_okta_connections(visit.world, visit.caller, project_id=None):
        if one.name == name and made_since(answers, one.created_at):
            return one
    return None


def made_since(answers: Answers, at: datetime) -> bool:
    """Say whether something was made since the wizard was begun: by the same form, sent twice."""
    try:
        return datetime.fromisoformat(answers.since) <= at
    except (ValueError, TypeError):
        return False
