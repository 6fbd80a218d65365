"""What can go wrong between a consumer and Keyturn.

ClientError
├── ApiError       Keyturn answered, and the answer is no
└── Unreachable    no answer of Keyturn's came
"""

import httpx2
from pydantic import ValidationError

from keyturn.wire.problem import Problem


class ClientError(Exception):
    """The call did not succeed."""


class ApiError(ClientError):
    """Keyturn refused the call or failed at it.

    ``status`` is HTTP's; ``error`` names the kind of failure; ``message`` says what Keyturn said;
    ``req_id`` finds the request in Keyturn's log. ``wants_log_in`` says that the access token is at
    fault, where another 401 passes on what Okta said of its own credentials.
    """

    def __init__(
        self, status: int, error: str, message: str, req_id: str, *, wants_log_in: bool = False
    ) -> None:
        self.status, self.error, self.message, self.req_id = status, error, message, req_id
        self.wants_log_in = wants_log_in
        super().__init__(f"HTTP {status} {error}: {message}")


class Unreachable(ClientError):
    """No answer came from Keyturn, or one that is not Keyturn's."""


def refusal(answer: httpx2.Response) -> ClientError:
    """Return the error that an unsuccessful answer stands for."""
    try:
        problem = Problem.model_validate_json(answer.content)
    except ValidationError:
        return not_keyturn(answer)
    return ApiError(
        answer.status_code,
        problem.error,
        _told(problem),
        problem.req_id,
        wants_log_in=wants_log_in(answer),
    )


def wants_log_in(answer: httpx2.Response) -> bool:
    """Tell a 401 about the caller's access token: it alone has a challenge (RFC 6750, 3)."""
    challenge = answer.headers.get("www-authenticate", "")
    return answer.status_code == 401 and challenge.startswith("Bearer")


def not_keyturn(answer: httpx2.Response) -> Unreachable:
    """Return the error of an answer that no Keyturn server gives."""
    return Unreachable(
        f"{answer.request.url.host} answered HTTP {answer.status_code} with something that is "
        "not Keyturn's: check the address."
    )


def _told(problem: Problem) -> str:
    if isinstance(problem.message, str):
        return problem.message
    return "; ".join(f"{'.'.join(map(str, i.path))}: {i.message}" for i in problem.message)
