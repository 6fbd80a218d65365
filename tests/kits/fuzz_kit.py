"""Requests made up by the API's own description, and what every answer has to keep.

Schemathesis reads ``/openapi.json`` and goes through the edges of every field, right and wrong, and
makes up more by chance. Left to itself it names nothing that exists; so requests are also led: to
what the house is furnished with, with bodies that are known to be taken but for the one field.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
import schemathesis
from hypothesis import strategies as st
from route_kit import OTHER_KINDS, Furnished
from schemathesis import Case, GenerationMode
from schemathesis.checks import CheckFunction, load_all_checks
from schemathesis.config import SanitizationConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi import checks
from schemathesis.transport.prepare import prepare_request

load_all_checks()

CHECKS: Sequence[CheckFunction] = (
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
)
"""No answer that is not described: no status, no type, no header left out, no body unlike it."""

BASE = "https://keyturn.example.com"
SHOWN = SanitizationConfig(enabled=False)
OWN = "authorization"
"""Who asks is not made up."""

OURS = "Keyturn is at fault"
ENDLESS = ("/api/v1/events/subscribe/project-events", "/api/v1/flow-runs/stream")
MAY_FAIL_AT_OKTA = "/rotate-secrets"
"""Infisical's clients know a fault of Okta's as 500 there."""

OF_OTHERS = 502
"""The fault of an authorization server; the description says of each route whether it may be."""

URL_MAX = 65_536
"""httpx2's own limit, in characters."""

MAY_REFUSE_CREDENTIALS = ("/api/v1/app-connections/okta", "/api/v1/auth/")
"""Where 401 is about credentials in the body."""


def operations(told: Any) -> list[Any]:  # noqa: ANN401  JSON
    """List what the description offers; types of rotations, which share their code, count as one.

    An answer that does not end is left to tests of its own.
    """
    schema = schemathesis.openapi.from_dict(told)
    every = [found.ok() for found in schema.get_all_operations()]
    return [
        one
        for one in every
        if not any(f"/{kind}" in one.path for kind in OTHER_KINDS) and one.path not in ENDLESS
    ]


@dataclass(frozen=True)
class Fuzz:
    """A furnished house, and how to ask it what was made up."""

    it: Furnished
    guarded: bool = True

    def edges(self, operation: Any) -> Iterator[Case]:  # noqa: ANN401  not typed there
        """Go through the edges of every field of an operation, led and not."""
        modes, config = list(GenerationMode), operation.schema.config
        how = config.generation_for(operation=operation)
        found = operation.schema.iter_coverage_cases(
            operation, generation_modes=modes, generation_config=how
        )
        for number, case in enumerate(found):
            yield self.led(case, number) if number % 4 else case

    def chances(self, operation: Any) -> st.SearchStrategy[Case]:  # noqa: ANN401
        """Make up requests of an operation by chance, led and not."""
        some = operation.path_parameters or operation.query or operation.body
        modes = tuple(GenerationMode) if some else (GenerationMode.POSITIVE,)
        every = st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes])
        return (st.builds(self.led, every, st.integers(0, 9)) | every).filter(_sendable)

    def led(self, case: Case, number: int) -> Case:
        """Lead a request to what exists, but for one field: that which it is about, or any."""
        method = case.operation.method.upper()
        about = case.meta.phase.data if case.meta else None
        field = getattr(about, "parameter", None)
        if getattr(about, "parameter_location", None) is not ParameterLocation.PATH:
            known = self.it.named(case.path) | ({"secret_name": "NEW"} if method == "POST" else {})
            case.path_parameters = {name: known[name] for name in case.path_parameters}
        if case.operation.query:
            case.query = {**self.it.query(case.path), **_one(case.query, field, number)}
        if isinstance(case.body, dict):
            body = self.it.body(f"{method} {case.path}")
            case.body = {**body, **_one(case.body, field, number)}
        return case

    async def ask(self, case: Case) -> httpx2.Response:
        """Make a request, and hold its answer against the description and the rules of all."""
        told = prepare_request(case, {}, config=SHOWN, base_url=BASE)
        headers = {name: told.headers[name] for name in told.headers if name.lower() != OWN}
        answer = await self.it.house.http.request(
            str(told.method), str(told.url), headers=headers, content=told.body
        )
        case.validate_response(answer, checks=list(CHECKS))
        self.judge(case, answer)
        return answer

    def judge(self, case: Case, answer: httpx2.Response) -> None:
        """Assert what the description cannot say."""
        status, about = answer.status_code, f"{case.method} {case.path}: {answer.text}"
        assert OURS not in answer.text, about
        assert status in {*range(500), OF_OTHERS} or case.path.endswith(MAY_FAIL_AT_OKTA), about
        if status < 400 or answer.headers["content-type"].startswith("text/html"):
            return
        body = answer.json()
        assert body["reqId"] == answer.headers["x-request-id"], about
        assert body["statusCode"] == status, about
        if status == 401 and not case.path.startswith(MAY_REFUSE_CREDENTIALS):
            assert not self.guarded, about
            assert answer.headers["www-authenticate"] == "Bearer", about


def _sendable(case: Case) -> bool:
    """Tell whether clients send such a request: they refuse a longer URL themselves."""
    return len(str(prepare_request(case, {}, config=SHOWN, base_url=BASE).url)) <= URL_MAX


def _one(made: Mapping[str, Any], field: str | None, number: int) -> dict[str, Any]:
    """Return the field alone, or any other where there is no such field."""
    if field not in made:
        field = [*made][number % len(made)] if made else None
    return {} if field is None else {field: made[field]}
