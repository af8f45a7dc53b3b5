import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.packing import run_dir
from tests.cli.signing import signed_by_three, unsigned
from tests.cli.support import actgate, pipeline_file, write
from tests.support.mlflow import FakeMlflow, serving

pytestmark = pytest.mark.system


@pytest.fixture(params=["mlflow", "sqlite"])
def to(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return ``--to`` of an empty registry of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:{tmp_path}/registry.db"
    else:
        with serving(FakeMlflow()) as url:
            yield f"mlflow:{url}"


def test_evidence_is_registered_listed_shown_and_verified(tmp_path: Path, to: str) -> None:
    """The same commands for each registry, with the same exit codes."""
    file = str(signed_by_three(tmp_path))
    digest = actgate("manifest", "digest", file).stdout.strip()
    arguments = ("--to", to, "--alias", "champion", "--run-dir", str(run_dir(tmp_path)))
    for did in ("registered", "already registered"):
        done = actgate("register", file, *arguments)
        assert (done.returncode, done.stdout.splitlines()[0].split(":")[0]) == (0, did), done.stderr
        assert f"evidence {digest}" in done.stdout
    listed = actgate("registry", "list", "--to", to).stdout
    assert listed.startswith(f"CreditRiskScorer 2 @champion {digest} 3 attestations ")
    shown = actgate("registry", "show", "CreditRiskScorer:2", "--to", to, "-o", "json")
    (version,) = json.loads(shown.stdout)["versions"]
    assert (version["evidence"], version["aliases"]) == (digest, ["champion"])
    (tmp_path / "again.json").write_text(json.dumps(version["manifest"]))
    assert actgate("manifest", "digest", str(tmp_path / "again.json")).stdout.strip() == digest
    done = actgate("registry", "verify", "--to", to)
    assert (done.returncode, done.stdout) == (0, "VERIFIED: 1 version\n")


def test_what_is_not_registered_is_nothing_to_show(to: str, tmp_path: Path) -> None:
    """Exit code 3, as where there is nothing to judge; a database that is not there is unusable."""
    if to.startswith("sqlite"):
        assert actgate("registry", "list", "--to", to).returncode == 2
        actgate("register", str(write(tmp_path / "m.yaml", unsigned())), "--to", to)
    else:
        for command in (("list",), ("verify",)):
            done = actgate("registry", *command, "--to", to)
            assert (done.returncode, "nothing" in done.stderr) == (3, True)
    done = actgate("registry", "show", "Other", "--to", to)
    assert (done.returncode, done.stdout) == (3, "")


def test_other_evidence_is_refused_in_one_sentence(to: str, tmp_path: Path) -> None:
    """With both digests and what to do."""
    actgate("register", str(write(tmp_path / "m.yaml", unsigned())), "--to", to)
    other = str(write(tmp_path / "o.yaml", unsigned(riskCategory="LimitedRisk")))
    done = actgate("register", other, "--to", to, "--alias", "champion")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "has other evidence already: sha256:" in done.stderr
    assert "register it under a new version" in done.stderr
    assert "champion" not in actgate("registry", "list", "--to", to).stdout


def test_what_is_not_as_it_was_registered_is_exit_code_1(tmp_path: Path) -> None:
    """By DELETE and a head that was kept elsewhere, in text and JSON."""
    to = f"sqlite:{tmp_path}/r.db"
    done = actgate("register", str(signed_by_three(tmp_path)), "--to", to)
    head = done.stdout.split()[-1]
    assert actgate("registry", "verify", "--to", to, "--head", head).returncode == 0
    with sqlite3.connect(tmp_path / "r.db") as connection:
        connection.execute("DELETE FROM actgate_registry WHERE sequence = 4")
    connection.close()
    assert actgate("registry", "verify", "--to", to).returncode == 0
    done = actgate("registry", "verify", "--to", to, "--head", head)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "BROKEN: this is not what was registered")
    found = json.loads(actgate("registry", "verify", "--to", to, "--head", head, "-o", "json").stdout)
    assert (found["verified"], len(found["faults"])) == (1, 1)


