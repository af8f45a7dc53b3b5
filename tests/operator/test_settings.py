from __future__ import annotations

from pathlib import Path

import pytest

from actgate_operator import settings as module
from actgate_operator.settings import PREFIX, Settings, UnusableSettingsError


def test_the_defaults_are_those_of_a_pod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The lease is in the pod's own namespace, in the pod's name."""
    told = tmp_path / "namespace"
    told.write_text("governance\n", encoding="utf-8")
    monkeypatch.setattr(module, "_POD_NAMESPACE", told)
    monkeypatch.setenv("HOSTNAME", "actgate-operator-7c9f-x2x8v")
    settings = Settings.read([])
    assert (settings.lease_namespace, settings.lease_name) == ("governance", "actgate-operator")
    assert settings.identity == "actgate-operator-7c9f-x2x8v"
    assert (settings.health_port, settings.workers, settings.resync_seconds) == (8080, 16, 600.0)
    assert settings.kubeconfig is None


def test_outside_of_a_pod_the_usual_namespace_is_meant(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And the machine's name stands for the pod's."""
    monkeypatch.setattr(module, "_POD_NAMESPACE", tmp_path / "absent")
    monkeypatch.delenv("HOSTNAME", raising=False)
    settings = Settings.read([])
    assert settings.lease_namespace == "actgate-system"
    assert settings.identity


def test_a_silence_is_told_before_it_ends_the_process() -> None:
    """Unready first: a restart mends little that waiting does not."""
    settings = Settings.read([])
    # Longer than from bookmark to bookmark, and than the list after them.
    assert 75.0 < settings.unready_after_seconds < settings.unhealthy_after_seconds


def test_a_flag_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both set the same field."""
    monkeypatch.setenv(f"{PREFIX}WORKERS", "3")
    monkeypatch.setenv(f"{PREFIX}LOG_LEVEL", "DEBUG")
    monkeypatch.setenv(f"{PREFIX}KUBECONFIG", "/etc/kubeconfig")
    assert Settings.read([]).workers == 3
    settings = Settings.read(["--workers", "5"])
    assert (settings.workers, settings.log_level) == (5, "DEBUG")
    assert settings.kubeconfig == Path("/etc/kubeconfig")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--workers", "x"], r"--workers \(or ACTGATE_OPERATOR_WORKERS\): .*valid integer"),
        (["--workers", "0"], "--workers .*greater than or equal to 1"),
        (["--health-port", "70000"], "--health-port .*less than or equal to 65535"),
        (["--resync-seconds", "0"], "--resync-seconds .*greater than 0"),
        (["--resync-seconds", "nan"], "--resync-seconds .*finite"),
        (["--resync-seconds", "86400"], "--resync-seconds .*less than or equal to 3600"),
        (["--log-level", "loud"], "--log-level .*'DEBUG', 'INFO'"),
        (["--lease-name", "Operator_1"], "--lease-name .*match pattern"),
        (["--lease-namespace", ""], "--lease-namespace .*match pattern"),
        (["--identity", ""], "--identity .*at least 1 character"),
        (["--certificates", "Mine"], "--certificates .*'SelfManaged' or 'External'"),
        (["--webhook-registration", "Actgate"], "--webhook-registration .*match pattern"),
        (["--webhook-names", "no_name"], "--webhook-names .*match pattern"),
        (["--workers", "x", "--health-port", "-1"], "--health-port .*; --workers "),
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
    monkeypatch.setenv(f"{PREFIX}WEBHOOK_NAMES", '["webhook.example"]')
    assert Settings.read([]).webhook_names == ("webhook.example",)
    flags = ["--webhook-names", "webhook.example", "--webhook-names", "10.0.0.1"]
    assert Settings.read(flags).webhook_names == ("webhook.example", "10.0.0.1")
    assert Settings.read(["--webhook-names", "a.example,::1"]).webhook_names == ("a.example", "::1")


def test_a_flag_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A setting that was misspelt must not be overlooked."""
    with pytest.raises(SystemExit) as ended:
        Settings.read(["--worker-count", "5"])
    assert ended.value.code == 2
    assert "--worker-count" in capsys.readouterr().err


def test_help_tells_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    """Each flag is there with its sentence."""
    with pytest.raises(SystemExit) as ended:
        Settings.read(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    for name in Settings.model_fields:
        assert f"--{name.replace('_', '-')}" in told
    assert "Models that are worked on at the same time" in told
