from __future__ import annotations

from pathlib import Path

import pytest

from actgate.runtime.settings import UnusableSettingsError
from actgate_webhook.settings import Settings


def test_the_defaults_are_those_of_a_pod() -> None:
    """Without any setting the webhook serves as the manifests in deploy/ expect it."""
    settings = Settings.read([])
    assert (settings.secure_port, settings.shutdown_delay_duration) == (8443, 10.0)
    assert settings.tls_cert_file == Path("/etc/actgate/tls/tls.crt")
    assert (settings.decision_log, settings.decision_log_failure_policy) == ("-", "Fail")
    # Kubernetes waits 30 s after SIGTERM, unless the pod sets another period.
    assert settings.shutdown_delay_duration + settings.shutdown_timeout < 30


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--secure-port", "x"], r"--secure-port \(or ACTGATE_WEBHOOK_SECURE_PORT\): .*valid integer"),
        (["--shutdown-delay-duration", "11m"], "--shutdown-delay-duration .*must be from 0s to 10m"),
        (["--shutdown-timeout", "500ms"], "--shutdown-timeout .*must be from 1s to 10m"),
        (["--decision-log-failure-policy", "ignore"], "--decision-log-failure-policy .*'Fail' or 'Ignore'"),
        (["--client-allowed-names", "kube-apiserver"], "--client-allowed-names .*give --client-ca-file too"),
        # What it was called, and is the beginning of a flag: it must not be taken for that.
        (["--client-ca", "/ca.crt"], "unrecognized arguments: --client-ca /ca.crt"),
    ],
)
def test_what_cannot_be_used_is_named(arguments: list[str], words: str) -> None:
    """Flag, variable and reason."""
    with pytest.raises(UnusableSettingsError, match=words):
        Settings.read(arguments)
