"""Log lines are JSON whoever wrote them, and tell no more than they must."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from keyturn.adapters.system.logs import OTHERS, log_to

Screen = pytest.CaptureFixture[str]


@pytest.fixture
def screen(capsys: Screen) -> Iterator[Screen]:
    """Give what is written to stderr, and leave logging as it was."""
    before = structlog.get_config()
    kept = [(name, logging.getLogger(name).handlers) for name in OTHERS]
    yield capsys
    structlog.configure(**before)
    for name, handlers in kept:
        logging.getLogger(name).handlers = handlers
        logging.getLogger(name).propagate = True


def lines(screen: Screen) -> list[dict[str, str]]:
    """Read the lines, without their time."""
    told = [json.loads(line) for line in screen.readouterr().err.splitlines()]
    return [{name: value for name, value in one.items() if name != "timestamp"} for one in told]


@pytest.mark.parametrize("name", OTHERS)
def test_warnings_of_others_are_lines_like_ours(screen: Screen, name: str) -> None:
    """A warning keeps its words and loses what was filled into them."""
    log_to(None, "info")
    logging.getLogger(name).warning("Refused %s.\nmarked", "marked")
    expected = {"level": "warning", "logger": name, "event": "Refused %s."}
    assert lines(screen) == [expected]


def test_an_error_of_others_is_told_by_its_type(screen: Screen) -> None:
    """Neither the text of an error nor a traceback reaches the log."""
    log_to(None, "info")
    logging.getLogger("uvicorn.error").error("Failed\n", exc_info=LookupError("marked"))
    logging.getLogger("uvicorn.error").error(OSError("marked"))
    assert lines(screen) == [
        {
            "level": "error",
            "logger": "uvicorn.error",
            "event": "Failed",
            "error": "builtins.LookupError",
        },
        {"level": "error", "logger": "uvicorn.error", "event": "OSError"},
    ]


def test_what_is_no_warning_is_left_out(screen: Screen) -> None:
    """The library's chatter stays out of the log, and a second call doubles nothing."""
    log_to(None, "info")
    log_to(None, "info")
    logging.getLogger("uvicorn.error").info("Started")
    logging.getLogger("uvicorn.error").warning("Once")
    assert [one["event"] for one in lines(screen)] == ["Once"]


ON_A_FULL_DISK = """
import logging, pathlib, structlog
from keyturn.adapters.system.logs import log_to
log_to(pathlib.Path("/dev/full"), "info")
structlog.get_logger("keyturn.api").info("request", ms=1)
structlog.get_logger("keyturn.runner").error("worker failed")
logging.getLogger("uvicorn.error").error("Failed")
print("goes on")
"""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk here that is full")
def test_a_line_that_cannot_be_written_harms_nobody() -> None:
    """Who logs on a full disk goes on: what is lost is the line alone."""
    command = [sys.executable, "-c", ON_A_FULL_DISK]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "goes on\n", done.stderr


def test_people_may_have_lines_without_braces(screen: Screen) -> None:
    """With console a line is text, and what is masked stays masked."""
    log_to(None, "info", form="console")
    structlog.get_logger("keyturn.api").info("request", ms=1, token="marked")
    [line] = screen.readouterr().err.splitlines()
    assert "request" in line
    assert "ms=1" in line
    assert "{" not in line
    assert "marked" not in line
