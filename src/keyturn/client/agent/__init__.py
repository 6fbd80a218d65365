"""Keep files on a host equal to what folders of Keyturn give, and tell who reads them.

Knows files, processes and the wire; nothing of the rules behind it. POSIX only.
"""

from keyturn.client.agent.config import BadConfig, Config, read_config
from keyturn.client.agent.serving import Agent

__all__ = ["Agent", "BadConfig", "Config", "read_config"]
