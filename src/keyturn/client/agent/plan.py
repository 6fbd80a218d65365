"""What a config comes to on this host: files with their templates, owners by number, hooks.

Decides nothing about secrets; what cannot be done here is told before anything is done.
"""

import grp
import json
import pwd
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from keyturn.client.agent.config import (
    BadConfig,
    Config,
    FileTable,
    FolderTable,
    HookTable,
    Kept,
    why_unread,
)
from keyturn.client.agent.hooks import CommandHook, Hook, SignalHook
from keyturn.client.agent.templates import Template, parse_template, render_template
from keyturn.client.agent.writing import KEPT, Target
from keyturn.client.api import Place
from keyturn.client.calls import Credentials, Identity, Source, Token, Workload
from keyturn.client.errors import ClientError
from keyturn.client.formats import render


class NoCredentials(ClientError):
    """What the agent logs in by is not where the config says."""


@dataclass(frozen=True)
class Rendering:
    """A file, and how its content is made: by a template, else all secrets in a format."""

    target: Target
    form: str
    template: Template | None

    def content(self, values: Mapping[str, str]) -> bytes:
        """Return the content. Raises BadTemplate, Unfit."""
        text = (
            render_template(self.template, values) if self.template else render(values, self.form)
        )
        return text.encode()

    def names(self, values: Mapping[str, str]) -> frozenset[str]:
        """Return the names of the secrets that the file holds."""
        if self.template:
            return frozenset(each.name for each in self.template.slots)
        return frozenset(values)


@dataclass(frozen=True)
class Job:
    """A folder, the files that are made of it, and the service that is told."""

    place: Place
    recursive: bool
    renderings: Sequence[Rendering]
    hook: Hook | None
    server: str

    def __str__(self) -> str:
        where = self.place
        return f"{where.project}/{where.environment}{where.path}"

    @property
    def key(self) -> str:
        """Return a name for what is remembered of the job."""
        files = [str(each.target.path) for each in self.renderings]
        return json.dumps([self.server, *self.place.query().values(), self.recursive, *files])

    def contents(self, values: Mapping[str, str]) -> dict[Target, bytes]:
        """Return the content of every file. Raises BadTemplate, Unfit."""
        return {each.target: each.content(values) for each in self.renderings}

    def names(self, values: Mapping[str, str]) -> frozenset[str]:
        """Return the names of the secrets that the files hold."""
        return frozenset().union(*(each.names(values) for each in self.renderings))


def plan_jobs(config: Config) -> tuple[Job, ...]:
    """Return what a config comes to. Raises BadConfig, BadTemplate."""
    return tuple(_job(folder, config.server) for folder in config.folder)


def credentials_of(config: Config, environ: Mapping[str, str]) -> Source:
    """Return what gives the credentials, read anew from where they are for every log-in.

    It raises NoCredentials.
    """
    login = config.login

    def read(kept: Kept) -> str:
        return read_kept(kept, environ)

    def credentials() -> Credentials:
        if login.method == "universal-auth":
            return Identity(read(login.client_id), read(login.client_secret))
        if login.method == "token":
            return Token(read(login.token))
        return Workload(login.identity_id, read(login.jwt), oidc=login.method == "oidc-auth")

    return credentials


def read_kept(kept: Kept, environ: Mapping[str, str]) -> str:
    """Return what is kept somewhere, without white space around. Raises NoCredentials."""
    if kept.file:
        try:
            text = kept.file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise NoCredentials(f"{kept.file} cannot be read: {why_unread(error)}.") from None
    else:
        text = environ.get(kept.env, "") if kept.env else kept.text or ""
    if not text.strip():
        raise NoCredentials(f"There is nothing in {kept.file or kept.env or 'client_id'}.")
    return text.strip()


def _job(folder: FolderTable, server: str) -> Job:
    place = Place(folder.project, folder.environment, folder.path)
    renderings = tuple(map(_rendering, folder.file))
    hook = _hook(folder.hook) if folder.hook else None
    return Job(place, folder.recursive, renderings, hook, server)


def _rendering(file: FileTable) -> Rendering:
    uid, gid = _owner(file.owner) if file.owner else (KEPT, KEPT)
    target = Target(file.destination, file.mode, uid, gid)
    form, text, where = file.format or "text", file.template, f"template of {file.destination}"
    if file.source:
        try:
            text, where = file.source.read_text(encoding="utf-8"), str(file.source)
        except (OSError, UnicodeDecodeError) as error:
            raise BadConfig(f"{file.source} cannot be read: {why_unread(error)}.") from None
    return Rendering(target, form, None if text is None else parse_template(text, form, where))


def _hook(hook: HookTable) -> Hook:
    if hook.signal and hook.pid_file:
        return SignalHook(hook.signal, hook.pid_file)
    return CommandHook(hook.command or (), hook.timeout)


def _owner(text: str) -> tuple[int, int]:
    user, _, group = text.partition(":")
    uid = _number(user, lambda name: pwd.getpwnam(name).pw_uid)
    return uid, _number(group, lambda name: grp.getgrnam(name).gr_gid)


def _number(name: str, look_up: Callable[[str], int]) -> int:
    if not name:
        return KEPT
    try:
        return int(name) if name.isdecimal() else look_up(name)
    except KeyError:
        raise BadConfig(f"owner: this host has no {name}.") from None
