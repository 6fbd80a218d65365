"""A folder is watched by asking for what is newer than the copy that is held."""

from collections.abc import Callable
from itertools import chain, repeat

import anyio
import httpx2
import pytest

from keyturn.client import ApiError, KeyturnApi, Place, Token, Unreachable
from keyturn.client.folder import Folder
from keyturn.client.watching import FolderWatch

OLD, NEW = Folder({"A": "1"}, '"t1"'), Folder({"A": "2"}, '"t3"')
AWAY = Unreachable("Keyturn does not answer.")
REFUSED = ApiError(401, "UnauthorizedError", "log in again", "r-1", wants_log_in=True)


class Asked:
    """Answers one after another, and the tags that were named."""

    def __init__(self, *answers: Folder | Exception | None) -> None:
        self.answers = chain(answers, repeat(None))
        self.tags: list[str] = []

    async def __call__(self, held: str) -> Folder | None:
        """Give the next answer."""
        self.tags.append(held)
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def watch(asked: Asked, told: Callable[[str], None] = lambda _: None) -> FolderWatch:
    """Begin to watch, without waiting between two questions."""
    return await FolderWatch.begin(asked, pause=anyio.lowlevel.checkpoint, warn=told)


async def test_each_question_names_the_copy_that_is_held() -> None:
    """Where nothing is new nothing is told; a tag that changed without a value is taken over."""
    asked = Asked(OLD, None, Folder({"A": "1"}, '"t2"'), None, NEW)
    watching = await watch(asked)
    assert (watching.held, await watching.next(), watching.held) == (OLD, NEW, NEW)
    assert asked.tags == ["", '"t1"', '"t1"', '"t2"', '"t2"']


@pytest.mark.parametrize("error", [AWAY, REFUSED], ids=["away", "refused"])
async def test_a_server_that_is_away_is_told_once(error: Exception) -> None:
    """One warning when answers stop, one when they come again, and what is held stays."""
    told: list[str] = []
    watching = await watch(Asked(OLD, error, error, None, error, NEW), told.append)
    assert await watching.next() == NEW
    assert [text.endswith("stays in force.") for text in told] == [True, False, True, False]


async def test_no_first_copy_is_an_error() -> None:
    """A command does not start without its secrets."""
    with pytest.raises(Unreachable):
        await watch(Asked(AWAY))
    with pytest.raises(Unreachable):
        await watch(Asked(None))


@pytest.mark.parametrize("held", ["", '"t1"'])
async def test_a_304_is_an_answer_only_to_who_holds_a_copy(held: str) -> None:
    """The tag goes along; without one, 304 is no answer of Keyturn's."""
    sent: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(304)

    transport = httpx2.MockTransport(answer)
    async with KeyturnApi("http://keyturn.test", Token("t"), transport=transport) as api:
        if held:
            assert await api.read_folder(Place("p", "dev"), held=held) is None
        else:
            with pytest.raises(Unreachable):
                await api.read_folder(Place("p", "dev"))
    assert sent[0].headers.get("if-none-match", "") == held
