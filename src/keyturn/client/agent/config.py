"""What an agent is to do: a TOML file, checked whole before anything is done.

Decides what may stand in the file; errors name the line. Secrets stand in it by the file or the
environment variable that holds them, never themselves.
"""

import re
import signal
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from keyturn.client.errors import ClientError
from keyturn.client.formats import FORMATS

T = TypeVar("T")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class BadConfig(ClientError):
    """An agent's config does not fit; says the file and the line."""


def _seconds(value: object) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", str(value))
    if not found or not float(found[1]):
        raise ValueError("must be a time such as 30s, 5m, 1h or 7d")
    return float(found[1]) * _UNITS[found[2]]


def _mode(value: object) -> int:
    if not isinstance(value, str) or not re.fullmatch(r"0?[0-7]{3}", value):
        raise ValueError('must be a text of octal digits such as "0640"')
    return int(value, 8)


def _signal(value: object) -> signal.Signals:
    try:
        return signal.Signals[f"SIG{value}"]
    except KeyError:
        raise ValueError("must be a signal such as HUP") from None


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("must be an absolute path")
    return path


def _filled(some: tuple[T, ...]) -> tuple[T, ...]:
    if not some:
        raise ValueError("must not be empty")
    return some


Duration = Annotated[float, BeforeValidator(_seconds)]
Mode = Annotated[int, BeforeValidator(_mode)]
AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
Signal = Annotated[signal.Signals, BeforeValidator(_signal)]
Some = Annotated[tuple[T, ...], AfterValidator(_filled)]


class Table(BaseModel):
    """A table of the file; a key that nobody knows is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Kept(Table):
    """Where something is kept: a file, a variable of the environment, or, no secret, here."""

    file: AbsolutePath | None = None
    env: str | None = None
    text: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if [self.file, self.env, self.text].count(None) != 2:
            raise ValueError("give either a file or an env")
        return self


def _as_text(value: object) -> object:
    return {"text": value} if isinstance(value, str) else value


def _elsewhere(kept: Kept) -> Kept:
    if kept.text is not None:
        raise ValueError('a secret has no place here: name its { file = "…" } or { env = "…" }')
    return kept


Plain = Annotated[Kept, BeforeValidator(_as_text)]
Hidden = Annotated[Kept, AfterValidator(_elsewhere), BeforeValidator(_as_text)]


class UniversalAuth(Table):
    """A machine identity's client id and client secret."""

    method: Literal["universal-auth"]
    client_id: Plain
    client_secret: Hidden


class GivenToken(Table):
    """An access token that somebody else renews."""

    method: Literal["token"]
    token: Hidden


class PlatformToken(Table):
    """A JWT that the host's platform puts there."""

    method: Literal["oidc-auth", "jwt-auth"]
    identity_id: str
    jwt: Hidden


class CacheTable(Table):
    """A sealed copy of what was read last; the key's file is made where there is none."""

    file: AbsolutePath
    key: Hidden
    max_age: Duration = 86_400


class HookTable(Table):
    """What to do after files have changed: run a program, or send a signal."""

    command: Some[str] | None = None
    timeout: Duration = 30
    signal: Signal | None = None
    pid_file: AbsolutePath | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        by_signal = self.signal is not None and self.pid_file is not None
        neither = self.signal is None and self.pid_file is None
        if not (neither if self.command else by_signal):
            raise ValueError("give either a command, or a signal and a pid_file")
        return self


class FileTable(Table):
    """A file: a format for all secrets of the folder, or a template."""

    destination: AbsolutePath
    mode: Mode = 0o600
    owner: str | None = None
    format: str | None = None
    template: str | None = None
    source: AbsolutePath | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.template is not None and self.source is not None:
            raise ValueError("give a template or its source, not both")
        if self.template is None and self.source is None and self.format not in FORMATS:
            raise ValueError(f"give a template, a source, or a format: {', '.join(FORMATS)}")
        return self


class FolderTable(Table):
    """A folder of secrets, and the files that are made of one answer about it."""

    project: str
    environment: str
    path: str = "/"
    recursive: bool = False
    file: Some[FileTable]
    hook: HookTable | None = None


class Config(Table):
    """The whole file."""

    server: str
    ca_file: AbsolutePath | None = None
    interval: Duration = 60
    login: UniversalAuth | GivenToken | PlatformToken = Field(discriminator="method")
    cache: CacheTable | None = None
    folder: Some[FolderTable]

    @model_validator(mode="after")
    def _no_file_twice(self) -> Self:
        every = [file.destination for folder in self.folder for file in folder.file]
        twice = sorted({str(each) for each in every if every.count(each) > 1})
        if twice:
            raise ValueError(f"several files have the same destination: {', '.join(twice)}")
        return self


def read_config(file: Path) -> Config:
    """Read a config. Raises BadConfig."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"{file} cannot be read: {why_unread(error)}.") from None
    return parse_config(text, str(file))


def why_unread(error: OSError | UnicodeDecodeError) -> str:
    """Return what keeps a file from being read."""
    return error.strerror or "" if isinstance(error, OSError) else "it is not UTF-8"


def parse_config(text: str, name: str) -> Config:
    """Return the config that a text holds; errors call it by name. Raises BadConfig."""
    try:
        return Config.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(f"{name} is not TOML: {error}.") from None
    except ValidationError as error:
        told = [_told(text, each["loc"], each["msg"]) for each in error.errors(include_input=False)]
        raise BadConfig(f"{name} does not fit: {'; '.join(told)}.") from None


def line_of(text: str, where: tuple[str | int, ...]) -> int:
    """Return the line by whose end what is there has been said, or the nearest that holds it."""
    lines = text.splitlines()
    for end in range(1, len(lines) + 1):
        try:
            so_far = tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue  # in the middle of a value
        if _holds(so_far, where):
            return end
    return line_of(text, where[:-1])


def _told(text: str, where: tuple[str | int, ...], rule: str) -> str:
    rule = rule.removeprefix("Value error, ")
    if not where:
        return rule
    if where[0] == "login":
        where = (where[0], *where[2:])  # what is in between says by which method
    return f"line {line_of(text, where)}, {'.'.join(map(str, where))}: {rule}"


def _holds(table: object, where: tuple[str | int, ...]) -> bool:
    if not where:
        return True
    first, *rest = where
    if isinstance(table, Mapping) and first in table:
        return _holds(table[first], tuple(rest))
    if isinstance(table, list) and isinstance(first, int) and first < len(table):
        return _holds(table[first], tuple(rest))
    return False
