"""Each alert, evaluated by Prometheus' own promtool: it fires when it should, and not otherwise."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.deploy.rendering import NAMESPACE, Json
from tests.deploy.test_monitoring import FOLDER, alerts

_PROMTOOL: Final = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(_PROMTOOL is None, reason="there is no promtool in PATH")

Series = dict[str, str]
"""What a test puts in, by the series; in promtool's notation, a sample each minute."""


@dataclass(frozen=True, slots=True)
class Case:
    """An alert, the series with which it fires, and others, as near as can be, with which it does not."""

    at: str
    fires: Series
    quiet: Series
    labels: Json = field(default_factory=dict)
    """Labels that it has then, beside the severity."""
    summary: str = ""
    """Its summary with the values put in; as it is written if empty."""


def _up(service: str, pod: str) -> str:
    return f'up{{namespace="{NAMESPACE}", service="{service}", pod="{pod}"}}'


_REVIEWS: Final = "actgate_webhook_review_duration_seconds_bucket"
_DAYS: Final = 86_400
_EVIDENCE: Final = 'actgate_operator_evidence_expiration_timestamp_seconds{namespace="n", name="m"}'
_HOOK: Final = 'name="serving.actgate.dev"'
_OTHER_HOOK: Final = 'name="pods.example.com"'

