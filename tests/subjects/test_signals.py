"""What looks like a model server, and what looks like one only at first sight."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from unittest import mock

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from actgate.decision.subject import Detection, SignalTier
from actgate.subjects import signals
from actgate.subjects.signal_rules import image_name, signal_rules
from actgate.subjects.signals import Observed, observe_labels, observe_pod

HERE: Final = Path(__file__).parent
SERVERS: Final = yaml.safe_load((HERE / "model_servers.yaml").read_text(encoding="utf-8"))
ORDINARY: Final = yaml.safe_load((HERE / "ordinary_workloads.yaml").read_text(encoding="utf-8"))
DIGEST: Final = "sha256:" + "0" * 64


def observed(**pod: Any) -> Observed:  # noqa: ANN401 - JSON
    """Return what a PodSpec shows."""
    found = Observed()
    observe_pod(pod, "spec", found)
    return found


def container(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a container, its variables and mounts from what the tables say in short."""
    made = {"name": "c", "image": "registry.example/house:1", **fields}
    if "env" in made and isinstance(made["env"], dict):
        made["env"] = [{"name": name, "value": value} for name, value in made["env"].items()]
    made["volumeMounts"] = [{"name": "v", "mountPath": path} for path in made.pop("mounts", ())]
    made["resources"] = {"limits": made.pop("resources", {})}
    return made


def strong(found: Detection | None) -> list[str]:
    """Return the rules of a strong detection."""
    return [signal.id for signal in found.signals] if found and found.tier is SignalTier.STRONG else []


def test_every_model_server_is_found_by_its_image_and_its_command() -> None:
    """Also under a mirror's name, by digest, in capitals, by a path, and in the script of a shell."""
    missed = [
        (rule, image)
        for rule, images in SERVERS["images"].items()
        for image in images
        if rule not in strong(observed(containers=[container(image=image)]).detection())
    ]
    missed += [
        (rule, command)
        for rule, commands in SERVERS["commands"].items()
        for command in commands
        if rule not in strong(observed(containers=[container(command=command)]).detection())
    ]
    assert missed == []


def test_no_ordinary_workload_is_taken_for_a_model_server() -> None:
    """Under Deny for the strong tier each of them would be an outage."""
    wrong = []
    for workload in ORDINARY:
        fields = {key: value for key, value in workload.items() if key not in {"what", "tier"}}
        found = observed(containers=[container(**fields)]).detection()
        tier = "none" if found is None else found.tier.lower()
        if tier != workload["tier"]:
            wrong.append((workload["what"], tier, found))
    assert wrong == []


def test_every_rule_of_the_table_has_an_example() -> None:
    """A rule without one could be misspelt, and would never match anything."""
    rules = signal_rules()
    named = set(SERVERS["images"]) | set(SERVERS["commands"])
    strong_ones = {rule.id for rule in rules.images if rule.tier == "strong"}
    commands = {rule.id for rule in rules.commands}
    assert strong_ones <= named
    assert not named - strong_ones - commands


def test_a_server_counts_in_a_container_of_every_kind() -> None:
    """An init container need not end, whatever its command says; its hints do not count."""
    server = container(image="vllm/vllm-openai")
    for listed, extra in (
        ("containers", {}),
        ("ephemeralContainers", {}),
        ("initContainers", {"restartPolicy": "Always"}),
        ("initContainers", {}),
        ("initContainers", {"command": ["true"]}),
        ("initContainers", {"image": "registry.example/house:1", "command": ["vllm", "serve", "x/y"]}),
    ):
        assert strong(observed(**{listed: [{**server, **extra}]}).detection()), (listed, extra)
    hints = container(env={"MODEL_ID": "x/y"}, mounts=["/models"], resources={"nvidia.com/gpu": 1})
    assert observed(initContainers=[hints]).detection() is None


def test_a_script_is_found_behind_the_options_of_its_shell() -> None:
    """Options may take values, be written together or in capitals, and end with ``--``."""
    missed = [
        line
        for line in (
            ["bash", "-o", "pipefail", "-c"],
            ["bash", "-Eeuo", "pipefail", "-c"],
            ["bash", "-euxoc", "pipefail"],
            ["bash", "+e", "-c"],
            ["sh", "-c", "--"],
            ["bash", "--norc", "-c", "-e"],
            ["busybox", "ash", "-c"],
            ["env", "A=b", "/bin/rbash", "-ec"],
        )
        if "command/vllm"
        not in strong(observed(containers=[container(command=[*line, "vllm serve x/y"])]).detection())
    ]
    assert missed == []


