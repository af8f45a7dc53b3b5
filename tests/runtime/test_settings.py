"""What every service's settings share: flags, variables, durations, and what is refused."""

from __future__ import annotations

import pytest
from pydantic_settings import SettingsConfigDict

from actgate.api.durations import parse_seconds
from actgate.runtime.settings import Between, Duration, Interval, Port, ServiceSettings, UnusableSettingsError


class Settings(ServiceSettings):
    """Those of a service of the tests."""

    model_config = SettingsConfigDict(env_prefix="ACTGATE_TEST_", cli_prog_name="actgate-test")

    secure_port: Port = 8443
    """Port."""
    shutdown_timeout: Interval = Duration(150)
    """Time to stop."""


def test_a_flag_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both set the same field."""
    monkeypatch.setenv("ACTGATE_TEST_SECURE_PORT", "1111")
    monkeypatch.setenv("ACTGATE_TEST_LOG_LEVEL", "DEBUG")
    assert Settings.read([]).secure_port == 1111
    settings = Settings.read(["--secure-port", "2222"])
    assert (settings.secure_port, settings.log_level) == (2222, "DEBUG")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1500ms", 1.5), ("15s", 15.0), ("2m30s", 150.0), ("0.5s", 0.5), ("1h", 3600.0)],
)
def test_a_duration_is_read_as_go_reads_it(text: str, seconds: float) -> None:
    """With a unit, as every flag of Kubernetes."""
    assert Settings.read(["--shutdown-timeout", text]).shutdown_timeout == seconds


@pytest.mark.parametrize("text", ["15", "", "nan", "-1s", "1d", "1 s", "soon"])
def test_anything_else_is_no_duration(text: str) -> None:
    """A number alone has no unit: what was meant is not guessed."""
    with pytest.raises(
        UnusableSettingsError, match=r"--shutdown-timeout .*: must be a duration such as 2m30s"
    ):
        Settings.read([f"--shutdown-timeout={text}"])


@pytest.mark.parametrize("text", ["0", "0s", "61m", "999999999999h"])
def test_a_duration_has_bounds(text: str) -> None:
    """Stated as durations, too."""
    with pytest.raises(UnusableSettingsError, match=r"--shutdown-timeout .*: must be from 1ms to 1h$"):
        Settings.read(["--shutdown-timeout", text])


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.1, "100ms"), (10, "10s"), (150, "2m30s"), (600, "10m"), (3661.5, "1h1m1s500ms")],
)
def test_a_duration_is_shown_as_it_is_read(seconds: float, text: str) -> None:
    """In help, in the documents and in messages."""
    assert str(Duration(seconds)) == text
    assert parse_seconds(text) == seconds
    assert str(Between(Duration(0), Duration(600))) == "from 0s to 10m"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--secure-port", "x"], r"^--secure-port \(or ACTGATE_TEST_SECURE_PORT\): .*valid integer"),
        (["--secure-port", "70000"], "less than or equal to 65535"),
        (["--log-level", "loud"], "--log-level .*'DEBUG', 'INFO'"),
        (["--secure-port", "x", "--shutdown-timeout", "0"], "--secure-port .*; --shutdown-timeout "),
        (["--port", "8443"], "^unrecognized arguments: --port 8443; see --help$"),
        (["--secure", "8443"], "^unrecognized arguments: --secure 8443; see --help$"),
        (["--secure-port"], "expected one argument; see --help$"),
    ],
)
def test_what_cannot_be_used_is_named_in_one_sentence(arguments: list[str], words: str) -> None:
    """Flag, variable and reason, all problems at once; no flag is known by its beginning."""
    with pytest.raises(UnusableSettingsError, match=words) as refused:
        Settings.read(arguments)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["ACTGATE_TEST_SHUTDOWN_SECONDS", "ACTGATE_TEST_PORT", "ACTGATE_TEST_"])
def test_an_unknown_variable_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """One that was misspelt, or renamed by an upgrade, would change a limit in silence."""
    monkeypatch.setenv(name, "8443")
    with pytest.raises(UnusableSettingsError, match=f"^unknown environment variables: {name}; see --help$"):
        Settings.read([])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ACTGATE_TEST_PORT", "tcp://10.96.0.7:443"),
        ("ACTGATE_TEST_SERVICE_HOST", "10.96.0.7"),
        ("ACTGATE_TEST_SERVICE_PORT", "443"),
        ("ACTGATE_TEST_SERVICE_PORT_HTTPS", "443"),
        ("ACTGATE_TEST_PORT_443_TCP", "tcp://10.96.0.7:443"),
        ("ACTGATE_TEST_PORT_443_TCP_ADDR", "10.96.0.7"),
        ("ACTGATE_TEST_METRICS_SERVICE_HOST", "10.96.0.8"),
        ("ACTGATE_OTHER_SETTING", "x"),
    ],
)
def test_variables_that_others_set_are_none_of_ours(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Kubernetes names a Service's address so to every pod beside it, where service links are on."""
    monkeypatch.setenv(name, value)
    assert Settings.read([]).secure_port == 8443


def test_help_lists_every_setting_with_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    """Each flag with its sentence; durations as they are to be written."""
    with pytest.raises(SystemExit) as ended:
        Settings.read(["--help"])
    assert ended.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    for name in Settings.model_fields:
        assert f"--{name.replace('_', '-')}" in shown
    assert "Time to stop. (default: 2m30s)" in shown
