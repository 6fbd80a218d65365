"""Values sealed with AES-256-GCM, and the root key's file.

Decides how a value is bound to its place. Knows nothing of what is sealed or where it is kept.
"""

from keyturn.adapters.crypto.keyring import Keyring
from keyturn.adapters.crypto.root_key import RootKeyUnusable, read_root_key, write_root_key

__all__ = ["Keyring", "RootKeyUnusable", "read_root_key", "write_root_key"]
