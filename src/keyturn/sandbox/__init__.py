"""An Okta org in a box: answers as Okta does, keeps everything in memory, breaks on request.

Emulated: client secrets and apps of the management API, the org authorization server, DPoP, rate
windows and faults. It decides nothing for the product it tests and shares no code with it.
"""

from keyturn.sandbox.app import ConnectionDropped, build_app
from keyturn.sandbox.control import build_control
from keyturn.sandbox.controls import CONTROL_OPERATIONS
from keyturn.sandbox.faults import Fault
from keyturn.sandbox.fleet import Fleet
from keyturn.sandbox.serving import OrgConfig, Ready, SandboxConfig, serving
from keyturn.sandbox.state.clock import Start, VirtualClock
from keyturn.sandbox.state.codec import SnapshotError
from keyturn.sandbox.state.directory import AppDraft
from keyturn.sandbox.state.keys import Keys
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.settings import Settings

__all__ = [
    "CONTROL_OPERATIONS",
    "AppDraft",
    "ConnectionDropped",
    "Fault",
    "Fleet",
    "Keys",
    "Org",
    "OrgConfig",
    "Ready",
    "SandboxConfig",
    "Settings",
    "SnapshotError",
    "Start",
    "VirtualClock",
    "build_app",
    "build_control",
    "serving",
]
