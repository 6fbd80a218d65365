"""Metrics as a scraper reads them, and alert rules of the plain form that ours have.

The text is parsed by Prometheus's own parser; a rule is "metric, comparison, number", where the
metric may have matchers, be the increase of a counter between two scrapes, or the least of a while.
One whose series may be gone altogether says so: "... or absent(metric)".
"""

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import yaml
from prometheus_client.parser import text_string_to_metric_families

from keyturn.api.operations import build_operations
from keyturn.services.ports import World

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"

Labels = frozenset[tuple[str, str]]
Samples = Mapping[tuple[str, Labels], float]

RULE = re.compile(
    r"(?:(?P<over>increase|min_over_time)\()?(?P<name>[a-z_]+)(?:\{(?P<matchers>[^}]*)\})?(?:\[\d+m\]\))?"
    r"\s*(?P<compared>==|<|>)\s*(?P<number>\d+)"
    r"(?P<absent> or absent\((?P=name)\{(?P=matchers)\}\))?"
)
MATCHER = re.compile(r'(\w+)(=~|=)"([^"]*)"')
COMPARED = {"==": operator.eq, "<": operator.lt, ">": operator.gt}


def parsed(text: str) -> Samples:
    """Read the text of a scrape."""
    families = text_string_to_metric_families(text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


async def scraped(world: World) -> Samples:
    """Scrape a process at its own door."""
    transport = httpx2.ASGITransport(build_operations(world, version="1.2.3"))
    async with httpx2.AsyncClient(transport=transport, base_url="http://operations") as http:
        answer = await http.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return parsed(answer.text)


def value(samples: Samples, name: str, **labels: str) -> float:
    """Return one sample, which is there."""
    return samples[name, frozenset(labels.items())]


@dataclass(frozen=True)
class Rule:
    """An alert."""

    name: str
    metric: str
    matchers: tuple[tuple[str, str, str], ...]
    increase: bool
    compared: str
    number: float
    runbook: str
    absent: bool = False

    def fires(self, before: Samples, now: Samples) -> bool:
        """Say whether its condition is true of what was scraped last."""
        values = {
            of: seen for of, seen in now.items() if of[0] == self.metric and self._fits(of[1])
        }
        if self.absent and not values:
            return True
        if self.increase:
            values = {of: seen - before.get(of, 0.0) for of, seen in values.items()}
        return any(COMPARED[self.compared](seen, self.number) for seen in values.values())

    def _fits(self, labels: Labels) -> bool:
        found = dict(labels)
        return all(
            re.fullmatch(wanted if how == "=~" else re.escape(wanted), found.get(label, ""))
            for label, how, wanted in self.matchers
            if label != "job"  # Prometheus's own
        )


def rule_of(told: Mapping[str, Any]) -> Rule:
    """Read an alert; one that is not of the plain form is a fault."""
    found = RULE.fullmatch(" ".join(told["expr"].split()))
    assert found, told["expr"]
    return Rule(
        told["alert"],
        found["name"],
        tuple(MATCHER.findall(found["matchers"] or "")),
        found["over"] == "increase",
        found["compared"],
        float(found["number"]),
        told["annotations"]["runbook_url"],
        bool(found["absent"]),
    )


def rules() -> Mapping[str, Rule]:
    """Read all alerts by name."""
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return {told["alert"]: rule_of(told) for group in groups for told in group["rules"]}
