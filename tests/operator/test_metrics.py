"""What a scraper reads of an operator."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from actgate.kube.objects import Key
from actgate.kube.observing import Asked
from actgate_operator.metrics import OUTCOMES, Metrics
from actgate_operator.reconcile import Report

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scraped(metrics: Metrics) -> Samples:
    """Return every sample by its name and labels."""
    body, _ = metrics.exposition("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, /, **labels: str) -> float | None:
    """Return one sample, None where it is not there."""
    return scraped(metrics).get((f"actgate_operator_{name}", tuple(sorted(labels.items()))))


def test_who_leads_says_so() -> None:
    """One or zero."""
    metrics = Metrics()
    assert value(metrics, "leader") == 0
    metrics.lead(True)
    assert value(metrics, "leader") == 1
    metrics.lead(False)
    assert value(metrics, "leader") == 0


def test_requests_are_counted_by_verb_resource_and_code() -> None:
    """Code 0 where there was no answer."""
    metrics = Metrics()
    for code in (200, 200, 0):
        metrics.asked(Asked("patch", "modeldeployments/status", code, 0.1))
    labels = {"verb": "patch", "resource": "modeldeployments/status"}
    assert value(metrics, "api_requests_total", **labels, code="200") == 2
    assert value(metrics, "api_requests_total", **labels, code="0") == 1


def test_passes_are_timed_also_when_they_fail() -> None:
    """And those that have to be repeated are counted by why."""
    metrics = Metrics()
    with metrics.reconciling():
        pass
    with pytest.raises(ValueError, match="a defect"), metrics.reconciling():
        raise ValueError("a defect")
    metrics.failed("EvidenceUnavailable")
    assert value(metrics, "reconcile_duration_seconds_count") == 2
    assert value(metrics, "reconcile_errors_total", reason="EvidenceUnavailable") == 1


def test_depth_and_age_are_those_of_the_moment_of_the_scrape() -> None:
    """Nothing has to be kept up to date."""
    metrics, depth, age = Metrics(), [3], [1.5]
    metrics.watch_queue(lambda: depth[0], lambda: age[0])
    metrics.observe_cache("deployments.apps", lambda: 3, lambda: age[0])
    assert (value(metrics, "queue_depth"), value(metrics, "queue_age_seconds")) == (3, 1.5)
    depth[0], age[0] = 0, 7.0
    assert (value(metrics, "queue_depth"), value(metrics, "queue_age_seconds")) == (0, 7.0)
    assert value(metrics, "cache_age_seconds", resource="deployments.apps") == 7.0
    assert value(metrics, "cache_objects", resource="deployments.apps") == 3


def test_models_are_counted_by_outcome_and_no_outcome_is_missing() -> None:
    """A zero is an answer, and an alert on an absent series never fires."""
    metrics = Metrics()
    metrics.watch_models(dict)
    for outcome in OUTCOMES:
        for ready in ("true", "false"):
            assert value(metrics, "models", outcome=outcome, ready=ready) == 0
    metrics.models[("credit", "a")] = Report("Pass", ready=True)
    metrics.models[("credit", "b")] = Report("Pass", ready=False)
    metrics.models[("credit", "c")] = Report("Pass", ready=True)
    metrics.models[("credit", "d")] = Report("Unknown", ready=False)
    assert value(metrics, "models", outcome="Pass", ready="true") == 2
    assert value(metrics, "models", outcome="Pass", ready="false") == 1
    assert value(metrics, "models", outcome="Unknown", ready="false") == 1
    metrics.models.clear()
    assert value(metrics, "models", outcome="Pass", ready="true") == 0


def test_each_model_shows_when_its_evidence_stops_counting_and_is_forgotten_with_it() -> None:
    """As Unix time, so that a query subtracts now; a model that is gone leaves no series."""
    metrics = Metrics()
    moments: dict[Key, float] = {("credit", "scorer"): 1_800_000_000.0}
    metrics.watch_models(lambda: moments)
    labels = {"namespace": "credit", "name": "scorer"}
    name = "evidence_expiration_timestamp_seconds"
    assert value(metrics, name, **labels) == 1_800_000_000.0
    moments.clear()
    assert value(metrics, name, **labels) is None


def test_the_format_is_the_scrapers_choice() -> None:
    """OpenMetrics where it asks for it."""
    body, content_type = Metrics().exposition("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
    assert Metrics().exposition("")[1].startswith("text/plain")


def test_two_operators_in_one_process_stay_apart() -> None:
    """Each has its own registry."""
    one, other = Metrics(), Metrics()
    one.lead(True)
    assert (value(one, "leader"), value(other, "leader")) == (1, 0)
