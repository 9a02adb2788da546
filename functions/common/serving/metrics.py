"""What a door tells Prometheus. Labels are few-valued: never a product, a batch or a caller."""

import time

from prometheus_client import (
    GC_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from functions.common.records import Creative

SECONDS = tuple(0.01 * 2**n for n in range(14))
"""0.01 s doubling to 81.92 s, as OpenTelemetry's conventions for generative models have it."""

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The metrics of one function."""

    def __init__(self, function: str) -> None:
        self.registry = kept = CollectorRegistry()
        ProcessCollector(registry=kept)
        kept.register(GC_COLLECTOR)
        self._function = function
        self._requests = Counter(
            "adloom_requests", "Requests and events answered.", ["function", "route", "code"], registry=kept
        )
        self._seconds = Histogram(
            "adloom_request_seconds", "Time to answer.", ["function", "route"], buckets=SECONDS, registry=kept
        )
        self._events = Counter(
            "adloom_events", "Events taken, by what became of them.", ["function", "outcome"], registry=kept
        )
        self._creatives = Counter(
            "adloom_creatives", "Creatives made.", ["platform", "outcome", "model_version"], registry=kept
        )
        self._findings = Counter("adloom_findings", "Findings of the gates.", ["rule", "severity"], registry=kept)
        self._score = Histogram(
            "adloom_validity_score_ratio", "Validity of creatives.", ["platform"],
            buckets=[n / 10 for n in range(1, 11)], registry=kept,
        )  # fmt: skip
        self.queue = Gauge("adloom_queue_products", "Products admitted and not yet done.", ["function"], registry=kept)
        self._batch = Histogram(
            "adloom_batch_texts", "Texts in one call of the model.", ["call"],
            buckets=[2**n for n in range(11)], registry=kept,
        )  # fmt: skip
        self._callers = Histogram(
            "adloom_batch_requests", "Requests that shared one call of the model.", ["call"],
            buckets=[1, 2, 4, 8, 16, 32], registry=kept,
        )  # fmt: skip
        self._refused = Counter(
            "adloom_refused", "Requests refused before any work.", ["function", "reason"], registry=kept
        )
        self._feedback = Counter("adloom_feedback", "Verdicts of people.", ["verdict"], registry=kept)
        self._cold = Gauge(
            "adloom_cold_start_seconds", "From the process's start until it was ready.", ["function"], registry=kept
        )
        self._info = Gauge(
            "adloom_model_info", "The models that answer here; always 1.", ["role", "version"], registry=kept
        )

    def answered(self, route: str, code: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(self._function, route, str(code)).inc()
        self._seconds.labels(self._function, route).observe(seconds)

    def event(self, outcome: str) -> None:
        """An event ended as ``done``, ``ignored``, ``refused`` (for good) or ``failed`` (for now)."""
        self._events.labels(self._function, outcome).inc()

    def refused(self, reason: str) -> None:
        """A request was refused as ``unknown``, ``forbidden``, ``rate`` or ``full``."""
        self._refused.labels(self._function, reason).inc()

    def creative(self, made: Creative) -> None:
        """A creative was made."""
        self._creatives.labels(made.platform, made.status, made.model_version).inc()
        for finding in made.findings:
            self._findings.labels(finding.rule, finding.severity).inc()
        if made.score is not None:
            self._score.labels(made.platform).observe(made.score)

    def verdict(self, verdict: str) -> None:
        """A person judged a creative."""
        self._feedback.labels(verdict).inc()

    def batch(self, call: str, texts: int, requests: int) -> None:
        """The model was called for so many texts of so many requests at once."""
        self._batch.labels(call).observe(texts)
        self._callers.labels(call).observe(requests)

    def ready(self, models: dict[str, str]) -> None:
        """The function is ready, with these models: role -> version."""
        self._cold.labels(self._function).set(time.time() - _born())
        for role, version in models.items():
            self._info.labels(role, version).set(1)

    def text(self) -> bytes:
        """All of it, in Prometheus' format."""
        return generate_latest(self.registry)


def _born() -> float:
    """When the server's first process started, in seconds since 1970: the parent, where this one was forked off."""
    import os
    from pathlib import Path

    try:
        boot = next(
            int(line.split()[1]) for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime")
        )
        fields = Path(f"/proc/{os.getpid()}/stat").read_text().rpartition(")")[2].split()
        parent = Path(f"/proc/{fields[1]}/stat").read_text().rpartition(")")[2].split()
        command = Path(f"/proc/{fields[1]}/cmdline").read_bytes()
        ticks = int(parent[19] if command == Path("/proc/self/cmdline").read_bytes() else fields[19])
        return boot + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, StopIteration, IndexError, ValueError):
        return time.time()
