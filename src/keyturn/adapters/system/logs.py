"""Where log lines go, and what they may carry.

Lines are JSON, one an event, or plain text for people. Values under the names below are masked
whoever wrote them; that is the last net, not the rule: the rule is that nobody logs a value. What
others warn of through Python's own logging is told by its fixed words alone: what they fill in may
be a request's.
"""

import logging
import sys
from contextlib import suppress
from pathlib import Path

from keyturn.adapters.system.memory import importing_without

with importing_without("rich"):  # for tracebacks in colours: four megabytes, and no line has one
    import structlog
    from structlog.typing import EventDict, Processor, WrappedLogger

MASKED = frozenset(
    {"authorization", "client_secret", "password", "private_jwk", "secret", "token", "value"}
)

OTHERS = ("asyncio", "botocore", "procrastinate", "psycopg", "sqlalchemy", "uvicorn.error")
"""Loggers of the libraries that run the server and reach the database, or AWS."""


def log_to(file: Path | None, level: str, *, form: str = "json") -> None:
    """Send log lines of ``level`` and above to a file, or to stderr where it is None.

    ``form`` is json, or console for people.
    """
    stream = file.open("a", buffering=1, encoding="utf-8") if file else sys.stderr
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=False)
        if form == "console"
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            mask,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=lambda *_: _Lines(stream),
    )
    for name in OTHERS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [_Retold(logging.WARNING)], False


class _Lines(structlog.PrintLogger):
    """Write lines; one that cannot be written, to a full disk, is lost and harms nothing else."""

    def msg(self, message: str) -> None:
        """Write one line."""
        with suppress(OSError):
            super().msg(message)

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


class _Retold(logging.Handler):
    """Tell a record of Python's logging by its first words and its error's type."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0] if record.exc_info else None
        event = record.msg if isinstance(record.msg, str) else type(record.msg).__qualname__
        told = {"error": f"{error.__module__}.{error.__qualname__}"} if error else {}
        log = structlog.get_logger(record.name)
        log.log(record.levelno, event.partition("\n")[0].strip(), logger=record.name, **told)


def mask(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Mask what may not be told; structlog's signature for a processor."""
    return {key: "…" if key in MASKED else told for key, told in event.items()}
