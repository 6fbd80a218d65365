"""Where the root key of an installation is: in the environment, or in a file, perhaps wrapped.

Decides by the settings where a new one goes, and by the data which one is in force: whichever opens
them. So a rotation, or a move from one place to another, that dies at any moment leaves one that
does.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

import structlog
from pydantic import SecretStr

from keyturn.adapters.crypto import (
    AwsKms,
    Keyring,
    PerhapsWrapped,
    RootKeyUnusable,
    WrappedKey,
    find_prepared,
    find_wrapped,
    install_root_key,
    parse_root_key,
    prepare_root_key,
    read_root_key,
    retire_root_key,
    write_root_key,
)
from keyturn.domain.errors import Refused
from keyturn.domain.project import Organization
from keyturn.services.ports import Chance, Clock, Store
from keyturn.services.root_key import opens
from keyturn.settings import Settings

_MOVE: Final = "The settings want it elsewhere: `keyturn keys rotate-root` makes a new one there."

_log = structlog.get_logger("keyturn.keys")


class Source(StrEnum):
    """Where a root key was found."""

    ENVIRONMENT = "environment"
    OLD_ENVIRONMENT = "environment, the old one"
    FILE = "file"
    PREPARED = "file, prepared"


@dataclass(frozen=True)
class RootKey:
    """A root key, and where it was found."""

    source: Source
    key: bytes = field(repr=False)


@dataclass(frozen=True)
class KeyPlace:
    """Where a root key is; ``advice`` says what to do where the settings want it elsewhere."""

    source: Source
    file: Path | None = None
    wrapped: WrappedKey | None = None
    advice: str = ""

    def __str__(self) -> str:
        if self.file is None:
            variable = "ROOT_KEY" if self.source is Source.ENVIRONMENT else "OLD_ROOT_KEY"
            return f"the environment, KEYTURN_{variable}"
        form = f"wrapped by {self.wrapped.kms_key}" if self.wrapped else "in clear"
        return f"{self.file}, {form}"


class RootKeys:
    """The places of one installation's root key."""

    def __init__(self, settings: Settings, clock: Clock, chance: Chance) -> None:
        self._settings: Final = settings
        self._clock: Final = clock
        self._chance: Final = chance
        self._file: Final = settings.key_file
        self._form: Final = PerhapsWrapped(AwsKms(), settings.kms_key, self._installation)

    @property
    def wanted(self) -> Source:
        """Return where the settings want it."""
        return Source.ENVIRONMENT if self._settings.root_key else Source.FILE

    def place(self, found: RootKey) -> KeyPlace:
        """Tell where a root key is, and what to do about that. Raises RootKeyUnusable."""
        if found.source is Source.FILE:
            wrapped = find_wrapped(self._file)
            ahead = self.wanted is not Source.FILE or _unlike(wrapped, self._settings.kms_key)
            return KeyPlace(Source.FILE, self._file, wrapped, _MOVE if ahead else "")
        if found.source is not self.wanted:
            return KeyPlace(found.source, advice=_MOVE)
        left = f"{self._file} is not in force: put it away." if self._file.exists() else ""
        return KeyPlace(found.source, advice=left)

    async def require(self) -> None:
        """Raise RootKeyUnusable where there is none to begin with."""
        await asyncio.to_thread(lambda: next(self._every()))

    async def make(self) -> None:
        """Write a new one, unless there is one. Raises RootKeyUnusable."""
        if not (self._settings.root_key or self._file.exists()):
            await asyncio.to_thread(self._write, self._chance.random_bytes(32))

    async def keep(self, key: bytes) -> None:
        """Write one that was kept elsewhere, unless it is there.

        Raises RootKeyUnusable, and Refused where there is another one.
        """
        await self.require_no_other(key)
        if not (self._settings.root_key or self._file.exists()):
            await asyncio.to_thread(self._write, key)

    async def require_no_other(self, key: bytes) -> None:
        """Raise Refused where the settings lead to another one than this."""
        if self._settings.root_key:
            if self._given("root_key", self._settings.root_key) != key:
                raise Refused(
                    "KEYTURN_ROOT_KEY is not the root key of the backup: set it to that one, or "
                    "leave it out, and move the key by `keyturn keys rotate-root` afterwards."
                )
        elif self._file.exists() and await asyncio.to_thread(self._read) != key:
            raise Refused(f"{self._file} holds another root key: name a new data directory.")

    async def in_force(self, store: Store) -> RootKey:
        """Return the one that opens the data; a rotation that died after its commit is finished.

        Where none does, return the first: who opens the installation says so. Raises
        RootKeyUnusable where there is none, or one cannot be looked at that has to be.
        """
        async with store.reading() as tx:
            organizations = await tx.list(Organization)

        def fits(found: RootKey) -> bool:
            return opens(Keyring(found.key, self._chance.random_bytes), organizations)

        def chosen() -> RootKey:
            first = next(self._every())
            return next(filter(fits, self._every()), first)

        found = await asyncio.to_thread(chosen)
        if found.source is not Source.PREPARED:
            return found
        install_root_key(self._file, self._clock.now())
        return RootKey(Source.FILE, found.key)

    def look(self) -> Sequence[bytes]:
        """Return every one that can be read; what cannot be is told in the log."""
        found: list[bytes] = []
        try:
            found.extend(each.key for each in self._every())
        except RootKeyUnusable as error:
            _log.error("root key cannot be read", error=error.message)
        return found

    async def prepare(self, old: RootKey) -> bytes:
        """Return the next one, once it is safe where the settings want it.

        Raises RootKeyUnusable, and Refused where the environment holds no other one.
        """
        given = self._settings.root_key
        if given is None:
            new = self._chance.random_bytes(32)
            return await asyncio.to_thread(prepare_root_key, self._file, new, form=self._form)
        key = self._given("root_key", given)
        if key == old.key:
            raise Refused(
                "KEYTURN_ROOT_KEY is in force already. Set KEYTURN_OLD_ROOT_KEY to it and "
                "KEYTURN_ROOT_KEY to a new one, base64 of 32 random bytes, in every process; then "
                "give the command again. Nothing was changed."
            )
        return key

    def install(self, old: RootKey) -> Path | None:
        """Put the next one in force; return where the old one is kept, if it was in a file."""
        if self.wanted is Source.FILE:
            return install_root_key(self._file, self._clock.now())
        if old.source is Source.FILE:
            return retire_root_key(self._file, self._clock.now())
        return None

    def _every(self) -> Iterator[RootKey]:
        """Return every one that there is, those first that the settings name.

        Each is read only when it is asked for. Raises RootKeyUnusable where there is none, and
        for one that cannot be read.
        """
        given = self._from_environment()
        yield from given
        if self._file.exists():
            yield RootKey(Source.FILE, self._read())
        prepared = find_prepared(self._file, form=self._form)
        if prepared:
            yield RootKey(Source.PREPARED, prepared)
        if self._file.exists() or not (given or prepared):
            # Another process may have put the next one in force meanwhile.
            yield RootKey(Source.FILE, self._read())

    def _from_environment(self) -> Sequence[RootKey]:
        variables = (
            (Source.ENVIRONMENT, "root_key", self._settings.root_key),
            (Source.OLD_ENVIRONMENT, "old_root_key", self._settings.old_root_key),
        )
        return [
            RootKey(source, self._given(name, value)) for source, name, value in variables if value
        ]

    def _read(self) -> bytes:
        return read_root_key(self._file, form=self._form)

    def _write(self, key: bytes) -> None:
        write_root_key(self._file, key, form=self._form)

    def _given(self, name: str, value: SecretStr) -> bytes:
        return parse_root_key(value.get_secret_value(), f"KEYTURN_{name.upper()}")

    def _installation(self) -> str:
        """Name the installation in what a service keeps on record, the same over all its keys."""
        wrapped = find_wrapped(self._file)
        return wrapped.installation if wrapped else self._chance.uuid()


def _unlike(wrapped: WrappedKey | None, kms_key: str | None) -> bool:
    """Say whether a file is not as the setting wants it; which key an alias is, AWS alone knows."""
    if wrapped is None or kms_key is None:
        return (wrapped is None) != (kms_key is None)
    return ":key/" in kms_key and wrapped.kms_key != kms_key
