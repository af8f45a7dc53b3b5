from __future__ import annotations

from pathlib import Path

import pytest

from actgate.kube.timing import LeaseTiming
from actgate.runtime import settings as runtime_settings
from actgate.runtime.settings import UnusableSettingsError
from actgate_operator.settings import Settings
from actgate_operator.writer import Writer
from tests.operator.fakes import unreachable


def test_the_defaults_are_those_of_a_pod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The lease is in the pod's own namespace, in the pod's name."""
    namespace = tmp_path / "namespace"
    namespace.write_text("governance\n", encoding="utf-8")
    monkeypatch.setattr(runtime_settings, "_POD_NAMESPACE", namespace)
    monkeypatch.setenv("HOSTNAME", "actgate-operator-7c9f-x2x8v")
    settings = Settings.read([])
    assert (settings.lease_namespace, settings.lease_name) == ("governance", "actgate-operator")
    assert settings.identity == "actgate-operator-7c9f-x2x8v"
    assert (settings.health_port, settings.max_concurrent_reconciles, settings.sync_period) == (
        8080,
        16,
        600.0,
    )
    assert settings.kubeconfig is None


def test_outside_of_a_pod_the_usual_namespace_is_meant(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And the machine's name stands for the pod's."""
    monkeypatch.setattr(runtime_settings, "_POD_NAMESPACE", tmp_path / "absent")
    monkeypatch.delenv("HOSTNAME", raising=False)
    settings = Settings.read([])
    assert settings.lease_namespace == "actgate-system"
    assert settings.identity


def test_a_write_ends_before_another_replica_can_lead() -> None:
    """A leader writes until its deadline, and a candidate waits for the whole duration."""
    for flags in ([], ["--leader-elect-lease-duration", "60s", "--leader-elect-renew-deadline", "40s"]):
        settings = Settings.read(flags)
        timing = settings.lease_timing
        assert timing.renew_deadline + settings.write_seconds < timing.duration
    settings = Settings.read([])
    assert (settings.lease_timing, settings.write_seconds) == (
        LeaseTiming(),
        Writer(unreachable(), bool).within,
    )


def test_a_silence_is_reported_before_it_ends_the_process() -> None:
    """Unready first: a restart fixes little that waiting does not."""
    settings = Settings.read([])
    # Longer than from bookmark to bookmark, and than the list after them.
    assert 75.0 < settings.unready_after < settings.unhealthy_after


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--max-concurrent-reconciles", "x"],
            r"--max-concurrent-reconciles \(or ACTGATE_OPERATOR_MAX_CONCURRENT_RECONCILES\): .*valid integer",
        ),
        (["--max-concurrent-reconciles", "0"], "--max-concurrent-reconciles .*greater than or equal to 1"),
        (["--health-port", "70000"], "--health-port .*less than or equal to 65535"),
        (["--sync-period", "24h"], "--sync-period .*must be from 1ms to 1h"),
        (["--lease-name", "Operator_1"], "--lease-name .*match pattern"),
        (["--lease-namespace", ""], "--lease-namespace .*match pattern"),
        (
            ["--leader-elect-renew-deadline", "11s"],
            "--leader-elect-renew-deadline .*must be at most 10s, 0.67 of --leader-elect-lease-duration",
        ),
        (
            ["--leader-elect-retry-period", "5s"],
            "--leader-elect-retry-period .*must be at most 4s500ms",
        ),
        (["--leader-elect-lease-duration", "0s"], "--leader-elect-lease-duration .*must be from 1ms"),
        (["--identity", ""], "--identity .*at least 1 character"),
        (["--certificates", "Mine"], "--certificates .*'SelfManaged' or 'External'"),
        (["--webhook-configuration", "Actgate"], "--webhook-configuration .*match pattern"),
        (["--webhook-extra-sans", "no_name"], "--webhook-extra-sans .*match pattern"),
        (
            ["--max-concurrent-reconciles", "x", "--health-port", "-1"],
            "--health-port .*; --max-concurrent-reconciles ",
        ),
    ],
)
def test_what_cannot_be_used_is_named(arguments: list[str], words: str) -> None:
    """Flag, variable and reason, all problems at once."""
    with pytest.raises(UnusableSettingsError, match=words):
        Settings.read(arguments)


def test_more_names_for_the_certificate_can_be_given_one_by_one_or_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As flags, as one list, and as a variable."""
    monkeypatch.setenv("ACTGATE_OPERATOR_WEBHOOK_EXTRA_SANS", '["webhook.example"]')
    assert Settings.read([]).webhook_extra_sans == ("webhook.example",)
    flags = ["--webhook-extra-sans", "webhook.example", "--webhook-extra-sans", "10.0.0.1"]
    assert Settings.read(flags).webhook_extra_sans == ("webhook.example", "10.0.0.1")
    assert Settings.read(["--webhook-extra-sans", "a.example,::1"]).webhook_extra_sans == ("a.example", "::1")
