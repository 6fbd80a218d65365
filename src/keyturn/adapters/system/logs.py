"""Where log lines go, and what they may carry.

Lines are JSON, one an event. Values under the names below are masked whoever wrote them; that is
the last net, not the rule: the rule is that nobody logs a value.
"""

import logging
import sys
from pathlib import Path

import structlog
from structlog.typing import EventDict, WrappedLogger

MASKED = frozenset(
    {"authorization", "client_secret", "password", "private_jwk", "secret", "token", "value"}
)


def log_to(file: Path | None, level: str) -> None:
    """Send log lines of ``level`` and above to a file, or to stderr where it is None."""
    stream = file.open("a", buffering=1, encoding="utf-8") if file else sys.stderr
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            mask,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(stream),
    )


def mask(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Mask what may not be told; structlog's signature for a processor."""
    return {key: "…" if key in MASKED else told for key, told in event.items()}
