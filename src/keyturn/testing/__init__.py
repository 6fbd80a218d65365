"""The fakes that Keyturn ships: public, and held to the contracts of what they stand for."""

from keyturn.testing.chance import SeededChance
from keyturn.testing.clock import ManualClock
from keyturn.testing.crash import CrashingStore, CrashPlan
from keyturn.testing.memory import MemoryStore

__all__ = ["CrashPlan", "CrashingStore", "ManualClock", "MemoryStore", "SeededChance"]