def test_variables_with_a_value_are_put_into_the_command_line() -> None:
    """As the kubelet does before the container starts, and its shell then."""
    variables = {"PROGRAM": "vllm", "SCRIPT": "exec vllm serve x/y", "VERB": "serve"}
    for line, found in (
        (["$(PROGRAM)", "serve", "x/y"], True),
        (["$(PROGRAM)", "$(VERB)", "x/y"], True),
        (["sh", "-c", "$(SCRIPT)"], True),
        (["sh", "-c", "$SCRIPT"], True),
        (["sh", "-c", "cd / && ${PROGRAM} ${VERB} x/y"], True),
        (["sh", "-c", 'bash -c "$SCRIPT"'], True),
        # The kubelet gives these as they stand, and nothing runs what they name.
        (["$PROGRAM", "serve", "x/y"], False),
        (["$$(PROGRAM)", "serve", "x/y"], False),
        (["$(UNKNOWN)", "serve", "x/y"], False),
    ):
        assert (
            bool(strong(observed(containers=[container(command=line, env=variables)]).detection())) is found
        ), line


def test_what_hooks_and_probes_run_counts_as_what_the_container_runs() -> None:
    """They can start a server, fetch another model, and are governed as the command is."""
    serves, fetches = ["sh", "-c", "vllm serve x/y &"], ["aws", "s3", "cp", "s3://models/fraud/w.bin", "/m"]
    for hook in (
        *({"lifecycle": {name: {"exec": {"command": None}}}} for name in ("postStart", "preStop")),
        *(
            {name: {"exec": {"command": None}}}
            for name in ("startupProbe", "readinessProbe", "livenessProbe")
        ),
    ):
        for command in (serves, fetches):
            found = observed(containers=[container(**_with(hook, command))])
            assert bool(strong(found.detection())) is (command is serves), hook
            assert [item.value for item in found.references] == [command[-2] if command is fetches else "x/y"]
        assert signals.runs(container(**_with(hook, ["true"]))) != signals.runs(container()), hook
    bad: list[dict[str, Any]] = [
        {"lifecycle": 1},
        {"lifecycle": {"postStart": []}},
        {"startupProbe": {"exec": []}},
    ]
    for broken in bad:
        assert observed(containers=[container(**broken)]).detection() is None


def _with(hook: Any, command: list[str]) -> Any:  # noqa: ANN401 - JSON
    """Return a copy of a hook that runs a command."""
    if isinstance(hook, dict):
        return {key: command if key == "command" else _with(value, command) for key, value in hook.items()}
    return hook


def test_what_the_script_of_a_server_fetches_is_loaded() -> None:
    """It may fetch other weights before it serves a path; an argument of a program is no script."""
    script = "aws s3 cp s3://models/fraud/w.bin /m && vllm serve /m"
    found = observed(containers=[container(command=["sh", "-c", script])])
    assert [item.value for item in found.references] == ["s3://models/fraud/w.bin"]
    assert observed(containers=[container(args=["--logs", "s3://logs/here"])]).references == []


def test_what_is_too_long_to_be_read_is_taken_for_a_model_server() -> None:
    """Reading it would let the request time out, and what is not read could be anything."""
    scripts = ["sh", "-c", *(f"echo {number} vllm {'x ' * 8000}" for number in range(20))]
    for fields in (
        {"command": scripts},
        {"lifecycle": {"postStart": {"exec": {"command": scripts}}}},
        {"args": ["x"] * 100_000},
        {"args": [word for number in range(5000) for word in ("--model", f"bank/{number}")]},
        {"env": [{"name": "MODEL_ID", "value": f"bank/{number}"} for number in range(5000)]},
        {"env": [{"name": "MODEL_ID", "valueFrom": {}} for _ in range(5000)]},
    ):
        for listed in ("containers", "initContainers"):
            found = observed(**{listed: [container(), {"name": "z", **fields}]})
            assert signals.UNREAD in strong(found.detection()), (listed, list(fields))
            assert len(found.references) + len(found.unstated) <= 1024
            assert [item.path.split(".")[1] for item in found.problems()] == [f"{listed}[1]"]
    # In two containers, neither of which is too long by itself.
    half = {"name": "h", "command": scripts[:7]}
    assert not strong(observed(containers=[half]).detection())
    assert strong(observed(containers=[half, half]).detection()) == [signals.UNREAD]