CASES: Final[dict[str, Case]] = {
    "ActgateWebhookDown": Case(
        "5m",
        fires={_up("actgate-webhook", "a"): "0x20", _up("actgate-operator", "b"): "1x20"},
        quiet={_up("actgate-webhook", "a"): "0x20", _up("actgate-webhook", "b"): "1x20"},
    ),
    "ActgateWebhookReplicasMissing": Case(
        "15m",
        fires={_up("actgate-webhook", "a"): "0x20", _up("actgate-webhook", "b"): "1x20"},
        quiet={_up("actgate-webhook", "a"): "1x20", _up("actgate-webhook", "b"): "1x20"},
    ),
    "ActgateWebhookSlow": Case(
        "20m",
        fires={
            f'{_REVIEWS}{{le="{le}"}}': "0+60x30" if le != "0.5" else "0x30" for le in ("0.5", "2.5", "+Inf")
        },
        quiet={f'{_REVIEWS}{{le="{le}"}}': "0+60x30" for le in ("0.5", "2.5", "+Inf")},
        summary="One review in a hundred takes 2.48s; the API server waits 5 s.",
    ),
    "ActgateWebhookUnavailableResponses": Case(
        "12m",
        fires={'actgate_webhook_reviews_total{outcome="Unavailable"}': "0+1x20"},
        quiet={'actgate_webhook_reviews_total{outcome="Denied"}': "0+1x20"},
    ),
    "ActgateWebhookCacheStale": Case(
        "6m",
        fires={'actgate_webhook_cache_age_seconds{pod="a", resource="namespaces"}': "200x20"},
        quiet={'actgate_webhook_cache_age_seconds{pod="a", resource="namespaces"}': "150x20"},
        labels={"pod": "a", "resource": "namespaces"},
        summary="The cache of namespaces in a is 3m 20s old.",
    ),
    "ActgateWebhookFailedOpen": Case(
        "5m",
        fires={f"apiserver_admission_webhook_fail_open_count{{{_HOOK}}}": "0 0 1x10"},
        quiet={
            f"apiserver_admission_webhook_fail_open_count{{{_HOOK}}}": "1x10",
            f"apiserver_admission_webhook_fail_open_count{{{_OTHER_HOOK}}}": "0+1x10",
        },
    ),
    "ActgateWebhookCallErrors": Case(
        "5m",
        fires={
            "apiserver_admission_webhook_rejection_count"
            f'{{{_HOOK}, error_type="calling_webhook_error"}}': "0 0 1x10"
        },
        quiet={f'apiserver_admission_webhook_rejection_count{{{_HOOK}, error_type="no_error"}}': "0+1x10"},
    ),
    "ActgateCertificateExpiring": Case(
        "2h",
        fires={"actgate_webhook_certificate_expiration_timestamp_seconds": f"{10 * _DAYS}x130"},
        quiet={"actgate_webhook_certificate_expiration_timestamp_seconds": f"{20 * _DAYS}x130"},
        summary="The webhook's certificate ends in 9d 22h 0m 0s and was not renewed.",
    ),
    "ActgateWebhookUnreachable": Case(
        "6m",
        fires={f'actgate_operator_webhook_up{{pod="{pod}"}}': "0x20" for pod in "ab"},
        quiet={
            'actgate_operator_webhook_up{pod="a"}': "0x20",
            'actgate_operator_webhook_up{pod="b"}': "1x20",
        },
    ),
    "ActgateRegistrationWeakened": Case(
        "6m",
        fires={
            'actgate_operator_registration_weaknesses{reason="Rules", pod="a"}': "2x20",
            'actgate_operator_registration_weaknesses{reason="Rules", pod="b"}': "0x20",
        },
        quiet={
            'actgate_operator_registration_weaknesses{reason="Rules", pod="a"}': "0x20",
            'actgate_operator_registration_weaknesses{reason="Missing", pod="a"}': "1x3 0x20",
        },
        labels={"reason": "Rules"},
        summary="The API server asks the webhook about less than it should: Rules.",
    ),
    "ActgateCertificateErrors": Case(
        "40m",
        fires={'actgate_operator_certificate_errors_total{reason="Forbidden"}': "0+1x60"},
        quiet={'actgate_operator_certificate_errors_total{reason="Forbidden"}': "0x10 1x50"},
        labels={"reason": "Forbidden"},
        summary="The operator cannot reconcile the webhook's certificates: Forbidden.",
    ),
    "ActgateCertificateReloadErrors": Case(
        "10m",
        fires={'actgate_webhook_certificate_reloads_total{pod="a", result="error"}': "0+1x20"},
        quiet={'actgate_webhook_certificate_reloads_total{pod="a", result="success"}': "0+1x20"},
        labels={"pod": "a"},
        summary="a cannot load the new certificate, and serves the previous one.",
    ),
    "ActgateDecisionLogLost": Case(
        "5m",
        fires={'actgate_webhook_decision_log_lost_total{pod="a"}': "0 0 1x10"},
        quiet={'actgate_webhook_decision_log_lost_total{pod="a"}': "1x10"},
        labels={"pod": "a"},
        summary="a could not write decisions to its log.",
    ),
    "ActgateOperatorNoLeader": Case(
        "6m",
        fires={f'actgate_operator_leader{{pod="{pod}"}}': "0x20" for pod in "ab"},
        quiet={'actgate_operator_leader{pod="a"}': "0x20", 'actgate_operator_leader{pod="b"}': "1x20"},
    ),
    "ActgateOperatorMultipleLeaders": Case(
        "4m",
        fires={f'actgate_operator_leader{{pod="{pod}"}}': "1x20" for pod in "ab"},
        quiet={'actgate_operator_leader{pod="a"}': "0x20", 'actgate_operator_leader{pod="b"}': "1x20"},
    ),
    "ActgateOperatorQueueDelayed": Case(
        "6m",
        fires={"actgate_operator_queue_age_seconds": "180x20"},
        quiet={"actgate_operator_queue_age_seconds": "150x20"},
        summary="A model has waited for 3m 0s to be reconciled.",
    ),
    "ActgateOperatorCacheStale": Case(
        "6m",
        fires={'actgate_operator_cache_age_seconds{pod="a", resource="pods"}': "200x20"},
        quiet={'actgate_operator_cache_age_seconds{pod="a", resource="pods"}': "150x20"},
        labels={"pod": "a", "resource": "pods"},
        summary="The cache of pods in a is 3m 20s old.",
    ),
    "ActgateOperatorErrors": Case(
        "30m",
        fires={'actgate_operator_reconcile_errors_total{reason="Timeout"}': "0+12x40"},
        quiet={'actgate_operator_reconcile_errors_total{reason="Timeout"}': "0+3x40"},
        labels={"reason": "Timeout"},
        summary="Reconciliations fail and are retried: Timeout.",
    ),
    "ActgateOperatorForbidden": Case(
        "20m",
        fires={
            'actgate_operator_api_requests_total{verb="patch", resource="services", code="403"}': "0+1x30"
        },
        quiet={
            'actgate_operator_api_requests_total{verb="patch", resource="services", code="409"}': "0+1x30"
        },
        labels={"verb": "patch", "resource": "services"},
        summary="The API server forbids the operator to patch services.",
    ),
    "ActgateEvidenceExpiring": Case(
        "2h",
        fires={_EVIDENCE: f"{10 * _DAYS}x130"},
        quiet={_EVIDENCE: f"{20 * _DAYS}x130"},
        labels={"namespace": "n", "name": "m"},
        summary="Evidence of n/m is valid for 9d 22h 0m 0s more.",
    ),
    "ActgateModelEvidenceFailing": Case(
        "40m",
        fires={'actgate_operator_models{outcome="Fail"}': "3x60"},
        quiet={
            'actgate_operator_models{outcome="Fail"}': "0x60",
            'actgate_operator_models{outcome="Pass"}': "3x60",
        },
        summary="The evidence of 3 models does not hold.",
    ),
    "ActgateScanDelayed": Case(
        "12m",
        fires={'actgate_scan_lag_seconds{pod="a"}': "900x20", 'actgate_scan_lag_seconds{pod="b"}': "0x20"},
        quiet={'actgate_scan_lag_seconds{pod="a"}': "600x20"},
        summary="An object that changed, or whose evidence did, has waited for 15m 0s to be judged.",
    ),
    "ActgateScanIncomplete": Case(
        "40m",
        fires={f'actgate_scan_complete{{pod="{pod}"}}': "0x60" for pod in "ab"},
        quiet={
            'actgate_scan_complete{pod="a"}': "0x60",
            'actgate_scan_complete{pod="b"}': "1x60",
            'actgate_scan_unread_kinds{pod="b"}': "0x60",
        },
    ),
    "ActgateReportErrors": Case(
        "40m",
        fires={'actgate_report_writes_total{result="error"}': "0+1x60"},
        quiet={
            'actgate_report_writes_total{result="error"}': "0x10 1x50",
            'actgate_report_writes_total{result="written"}': "0+300x60",
        },
    ),
    "ActgateReportsSuppressed": Case(
        "40m",
        fires={'actgate_reports_suppressed{pod="a"}': "12x60"},
        quiet={'actgate_reports_suppressed{pod="a"}': "0x60"},
        summary="12 objects with findings have no report, since there are 10,000 already.",
    ),
    "ActgateServingKindProblem": Case(
        "40m",
        fires={
            'actgate_serving_kind_problems{kind="Scorer.models.example.com", reason="Unreadable"}': "1x60"
        },
        quiet={
            'actgate_serving_kind_problems{kind="Scorer.models.example.com", reason="Unreadable"}': "1x5 0x55"
        },
        labels={"kind": "Scorer.models.example.com", "reason": "Unreadable"},
        summary="The row of Scorer.models.example.com is not used, or does not fit the cluster: Unreadable.",
    ),
    "ActgateRunningWithoutEvidence": Case(
        "40m",
        fires={'actgate_scan_subjects{tier="Strong", outcome="fail"}': "2x60"},
        quiet={
            'actgate_scan_subjects{tier="Strong", outcome="fail"}': "0x60",
            'actgate_scan_subjects{tier="Strong", outcome="warn"}': "2x60",
        },
        summary="2 objects run that would be refused today.",
    ),
}


