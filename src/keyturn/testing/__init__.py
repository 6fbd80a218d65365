"""The fakes that Keyturn ships: public, and held to the contracts of what they stand for."""

from keyturn.testing.asgi import AppTransport
from keyturn.testing.authority import FakeServers, Strike
from keyturn.testing.carriers import FakeCarriers
from keyturn.testing.chance import SeededChance
from keyturn.testing.clock import ManualClock
from keyturn.testing.crash import CrashingStore, CrashPlan
from keyturn.testing.jumping import JumpingClock
from keyturn.testing.loop import VirtualLoop, run_virtually
from keyturn.testing.memory import Backup, MemoryStore
from keyturn.testing.notifier import FakeNotifier
from keyturn.testing.resources import FakeResources

__all__ = [
    "AppTransport",
    "Backup",
    "CrashPlan",
    "CrashingStore",
    "FakeCarriers",
    "FakeNotifier",
    "FakeResources",
    "FakeServers",
    "JumpingClock",
    "ManualClock",
    "MemoryStore",
    "SeededChance",
    "Strike",
    "VirtualLoop",
    "run_virtually",
]