def test_a_server_that_fails_at_any_request_is_one_sentence_and_completed_later(tmp_path: Path) -> None:
    """500 at each request in turn: exit code 2, no result, and the next run completes it."""
    file = str(signed_by_three(tmp_path))
    whole = FakeMlflow()
    asked: list[str] = []
    with serving(whole, asked.append) as url:
        assert actgate("register", file, "--to", f"mlflow:{url}", "--alias", "champion").returncode == 0
    for place in range(len(asked)):
        fake, seen = FakeMlflow(), list[str]()

        def failing(request: str, place: int = place, seen: list[str] = seen) -> int | None:
            seen.append(request)
            return 500 if len(seen) == place + 1 else None

        with serving(fake, failing) as url:
            done = actgate("register", file, "--to", f"mlflow:{url}", "--alias", "champion")
            assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
            assert f"error: MLflow at {url}: " in done.stderr
            assert "answered 500" in done.stderr
            assert actgate("register", file, "--to", f"mlflow:{url}", "--alias", "champion").returncode == 0
        assert fake.state() == whole.state(), asked[place]


def test_an_alias_that_was_moved_is_exit_code_1(tmp_path: Path) -> None:
    """By another client of the server, to a version without evidence; registering again sets it back."""
    fake = FakeMlflow()
    with serving(fake) as url:
        register = (
            "register",
            str(signed_by_three(tmp_path)),
            "--to",
            f"mlflow:{url}",
            "--alias",
            "champion",
        )
        assert actgate(*register).returncode == 0
        (version,) = fake.versions["CreditRiskScorer"]
        fake.versions["CreditRiskScorer"].append({**version, "version": "2", "tags": []})
        fake.models["CreditRiskScorer"]["aliases"] = [{"alias": "champion", "version": "2"}]
        done = actgate("registry", "verify", "--to", f"mlflow:{url}")
        assert (done.returncode, done.stdout.splitlines()[-1]) == (
            1,
            "BROKEN: this is not what was registered",
        )
        assert (
            "models:/CreditRiskScorer@champion: names version 2, and it was set to version 1" in done.stdout
        )
        assert actgate(*register).returncode == 0
        assert actgate("registry", "verify", "--to", f"mlflow:{url}").returncode == 0


def test_a_server_that_is_down_is_one_sentence(tmp_path: Path) -> None:
    """Exit code 2 of each command, and nothing on standard output."""
    file = str(write(tmp_path / "m.yaml", unsigned()))
    with serving(FakeMlflow()) as url:
        pass
    for command in (("register", file), ("registry", "list"), ("registry", "verify")):
        done = actgate(*command, "--to", f"mlflow:{url}")
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert done.stderr.startswith(f"error: MLflow at {url}: ")


def test_a_registry_that_cannot_be_used_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is sent: the cluster that is named answers no request."""
    cluster = {"name": "c", "cluster": {"server": "https://127.0.0.1:9"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    user = {"name": "u", "user": {"token": "t"}}
    known = {"clusters": [cluster], "contexts": [context], "users": [user], "current-context": "c"}
    monkeypatch.setenv("KUBECONFIG", str(write(tmp_path / "kubeconfig.yaml", known)))
    file = str(write(tmp_path / "m.yaml", unsigned()))
    v0 = str(write(tmp_path / "v0.json", pipeline_file(model_name="Scorer")))
    for arguments, sentence in (
        ((file, "--to", "redis:x"), "--to: Unsupported value"),
        ((file, "--to", "mlflow:ftp://x"), "must be an http or https URL"),
        ((file, "--to", f"sqlite:{tmp_path}/no/r.db"), "must be a file in a folder that exists"),
        ((file, "--to", "sqlite:r.db", "--mlflow-run", "1"), "go with --to mlflow:URL"),
        ((str(tmp_path / "absent"), "--to", "sqlite:r.db"), "does not exist"),
        ((v0, "--to", "sqlite:r.db"), "spec.model.version: Required value"),
        ((file, "--to", "kubernetes:", "--alias", "champion"), "--alias goes with MLflow and databases"),
    ):
        done = actgate("register", *arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
        assert sentence in done.stderr
    assert not (tmp_path / "r.db").exists()
