"""The API asked whatever its description allows, and what it does not: no answer is undescribed.

Edges are the same at every run. What is made up by chance is so where the same modules are loaded:
Hypothesis takes constants from them too. See `fuzz_kit` for how requests are made up and judged.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from copy import deepcopy
from typing import Any

import pytest
from api_kit import description
from fuzz_kit import Fuzz, operations
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from route_kit import furnished
from schemathesis import Case
from schemathesis.core.failures import FailureGroup

READ = "/api/v4/secrets/{secret_name}"


@contextmanager
def fuzzing(role: str | None) -> Iterator[tuple[asyncio.Runner, Fuzz, Any]]:
    """Furnish a house in an event loop of its own, and reach it as somebody, or as nobody.

    Yields the loop, what asks, and what the API says of itself, to be bent at will.
    """
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        it = runner.run(stack.enter_async_context(furnished(role or "admin", everywhere=True)))
        if role is None:
            it.house.http.headers.pop("authorization")
        told = deepcopy(description(it.house.world))
        try:
            yield runner, Fuzz(it, guarded=role is not None), told
        finally:
            runner.run(stack.aclose())


def ask_edges(
    role: str | None,
    *,
    every: int,
    paths: tuple[str, ...] = (),
    bend: Callable[[Any], None] = lambda told: None,
) -> Counter[int]:
    """Ask each operation one of so many of its edges; count the statuses of the answers."""
    statuses = Counter[int]()
    with fuzzing(role) as (runner, fuzz, told):
        bend(told)
        for operation in operations(told):
            if paths and operation.path not in paths:
                continue
            for number, case in enumerate(fuzz.edges(operation)):
                if number % every == 0:
                    fuzz.it.restore()
                    statuses[runner.run(fuzz.ask(case)).status_code] += 1
    print(role, dict(statuses))  # noqa: T201  pytest -rP
    return statuses


def test_a_few_operations_answer_as_described() -> None:
    """A small share of what the slow tests ask, so that a slip is seen at once."""
    assert set(ask_edges("admin", every=10, paths=(READ,))) >= {200, 404, 422}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("role", "every", "expected"),
    [
        pytest.param("admin", 2, {200, 400, 404, 405, 422}, id="administrator"),
        pytest.param("viewer", 7, {200, 403, 404, 405, 422}, id="viewer"),
        pytest.param(None, 11, {200, 401, 405, 422}, id="nobody"),
    ],
)
def test_every_operation_answers_as_described(
    role: str | None, every: int, expected: set[int]
) -> None:
    """Whoever asks what, well or badly: a described status, headers and body, and no fault of ours.

    Who has no token gets past no guarded route.
    """
    assert set(ask_edges(role, every=every)) >= expected


@pytest.mark.slow
def test_sequences_of_requests_answer_as_described() -> None:
    """What one request leaves behind the next meets: nothing is put back in between."""
    with fuzzing("admin") as (runner, fuzz, told):
        every = operations(told)
        one = st.integers(0, len(every) - 1).flatmap(lambda number: fuzz.chances(every[number]))

        @settings(
            max_examples=25,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(one, min_size=6, max_size=6))
        def walk(cases: list[Case]) -> None:
            fuzz.it.restore()
            for case in cases:
                runner.run(fuzz.ask(case))

        walk()


def without_404(told: Any) -> None:  # noqa: ANN401  JSON, as in those below
    """Describe no 404."""
    del told["paths"][READ]["get"]["responses"]["404"]


def with_another_type(told: Any) -> None:  # noqa: ANN401
    """Describe a version as a text."""
    told["components"]["schemas"]["Secret"]["properties"]["version"] = {"type": "string"}


def with_another_header(told: Any) -> None:  # noqa: ANN401
    """Describe a header that nobody sends."""
    header = {"X-Nobody": {"required": True, "schema": {"type": "string"}}}
    told["components"]["responses"]["NotFound"]["headers"] = header


def as_markdown(told: Any) -> None:  # noqa: ANN401
    """Describe an answer as something that it is not."""
    answer = told["paths"][READ]["get"]["responses"]["200"]
    answer["content"] = {"text/markdown": {"schema": {"type": "string"}}}


@pytest.mark.slow
@pytest.mark.parametrize("bend", [without_404, with_another_type, with_another_header, as_markdown])
def test_a_description_that_is_not_so_is_noticed(bend: Callable[[Any], None]) -> None:
    """Where the description is bent, the same requests find it out."""
    with pytest.raises(FailureGroup):
        ask_edges("admin", every=1, paths=(READ,), bend=bend)
