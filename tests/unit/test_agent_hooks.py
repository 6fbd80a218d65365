"""Hooks tell a service; what they say is bounded and repeats no value."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from keyturn.client.agent.hooks import CommandHook, HookFailed, SignalHook, redacted

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}
VALUE = 'it\'s a "marked" value/é\nsecond line'


async def run(*command: str, timeout_s: float = 60) -> None:
    """Run a command as a hook."""
    await CommandHook(command, timeout_s).run(ENVIRONMENT, [VALUE])


async def test_a_good_end_is_silent() -> None:
    """What a command says on its good way out is nobody's business."""
    await run("sh", "-c", "echo said")


async def test_no_shell_is_between() -> None:
    """An argument is what it is."""
    with pytest.raises(HookFailed, match=r"\$HOME; id"):
        await run("sh", "-c", 'echo "$0" >&2; exit 1', "$HOME; id")


async def test_what_a_failing_command_said_is_told_without_values() -> None:
    """In whatever spelling a value stands there."""
    script = "import sys, json, base64, urllib.parse, shlex; v = sys.argv[1]; print(v, repr(v), "
    script += "json.dumps(v), shlex.quote(v), urllib.parse.quote(v, ''), "
    script += "base64.b64encode(v.encode()).decode(), v.split(chr(10))[0]); sys.exit(9)"
    with pytest.raises(HookFailed, match="ended with 9") as caught:
        await run(sys.executable, "-c", script, VALUE)
    told = str(caught.value)
    assert told.count("[value]") >= 7
    assert [each for each in ("marked", "second", "aXQncyBh") if each in told] == []


async def test_a_flood_is_not_repeated() -> None:
    """A command that says too much ends all the same, and nothing of it is told."""
    with pytest.raises(HookFailed, match="It said too much to repeat"):
        await run("sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x; exit 1")


async def test_a_command_that_takes_too_long_is_ended() -> None:
    """It and what it started."""
    with pytest.raises(HookFailed, match=r"took longer than 0\.05 s"):
        await run("sh", "-c", "sleep 600 & sleep 600", timeout_s=0.05)


async def test_a_child_that_stays_holds_nothing_up() -> None:
    """A command that leaves a process behind has ended when it ends."""
    await run("sh", "-c", "setsid sleep 5 & exit 0")


@pytest.mark.parametrize("command", ["/none", "/etc/passwd"])
async def test_a_command_that_cannot_be_started_is_told(command: str) -> None:
    """With the reason of the system."""
    with pytest.raises(HookFailed, match=command):
        await run(command)


def tell(file: Path) -> None:
    """Send a signal to the process of a file."""
    asyncio.run(SignalHook(signal.SIGTERM, file).run(ENVIRONMENT, []))


def test_a_signal_reaches_the_process_of_a_file(tmp_path: Path) -> None:
    """The number in the file is the process that is told."""
    file = tmp_path / "pid"
    with subprocess.Popen(["sleep", "600"]) as process:
        file.write_text(f"{process.pid}\n")
        tell(file)
        assert process.wait() == -signal.SIGTERM


@pytest.mark.parametrize("text", ["", "x", "0", "-1", "12 13"])
def test_what_is_no_process_is_sent_nothing(tmp_path: Path, text: str) -> None:
    """Least of all a group, our own among them."""
    file = tmp_path / "pid"
    file.write_text(text)
    with pytest.raises(HookFailed, match="holds no number"):
        tell(file)


def test_a_process_that_is_gone_is_told(tmp_path: Path) -> None:
    """And so is a file that is not there."""
    file = tmp_path / "pid"
    with pytest.raises(HookFailed, match="No such file"):
        tell(file)
    with subprocess.Popen(["true"]) as process:
        process.wait()
    file.write_text(str(process.pid))
    with pytest.raises(HookFailed, match="No such process"):
        tell(file)


def test_the_longest_value_goes_first() -> None:
    """A value inside of another leaves no rest of it."""
    assert redacted("abcdef abc\n", ["abc", "abcdef"]) == "[value] [value]"
    assert redacted("nothing", ["", " "]) == "nothing"
