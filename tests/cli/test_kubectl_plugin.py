"""``kubectl actgate``: the command as kubectl's users call it."""

import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
import yaml

from actgate.cli.main import kubectl
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.envtest import find_kubectl
from actgate_sandbox.rest import Rest
from tests.cli.signing import unsigned
from tests.cli.support import NOW, actgate, manifest, model, write
from tests.support import crds

SCRIPTS = sysconfig.get_path("scripts")
COMMANDS: tuple[list[str], ...] = (
    [],
    ["check"],
    ["manifest", "build"],
    ["log", "verify"],
    ["register"],
    ["train-run"],
    ["attest"],
)


def plugin(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command through the real kubectl, which finds the plugin on the PATH."""
    return subprocess.run(  # noqa: S603 - kubectl, our arguments
        [find_kubectl() or "kubectl", *arguments],
        env={**os.environ, "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.system
@pytest.mark.needs_kubectl
def test_kubectl_finds_the_plugin_and_passes_everything_on(tmp_path: Path) -> None:
    """Arguments, output and exit code are those of ``actgate``."""
    assert "kubectl-actgate" in plugin("plugin", "list").stdout
    file = str(write(tmp_path / "input.yaml", manifest(humanOversight={"enabled": False}), model()))
    arguments = ("check", "-f", file, "--now", NOW, "-n", "team-credit")
    done, direct = plugin("actgate", *arguments), actgate(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (1, direct.stdout, direct.stderr)
    wrong = plugin("actgate", "check")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.endswith("; see kubectl actgate check --help\n")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_names_what_the_user_types(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the usage and in every example, which would not run otherwise; nothing else differs."""
    monkeypatch.setenv("COLUMNS", "100")
    assert kubectl([*command, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(" ".join(["usage: kubectl actgate", *command]))
    assert re.search(r"(?<!kubectl )\bactgate (check|register|log|attest|train-run|manifest)\b", text) is None
    plain = actgate(*command, "--help", env={**os.environ, "COLUMNS": "100"}).stdout
    assert text.replace("kubectl actgate", "actgate").split() == plain.split()
    if not command:
        assert kubectl(["--version"]) == 0
        assert capsys.readouterr().out == actgate("--version").stdout


def kubeconfig_of_two(plane: ControlPlane, tmp_path: Path, namespace: str) -> Path:
    """Write a kubeconfig whose current context leads nowhere, and whose other names a namespace."""
    content = yaml.safe_load(plane.kubeconfig.read_text("utf-8"))
    (cluster,), (context,) = content["clusters"], content["contexts"]
    content["clusters"] = [cluster, {"name": "gone", "cluster": {"server": "https://127.0.0.1:1"}}]
    content["contexts"] = [
        {"name": "gone", "context": {**context["context"], "cluster": "gone"}},
        {"name": "team", "context": {**context["context"], "namespace": namespace}},
    ]
    content["current-context"] = "gone"
    path = tmp_path / "two.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def test_kubeconfig_and_context_choose_cluster_and_namespace(
    control_plane: ControlPlane, rest: Rest, namespace: str, tmp_path: Path
) -> None:
    """As kubectl's own flags do: the namespace is the context's, and --namespace comes before it."""
    crds.install(rest)
    config = kubeconfig_of_two(control_plane, tmp_path, namespace)
    given = ("--to", "kubernetes:", "--kubeconfig", str(config), "--context", "team")
    file = str(write(tmp_path / "m.yaml", unsigned()))
    done = actgate("register", file, *given)
    assert (done.returncode, f" in {namespace}" in done.stdout) == (0, True), done.stderr
    assert actgate("registry", "list", *given).stdout.count("CreditRiskScorer") == 1
    assert actgate("registry", "list", *given, "-n", "kube-public").returncode == 3
    elsewhere = actgate("registry", "list", *given[:4])
    assert (elsewhere.returncode, elsewhere.stderr.count("\n")) == (2, 1), elsewhere.stderr
    assert elsewhere.stderr.startswith("error: the cluster: ")


def test_flags_of_a_cluster_are_refused_where_none_is_asked(tmp_path: Path) -> None:
    """They would have no effect, and the user would not know."""
    file = str(write(tmp_path / "m.yaml", unsigned()))
    done = actgate("register", file, "--to", f"sqlite:{tmp_path}/r.db", "--context", "team")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: --kubeconfig and --context go with --to kubernetes:\n"


def test_a_context_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """With the file that should have it."""
    config = tmp_path / "config"
    config.write_text(
        "current-context: c\ncontexts: [{name: c, context: {cluster: k, namespace: ../x}}]\n"
        "clusters: [{name: k, cluster: {server: 'https://127.0.0.1:1'}}]\nusers: []\n",
        encoding="utf-8",
    )
    for context, words in (("absent", "absent"), ("c", "'../x' is not a valid namespace name")):
        done = actgate(
            "registry", "list", "--to", "kubernetes:", "--kubeconfig", str(config), "--context", context
        )
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
        assert done.stderr.startswith(f"error: the cluster: the kubeconfig '{config}' cannot be used: ")
        assert words in done.stderr


@pytest.mark.system
def test_the_script_is_installed() -> None:
    """By the name that makes kubectl find it, also where no kubectl is there to try it."""
    script = shutil.which("kubectl-actgate", path=SCRIPTS)
    assert script is not None
    done = subprocess.run([script, "explain", "bias/limit"], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == actgate("explain", "bias/limit").stdout
