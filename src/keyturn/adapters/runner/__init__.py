"""Whatever makes turns go on: here, the process itself."""

from keyturn.adapters.runner.embedded import EmbeddedRunner

__all__ = ["EmbeddedRunner"]
