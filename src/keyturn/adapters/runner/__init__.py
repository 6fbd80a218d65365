"""Whatever makes turns go on: the process itself, or a queue in PostgreSQL.

`queued` is imported where it is wanted: it needs packages that the embedded runner does not.
"""

from keyturn.adapters.runner.embedded import EmbeddedRunner
from keyturn.adapters.runner.port import Health, Runner

__all__ = ["EmbeddedRunner", "Health", "Runner"]
