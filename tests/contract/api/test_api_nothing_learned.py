"""Who may not see a thing learns neither what is in it nor whether there is one."""

from collections.abc import Mapping
from types import MappingProxyType

import anyio
import pytest
from api_kit import House
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from route_kit import Furnished, furnished, routes_of

from keyturn.api.app import build_api
from keyturn.domain.access import Verb

pytestmark = pytest.mark.slow

DECOY = "7b1e6a52-5f0e-4c1d-9f57-0c2d3e4f5a6b"
"""The name of nothing."""

OF_SECRETS = ("secrets:",)
OF_FOLDERS = ("secrets:", "secret-folders:", "secret-imports:")
OF_ROTATIONS = ("secret-rotation:",)
OF_GRANTS = ("connections:",)
OF_CONNECTIONS = ("app-connections:", "secret-rotation:", *OF_GRANTS)
OF_IDENTITIES = ("identity:",)
OF_FLOWS = ("flows:", "flow-runs:")

NOUNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "secret_name": OF_SECRETS,
        "secret_id": OF_SECRETS,
        "folder": OF_FOLDERS,
        "import_id": OF_FOLDERS,
        "tag_id": ("project:", "secrets:"),
        "environment_id": ("project:",),
        "connection_id": OF_CONNECTIONS,
        "connection_name": OF_CONNECTIONS,
        "rotation_id": OF_ROTATIONS,
        "rotation_name": OF_ROTATIONS,
        "turn_id": OF_ROTATIONS,
        "finding_id": OF_ROTATIONS,
        "destination_id": ("destinations:",),
        "leak_id": ("leaks:",),
        "registration_id": OF_GRANTS,
        "consumer": OF_GRANTS,
        "alias_id": OF_GRANTS,
        "request_id": OF_GRANTS,
        "flow_id": OF_FLOWS,
        "run_id": OF_FLOWS,
        "table_id": OF_FLOWS,
        "row_id": OF_FLOWS,
        "policy_id": ("compliance:",),
        "exception_id": ("compliance:",),
        "report_id": ("compliance:",),
        "rollout_id": ("rollouts:",),
        "emergency_id": ("rollouts:", "secret-rotation:"),
        "channel_id": ("channels:",),
        "notice_id": ("channels:", "compliance:", "inventory:", "rollouts:", *OF_CONNECTIONS),
        "connection": ("inventory:",),
        "identity_id": OF_IDENTITIES,
        "client_secret_id": OF_IDENTITIES,
        "token_id": OF_IDENTITIES,
        "slug": ("role:", "project:", "secrets:"),
    }
)
"""What stands in paths for a thing, and the verbs of those who may know of it."""


@st.composite
def callers(draw: st.DrawFn) -> tuple[str, tuple[str, ...], bool]:
    """Draw a thing, verbs that are about other things, and whether they are held everywhere."""
    noun = draw(st.sampled_from(sorted(NOUNS)))
    others = [verb.value for verb in Verb if not verb.startswith(NOUNS[noun])]
    verbs = draw(st.lists(st.sampled_from(others), unique=True, max_size=len(others)))
    return noun, tuple(verbs), draw(st.booleans())


async def told(it: Furnished, route: str, noun: str, name: str) -> tuple[int, str, str]:
    """Return what an answer tells of a thing, without its name."""
    answer = await it.ask(route, **{noun: name})
    assert "canary" not in answer.text
    body = answer.json()
    message = str(body.get("message", "")).replace(name, "NAME")
    return answer.status_code, str(body.get("error", "")), message


async def look(noun: str, verbs: tuple[str, ...], *, everywhere: bool) -> None:
    """Ask about a thing and about nothing, by every route that names it."""
    async with furnished(everywhere=everywhere, verbs=verbs) as it:
        routes = routes_of(build_api(it.house.world, version="0"))
        for route in (each for each in routes if f"{{{noun}}}" in each):
            real = it.named(route.split()[1])[noun]
            something = await told(it, route, noun, real)
            nothing = await told(it, route, noun, DECOY)
            assert something[0] in {403, 404}, (route, something)
            assert something == nothing, route


@pytest.mark.slow
@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.generate],  # an example takes a house, and says enough as it is
    suppress_health_check=[HealthCheck.too_slow],
)
@given(callers())
def test_something_and_nothing_are_refused_alike(
    drawn: tuple[str, tuple[str, ...], bool],
) -> None:
    """Whatever else a caller may, what it may not see is as if it were not there."""
    noun, verbs, everywhere = drawn
    anyio.run(lambda: look(noun, verbs, everywhere=everywhere))


@pytest.mark.parametrize("noun", NOUNS)
async def test_who_holds_nothing_learns_nothing(noun: str) -> None:
    """The same, for each thing, by somebody without any role."""
    await look(noun, (), everywhere=False)


async def test_every_thing_that_a_path_names_is_looked_at(house: House) -> None:
    """A new name in a path needs a row."""
    paths = " ".join(routes_of(build_api(house.world, version="0")))
    named = {part.split("}")[0] for part in paths.split("{")[1:]}
    assert named - {"project", "alias"} == set(NOUNS)  # an alias is an address: endpoints are open
