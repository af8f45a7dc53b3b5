from __future__ import annotations

from pathlib import Path

import pytest

from actgate_webhook.settings import PREFIX, Settings, UnusableSettingsError


def test_the_defaults_are_those_of_a_pod() -> None:
    """Without any setting the webhook serves as the manifests in deploy/ expect it."""
    settings = Settings.read([])
    assert (settings.port, settings.drain_seconds) == (8443, 10.0)
    assert settings.tls_certificate == Path("/etc/actgate/tls/tls.crt")
    assert (settings.decision_log, settings.unrecorded) == ("-", "refuse")
    # Kubernetes waits 30 s after SIGTERM, unless it is told otherwise.
    assert settings.drain_seconds + settings.finish_seconds < 30


def test_a_flag_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both set the same field."""
    monkeypatch.setenv(f"{PREFIX}PORT", "1111")
    monkeypatch.setenv(f"{PREFIX}LOG_LEVEL", "DEBUG")
    assert Settings.read([]).port == 1111
    settings = Settings.read(["--port", "2222"])
    assert (settings.port, settings.log_level) == (2222, "DEBUG")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "x"], r"--port \(or ACTGATE_WEBHOOK_PORT\): .*valid integer"),
        (["--port", "70000"], "less than or equal to 65535"),
        (["--drain-seconds", "-1"], "--drain-seconds .*greater than or equal to 0"),
        (["--drain-seconds", "nan"], "--drain-seconds .*finite"),
        (["--log-level", "loud"], "--log-level .*'DEBUG', 'INFO'"),
        (["--unrecorded", "ignore"], "--unrecorded .*'refuse' or 'count'"),
        (["--client-name", "kube-apiserver"], "--client-name .*give --client-ca too"),
        (["--port", "x", "--reload-seconds", "0"], "--port .*; --reload-seconds "),
    ],
)
def test_what_cannot_be_used_is_named(arguments: list[str], words: str) -> None:
    """Flag, variable and reason, all problems at once."""
    with pytest.raises(UnusableSettingsError, match=words):
        Settings.read(arguments)


def test_help_tells_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    """Each flag is there with its sentence."""
    with pytest.raises(SystemExit) as ended:
        Settings.read(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    for name in Settings.model_fields:
        assert f"--{name.replace('_', '-')}" in told
    assert "Seconds of serving, unready, after SIGTERM" in told