def promtool(*arguments: str) -> None:
    """Run promtool; what it finds fails the test."""
    assert _PROMTOOL is not None, "a test that runs promtool must be marked needs_promtool"
    done = subprocess.run(  # noqa: S603 - files of ours
        [_PROMTOOL, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """The alerts as Prometheus reads them: what the Prometheus operator makes of the PrometheusRule."""
    (rule,) = yaml.safe_load_all((FOLDER / "alerts.yaml").read_text("utf-8"))
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(rule["spec"]), encoding="utf-8")
    return file


def unit_test(alert: Json, name: str, series: Series, expected: dict[str, list[Json]]) -> Json:
    """Return a test of promtool: series, and the alerts that fire at each of some times."""
    return {
        "name": f"{alert['alert']} {name}",
        "interval": "1m",
        "input_series": [{"series": key, "values": values} for key, values in series.items()],
        "alert_rule_test": [
            {"eval_time": at, "alertname": alert["alert"], "exp_alerts": firing}
            for at, firing in expected.items()
        ],
    }


def unit_tests(alert: Json) -> list[Json]:
    """Return that an alert fires, not before its time is over, and that it is quiet."""
    case = CASES[alert["alert"]]
    annotations = dict(alert["annotations"])
    if case.summary:
        annotations["summary"] = case.summary
    firing = {"exp_labels": {**alert["labels"], **case.labels}, "exp_annotations": annotations}
    # A moment of the wait at which the expression holds already, or nearly so.
    before: dict[str, list[Json]] = {"1m": []} if "for" in alert else {}
    return [
        unit_test(alert, "fires", case.fires, {**before, case.at: [firing]}),
        unit_test(alert, "is quiet", case.quiet, {case.at: []}),
    ]


def test_every_alert_has_a_test() -> None:
    """Of when it fires, and of when it does not."""
    assert sorted(CASES) == sorted(alert["alert"] for alert in alerts())


@needs_promtool
def test_prometheus_reads_the_rules(rules: Path) -> None:
    """Every expression and every template."""
    promtool("check", "rules", "--lint=all", "--lint-fatal", str(rules))


@needs_promtool
def test_an_alert_fires_when_it_should_and_not_otherwise(rules: Path) -> None:
    """With the labels and the sentence that a person then reads."""
    tests = [test for alert in alerts() for test in unit_tests(alert)]
    content = {"rule_files": [rules.name], "evaluation_interval": "1m", "tests": tests}
    file = rules.with_name("tests.yaml")
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    promtool("test", "rules", str(file))
