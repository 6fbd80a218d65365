"""Spans for OpenTelemetry, where it is installed (extra `otel`) and the environment asks for it.

The environment is the standard's own: ``OTEL_EXPORTER_OTLP_ENDPOINT`` says where spans go, and
``OTEL_SDK_DISABLED`` that they go nowhere. Of what fails its type is told: its text may be a
stranger's.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import structlog

from keyturn.services.ports import About, NoTracer, Span, Tracer

if TYPE_CHECKING:
    from opentelemetry import trace
    from opentelemetry.sdk.trace.export import SpanExporter

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

_log = structlog.get_logger("keyturn.tracing")


def tracer_of_process(environment: Mapping[str, str] = os.environ) -> Tracer:
    """Return what tells of spans, or nobody where nobody is to be told."""
    wanted = any(environment.get(name) for name in ENDPOINTS)
    if not wanted or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return NoTracer()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415  an extra
            OTLPSpanExporter,
        )
    except ImportError:
        _log.warning("no spans are told: the extra otel is not installed")
        return NoTracer()
    return SpanTracer(OTLPSpanExporter(), at_once=False)


class SpanTracer:
    """Tell of spans through an exporter (`services.ports.Tracer`), ``at_once`` or in batches."""

    def __init__(self, exporter: "SpanExporter", *, at_once: bool) -> None:
        from opentelemetry import trace  # noqa: PLC0415  an extra
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import (  # noqa: PLC0415
            BatchSpanProcessor,
            SimpleSpanProcessor,
        )
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )

        named = Resource.create({SERVICE_NAME: os.environ.get("OTEL_SERVICE_NAME", "keyturn")})
        provider = TracerProvider(resource=named)
        processor = SimpleSpanProcessor if at_once else BatchSpanProcessor
        provider.add_span_processor(processor(exporter))
        self._tracer = provider.get_tracer("keyturn")
        self._parent = TraceContextTextMapPropagator().extract
        self._kinds = (trace.SpanKind.CLIENT, trace.SpanKind.SERVER)
        self._failed = trace.StatusCode.ERROR

    @contextmanager
    def span(
        self, name: str, about: About, *, parent: str = "", serves: bool = False
    ) -> Iterator[Span]:
        """Begin a span; what fails inside is told by its type."""
        context = self._parent({"traceparent": parent}) if parent else None
        with self._tracer.start_as_current_span(
            name,
            context=context,
            kind=self._kinds[serves],
            attributes=about,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield _Told(span)
            except BaseException as error:
                span.set_attribute("error.type", type(error).__qualname__)
                span.set_status(self._failed)
                raise


class _Told:
    def __init__(self, span: "trace.Span") -> None:
        self._span = span

    def tell(self, about: About, *, name: str = "") -> None:
        self._span.set_attributes(dict(about))
        if name:
            self._span.update_name(name)