def test_a_change_of_what_is_too_long_to_be_read_is_a_governed_one() -> None:
    """Every field counts then, also what only tunes the server."""
    long = {"command": ["sh", "-c", *(f"vllm {number} {'x ' * 8000}" for number in range(20))]}
    for field, value in (("args", ["--port", "1"]), ("env", {"A": "b"}), ("startupProbe", {"x": 1})):
        changed = container(**long, **{field: value})
        assert signals.runs(changed) != signals.runs(container(**long)), field


def test_variables_that_grow_in_each_other_are_not_known() -> None:
    """A hundred of them, each twice the one before, have more characters than there are atoms."""
    env = [{"name": "V0", "value": "bank/credit"}]
    env += [{"name": f"V{number}", "value": f"$(V{number - 1})$(V{number - 1})"} for number in range(1, 100)]
    found = observed(containers=[container(command=["vllm", "serve", "$(V99)"], env=env)])
    assert (found.references, found.unstated) == ([], ["spec.containers[0].command[2]"])


def test_two_hints_of_different_families_one_of_which_names_a_model_are_likely() -> None:
    gpu = {"nvidia.com/gpu": 1}
    for fields, tier in (
        ({"resources": gpu}, SignalTier.WEAK),
        ({"resources": gpu, "env": {"HF_TOKEN": "x"}}, SignalTier.WEAK),
        ({"env": {"MODEL_ID": "a/b"}, "command": ["x", "--model=a/b"]}, SignalTier.WEAK),
        ({"resources": gpu, "env": {"MODEL_ID": "a/b"}}, SignalTier.LIKELY),
    ):
        found = observed(containers=[container(**fields)]).detection()
        assert found is not None
        assert found.tier is tier, fields


def test_a_verified_training_owner_takes_hints_away_and_never_a_strong_signal() -> None:
    hints = observed(containers=[container(resources={"nvidia.com/gpu": 1}, env={"MODEL_ID": "a/b"})])
    assert hints.detection(trains=True) is None
    server = observed(containers=[container(image="vllm/vllm-openai")])
    assert strong(server.detection(trains=True))


def test_labels_of_serving_controllers_are_strong() -> None:
    found = Observed()
    observe_labels({"serving.kserve.io/inferenceservice": "credit"}, "metadata.labels", found)
    assert strong(found.detection()) == ["label/pod-key"]


HUB_FILE = "https://huggingface.co/bank/fraud/resolve/main/w.bin"


@pytest.mark.parametrize(
    ("fields", "references", "unstated"),
    [
        ({"command": ["vllm", "serve", "bank/credit"]}, {"bank/credit"}, 0),
        ({"args": ["--model", "bank/credit"]}, {"bank/credit"}, 0),
        ({"args": ["--model=bank/credit"]}, {"bank/credit"}, 0),
        ({"args": ["--model=$(M)"], "env": {"M": "bank/credit"}}, {"bank/credit"}, 0),
        ({"command": ["sh", "-c", "vllm serve $M"], "env": {"M": "bank/credit"}}, {"bank/credit"}, 0),
        ({"command": ["sh", "-c", "vllm serve ${M}"]}, set(), 1),
        ({"env": {"MODEL_ID": "bank/credit"}}, {"bank/credit"}, 0),
        (
            {"env": [{"name": "MODEL_ID", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "id"}}}]},
            set(),
            1,
        ),
        ({"args": ["--model", "/mnt/models"]}, set(), 1),
        ({"args": ["--served-model-name", "alias"]}, set(), 0),
    ],
)
def test_what_a_container_loads_is_read_wherever_it_says_so(
    fields: dict[str, Any], references: set[str], unstated: int
) -> None:
    """A value of another object, of a shell, or a path of the disk is not stated here."""
    found = observed(containers=[container(**fields)])
    assert {reference.value for reference in found.references} == references
    assert len(found.unstated) == unstated


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("$$0", "$0"),
        ("$$(M)", "$(M)"),
        ("$0", "$0"),
        ("$M", "$M"),
        ("a`b`", "a`b`"),
        ("$(M)/1", "bank/credit/1"),
        ("$(UNKNOWN)/1", None),
        ("$(LATER)", None),
        ("$(DOUBLE)", "bank/credit/2"),
    ],
)
def test_a_variable_is_read_as_the_kubelet_gives_it_to_the_container(value: str, read: str | None) -> None:
    """It knows $(NAME) of the variables above, and $$; everything else is of shells."""
    env = {"M": "bank/credit", "DOUBLE": "$(M)/2", "MODEL_ID": value, "LATER": "x"}
    found = observed(containers=[container(env=env)])
    assert [reference.value for reference in found.references] == ([] if read is None else [read])
    assert len(found.unstated) == (read is None)


