"""Values sealed with AES-256-GCM, root keys, sealed files of backups, and hashes of passwords.

Decides how a value is bound to its place. Knows nothing of what is sealed or where it is kept.
"""

from keyturn.adapters.crypto.aws_kms import AwsKms
from keyturn.adapters.crypto.backup_file import (
    SALT_BYTES,
    BackupFile,
    BackupUnusable,
    Opener,
    new_backup,
    read_backup,
    read_key_file,
)
from keyturn.adapters.crypto.keyring import Keyring
from keyturn.adapters.crypto.passwords import Argon2Passwords
from keyturn.adapters.crypto.root_key import (
    RootKeyUnusable,
    find_prepared,
    install_root_key,
    parse_root_key,
    prepare_root_key,
    read_root_key,
    retire_root_key,
    write_root_key,
)
from keyturn.adapters.crypto.wrapped_key import PerhapsWrapped, WrappedKey, find_wrapped

__all__ = [
    "SALT_BYTES",
    "Argon2Passwords",
    "AwsKms",
    "BackupFile",
    "BackupUnusable",
    "Keyring",
    "Opener",
    "PerhapsWrapped",
    "RootKeyUnusable",
    "WrappedKey",
    "find_prepared",
    "find_wrapped",
    "install_root_key",
    "new_backup",
    "parse_root_key",
    "prepare_root_key",
    "read_backup",
    "read_key_file",
    "read_root_key",
    "retire_root_key",
    "write_root_key",
]
