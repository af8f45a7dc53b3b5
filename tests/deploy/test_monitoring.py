"""Alerts and dashboard: of metrics that exist, with labels that they have, and a remedy for each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

import pytest
import yaml
from prometheus_client import CollectorRegistry

from actgate_operator.certificates.metrics import CertificateMetrics
from actgate_operator.metrics import Metrics as OperatorMetrics
from actgate_operator.registration.metrics import RegistrationMetrics
from actgate_operator.scan.metrics import ScanMetrics
from actgate_webhook.metrics import Metrics as WebhookMetrics
from tests.deploy.rendering import DEPLOY, ROOT, Json, named, render

FOLDER: Final = DEPLOY / "components" / "monitoring"
OTHERS: Final = {
    "up",
    "apiserver_admission_webhook_fail_open_count",
    "apiserver_admission_webhook_rejection_count",
}
"""Metrics of Prometheus and of the API server."""

_METRIC: Final = re.compile(r"\b(?:actgate|apiserver)_[a-z_]+\b|\bup\b(?=\{)")


@cache
def alerts() -> list[Json]:
    """Return every alert."""
    (rule,) = yaml.safe_load_all((FOLDER / "alerts.yaml").read_text("utf-8"))
    return [alert for group in rule["spec"]["groups"] for alert in group["rules"]]


def panels() -> list[Json]:
    """Return every panel of the dashboard."""
    found: list[Json] = json.loads((FOLDER / "dashboard.json").read_text("utf-8"))["panels"]
    return found


def registries() -> Iterator[CollectorRegistry]:
    """Yield what both services register, as they do while they work."""
    yield WebhookMetrics().registry
    operator = OperatorMetrics()
    CertificateMetrics(operator.registry)
    operator.watch_models(dict)
    RegistrationMetrics(operator.registry)
    ScanMetrics(operator.registry)
    yield operator.registry


def exported() -> dict[str, set[str]]:
    """Return the labels of every series that the services can export, by its name."""
    found: dict[str, set[str]] = {}
    for registry in registries():
        for collector in registry._collector_to_names:
            for family in collector.collect():
                labels = set(getattr(collector, "_labelnames", ())) or {
                    name for sample in family.samples for name in sample.labels
                }
                for suffix in {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(
                    family.type, ("",)
                ):
                    found[family.name + suffix] = labels | ({"le"} if suffix == "_bucket" else set())
    return found


def expressions() -> Iterator[str]:
    """Yield every query of alerts and dashboard."""
    yield from (alert["expr"] for alert in alerts())
    yield from (target["expr"] for panel in panels() for target in panel["targets"])


def used(texts: Iterable[str]) -> set[str]:
    """Return the metrics that queries name."""
    return {name for text in texts for name in _METRIC.findall(text)}


def test_every_query_is_of_a_metric_that_exists() -> None:
    """A metric that was renamed would never alert again."""
    assert used(expressions()) <= exported().keys() | OTHERS


def test_every_metric_is_shown_or_watched() -> None:
    """What nothing reads need not be counted."""
    assert not {name for name in exported() if not name.endswith(("_sum", "_count"))} - used(expressions())


@pytest.mark.parametrize("expression", list(expressions()))
def test_a_query_matches_labels_that_the_metric_has(expression: str) -> None:
    """A label that does not exist selects nothing, silently."""
    known = exported()
    for name, matchers in re.findall(r"\b(actgate_[a-z_]+)\{([^}]*)\}", expression):
        assert set(re.findall(r"(\w+)\s*=~?", matchers)) <= known[name]


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_says_how_bad_what_and_where_to_read(alert: Json) -> None:
    """Its section of the runbook exists."""
    assert alert["labels"]["severity"] in ("critical", "warning", "info")
    assert alert["annotations"]["summary"].endswith(".")
    path, _, anchor = alert["annotations"]["runbook"].partition("#")
    assert anchor == alert["alert"].lower()
    assert f"\n## {alert['alert']}\n" in (ROOT / path).read_text("utf-8")


def test_the_runbook_has_no_section_for_an_alert_that_does_not_exist() -> None:
    """Nothing reads it."""
    headings = re.findall(
        r"^## (Actgate\w+)$", (ROOT / "docs" / "runbook.md").read_text("utf-8"), re.MULTILINE
    )
    assert sorted(headings) == sorted(alert["alert"] for alert in alerts())


def test_braces_and_brackets_of_queries_close() -> None:
    """The least that can be said of their syntax without Prometheus."""
    for expression in expressions():
        for opening, closing in ("()", "{}", "[]"):
            assert expression.count(opening) == expression.count(closing), expression


def test_panels_do_not_overlap() -> None:
    """Each has a place and a number of its own, and a title."""
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels()}
    assert len(places) == len(panels()) == len({panel["id"] for panel in panels()})
    assert all(panel["title"] and panel["targets"] for panel in panels())


@pytest.mark.needs_kubectl
def test_monitors_find_the_services() -> None:
    """Each selects one Service by its labels, and names a port of it."""
    objects = render(DEPLOY / "overlays" / "production")
    for monitor, service in (
        ("actgate-webhook", "actgate-webhook"),
        ("actgate-operator", "actgate-operator-metrics"),
    ):
        spec = named(objects, "ServiceMonitor", monitor)["spec"]
        found = named(objects, "Service", service)
        assert spec["selector"]["matchLabels"].items() <= found["metadata"]["labels"].items()
        assert {point["port"] for point in spec["endpoints"]} <= {
            port["name"] for port in found["spec"]["ports"]
        }


@pytest.mark.needs_kubectl
def test_alerts_on_calls_of_the_webhook_name_every_webhook_of_the_registration() -> None:
    """A webhook under another name would never alert."""
    registered = yaml.safe_load((DEPLOY / "base" / "webhook-registration.yaml").read_text("utf-8"))
    names = [webhook["name"] for webhook in registered["webhooks"]]
    patterns = re.findall(r'apiserver_admission_webhook_\w+\{name=~"([^"]*)"', " ".join(expressions()))
    assert len(patterns) == 2
    for pattern in patterns:
        assert all(re.fullmatch(pattern.replace("\\\\", "\\"), name) for name in names), pattern


def test_the_dashboard_is_found_by_its_label() -> None:
    """Under a name that does not change with its content."""
    board = named(render(DEPLOY / "overlays" / "production"), "ConfigMap", "actgate-dashboard")
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(board["data"]["dashboard.json"])["title"] == "actgate"