def test_what_a_shell_computes_is_not_stated() -> None:
    for word in ("$(cat /m)", "`cat /m`", "${M:-bank/other}", "$1", "$@", "$(M)", "$$M"):
        found = observed(containers=[container(command=["sh", "-c", f'vllm serve "{word}"'])])
        assert (found.references, len(found.unstated)) == ([], 1), word


def test_the_uri_of_a_model_deployment_is_read_as_its_pods_are_given_it() -> None:
    """A path of the disk is the name of a model where spec.model.uri states one."""
    for uri, value in (("/models/credit", "/models/credit"), ("s3://m/$a", "s3://m/$$a")):
        found = observed(containers=[container(env={"ACTGATE_MODEL_URI": value})])
        assert [reference.value for reference in found.references] == [uri]
        assert not found.unstated


def test_what_an_init_container_fetches_is_loaded() -> None:
    for command, value in (
        (["aws", "s3", "cp", "s3://models/fraud/1/w.bin", "/m"], "s3://models/fraud/1/w.bin"),
        (["sh", "-c", "huggingface-cli download bank/fraud --local-dir /m"], "bank/fraud"),
        (["curl", "-LO", HUB_FILE], HUB_FILE),
        (["wget", "https://files.example/fraud.safetensors"], "https://files.example/fraud.safetensors"),
    ):
        found = observed(initContainers=[container(command=command)])
        assert [reference.value for reference in found.references] == [value], command
        assert found.detection() is None


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("nginx", ("", "nginx", "")),
        ("docker.io/library/nginx:1", ("docker.io", "nginx", "1")),
        ("localhost/a/b", ("localhost", "a/b", "")),
        ("host:5000/a/b:2@" + DIGEST, ("host:5000", "a/b", "2")),
        ("vllm/vllm-openai", ("", "vllm/vllm-openai", "")),
    ],
)
def test_an_image_is_read_as_registries_read_it(reference: str, parts: tuple[str, str, str]) -> None:
    name = image_name(reference)
    assert (name.host, name.path, name.tag) == parts


def anything() -> st.SearchStrategy[Any]:
    """Return any JSON, with the names of fields that are read among its keys."""
    keys = st.sampled_from(["containers", "image", "command", "args", "env", "name", "value", "resources"])
    leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("sh") | st.just("-c")
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(keys | st.text(max_size=3), inner, max_size=3)
        ),
        max_leaves=12,
    )


@given(st.dictionaries(st.sampled_from(["containers", "initContainers", "volumes"]), anything(), max_size=3))
def test_nothing_raises_whatever_a_pod_holds(pod: dict[str, Any]) -> None:
    observed(**pod).detection()


@given(st.text(st.sampled_from("abc '\"\\$(){};|&\n-"), max_size=30))
def test_a_script_is_read_whatever_its_quotes(script: str) -> None:
    """A server before the broken part is still found."""
    found = observed(containers=[container(command=["sh", "-c", f"vllm serve x\n{script}"])])
    assert "command/vllm" in strong(found.detection())


PARTS: Final = [
    *(
        "vllm",
        "serve",
        "ollama",
        "run",
        "-m",
        "-mdynamo.vllm",
        "dynamo.vllm",
        "--model",
        "--model=a/b",
        "-hf",
    ),
    *("sh", "-c", "exec", "a/b", "echo", "v'l'lm", 'v"llm', "vl\\lm", "tritonserver", "/bin/vllm", "$M"),
    *(" ", "\n", "\\\n", ";", "'", '"', "|", "&&", "(", ")", "#"),
]


@given(
    st.lists(st.sampled_from(PARTS), max_size=14).map(" ".join)
    | st.lists(st.sampled_from(PARTS), max_size=14).map("".join)
)
def test_a_script_that_is_not_split_shows_nothing_that_splitting_it_would_show(script: str) -> None:
    """Most scripts hold no word of the tables, and to read each as a shell does takes most of a reading."""
    pods = {"containers": [container(command=["bash", "-ec", script, "x"], env={"M": "a/b"})]}
    quick = observed(**pods)
    with mock.patch.object(signals, "_shows_nothing", return_value=False):
        assert quick == observed(**pods)
