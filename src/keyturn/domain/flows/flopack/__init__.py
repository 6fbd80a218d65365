"""Exports of Okta Workflows (`.flopack`, 1.2 to 1.5) become flows.

Nothing of an export runs: it is read, translated by a table, and what the table does not know is
said in a report. `pack` reads, `ordering` finds lanes, `table` knows the cards, `desk` writes.
"""

from keyturn.domain.flows.flopack.importing import import_pack
from keyturn.domain.flows.flopack.report import Imported, ImportedFlow
from keyturn.domain.flows.flopack.shapes import PackRefused

__all__ = ["Imported", "ImportedFlow", "PackRefused", "import_pack"]
