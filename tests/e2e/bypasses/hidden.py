"""Ways to serve a model without a word of it."""

from __future__ import annotations

from typing import Any, Final

from tests.e2e.bypasses.objects import (
    HOUSE,
    INFERENCE,
    NOTHING,
    VLLM,
    house,
    undeclared,
    workload,
)
from tests.e2e.bypasses.place import Answer, Expected, Place, Way

UNDECLARED: Final = "inference/undeclared"
KINDS: Final = (
    *("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod"),
    "ReplicationController",
)


def _way(
    what: str,
    by: str = UNDECLARED,
    expected: Expected = Expected.REFUSED,
    why: str = "",
    **pod: Any,  # noqa: ANN401 - JSON
) -> Way:
    """Create a Deployment without a mark whose pods have these fields."""
    return Way(what, lambda place, name: place.create(undeclared(name, **pod)), by, expected, why)


def _run(
    what: str, *line: str, by: str = UNDECLARED, expected: Expected = Expected.REFUSED, why: str = ""
) -> Way:
    """Run a command line in an image whose name says nothing."""
    return _way(what, by, expected, why, containers=[house(command=list(line))])


def _of_kind(kind: str) -> Way:
    return Way(
        f"the server as a {kind}", lambda place, name: place.create(undeclared(name, kind)), UNDECLARED
    )


def _withdrawn(place: Place, name: str) -> Answer:
    template = {"labels": {INFERENCE: "false"}}
    return place.create(workload(name, template=template, containers=[house(image=VLLM)]))


def _debug(place: Place, name: str) -> Answer:
    """Put a server beside an ordinary program that runs already."""
    place.admitted(workload(name, "Pod", template=NOTHING, containers=[house()]))
    return place.run(
        "debug", f"pod/{name}", f"--image={VLLM}", "--container=later", "--quiet", "--attach=false"
    )


def _later_image(place: Place, name: str) -> Answer:
    place.admitted(workload(name, template=NOTHING, containers=[house()]))
    return place.run("set", "image", f"deployment/{name}", f"server={VLLM}")


def _later_arguments(place: Place, name: str) -> Answer:
    place.admitted(workload(name, template=NOTHING, containers=[house()]))
    container = {"name": "server", "command": ["vllm", "serve", "x/y"]}
    return place.strategic("Deployment", name, {"spec": {"template": {"spec": {"containers": [container]}}}})


HIDDEN: Final = [
    *map(_of_kind, KINDS),
    _way(
        "the server under the name of a mirror",
        containers=[house(image=f"mirror.example:5000/ai/vllm-openai@sha256:{'2' * 64}")],
    ),
    _way(
        "the server under the tag of a house", containers=[house(image="registry.example/team/vllm:house-7")]
    ),
    _run("a house image, by its command", "vllm", "serve", "x/y"),
    _run("a house image, by a module of Python", "python3", "-m", "vllm.entrypoints.openai.api_server"),
    _run("in a script: `sh -c`", "sh", "-c", "exec vllm serve x/y"),
    _run("in a script with quotes within the word", "sh", "-c", "exec v'll'm se\"rv\"e x/y"),
    _run("in a script over two lines", "bash", "-lc", "vllm \\\n serve x/y"),
    _run("in a script in a script", "sh", "-c", 'bash -c "vllm serve x/y"'),
    _run(
        "in a script after options with values: `bash -o pipefail -c`",
        "bash",
        "-o",
        "pipefail",
        "-c",
        "vllm serve x/y",
    ),
    _run(
        "in a script after options in capitals: `bash -Eeuo pipefail -c`",
        "bash",
        "-Eeuo",
        "pipefail",
        "-c",
        "vllm serve x/y",
    ),
    _run(
        "in a script whose option takes a value: `bash -euxoc pipefail`",
        "bash",
        "-euxoc",
        "pipefail",
        "vllm serve x/y",
    ),
    _run("in a script after the end of options: `sh -c --`", "sh", "-c", "--", "vllm serve x/y"),
    _run("in a script of busybox", "busybox", "sh", "-c", "vllm serve x/y"),
    _run(
        "behind another program: `env`, `nohup`, `tini`",
        "tini",
        "--",
        "env",
        "A=b",
        "nohup",
        "vllm",
        "serve",
        "x/y",
    ),
    _way(
        "the program in a variable: `$(PROGRAM) serve`",
        containers=[
            house(command=["$(PROGRAM)", "serve", "x/y"], env=[{"name": "PROGRAM", "value": "vllm"}])
        ],
    ),
    _way(
        "the script in a variable: `sh -c $(SCRIPT)`",
        containers=[
            house(command=["sh", "-c", "$(SCRIPT)"], env=[{"name": "SCRIPT", "value": "vllm serve x/y"}])
        ],
    ),
    _way(
        "the script in a variable of the shell: `sh -c '$SCRIPT'`",
        containers=[
            house(command=["sh", "-c", "exec ${SCRIPT}"], env=[{"name": "SCRIPT", "value": "vllm serve x/y"}])
        ],
    ),
    _way(
        "started by a hook: `lifecycle.postStart`",
        containers=[house(lifecycle={"postStart": {"exec": {"command": ["vllm", "serve", "x/y"]}}})],
    ),
    _way(
        "started by a probe: `startupProbe.exec`",
        containers=[house(startupProbe={"exec": {"command": ["sh", "-c", "vllm serve x/y &"]}})],
    ),
    _way("in a second container", containers=[house(), {"name": "b", "image": VLLM}]),
    _way(
        "in a native sidecar",
        containers=[house()],
        initContainers=[{"name": "b", "image": VLLM, "restartPolicy": "Always"}],
    ),
    _way(
        "in an init container that never ends, by its image",
        containers=[house()],
        initContainers=[{"name": "b", "image": VLLM}],
    ),
    _way(
        "in an init container that never ends, by its command",
        containers=[house()],
        initContainers=[{"name": "b", "image": HOUSE, "command": ["vllm", "serve", "x/y"]}],
    ),
    _way("behind a very long list of arguments", containers=[house(image=VLLM, args=["x" * 100_000])]),
    _way(
        "behind a thousand variables",
        containers=[house(image=VLLM, env=[{"name": f"V{n}", "value": "x"} for n in range(1000)])],
    ),
    _way(
        "as the last of a hundred containers",
        containers=[*({"name": f"c-{n}", "image": HOUSE} for n in range(100)), {"name": "z", "image": VLLM}],
    ),
    _way(
        "in an object that the API server sends in six times its bytes",
        containers=[house(image=VLLM, args=["<" * 1_300_000])],
    ),
    _way(
        "behind scripts that take seconds to read",
        containers=[
            house(command=["sh", "-c", *(f"sh -c \"sh -c 'vllm {n} {'a ' * 7000}'\"" for n in range(90))])
        ],
    ),
    _way(
        "behind variables that double a hundred times",
        containers=[
            house(
                command=["vllm", "serve", "$(V99)"],
                env=[{"name": f"V{n}", "value": f"$(V{n - 1})$(V{n - 1})" if n else "x"} for n in range(100)],
            )
        ],
    ),
    Way('withdrawn by the label `"false"`', _withdrawn, UNDECLARED),
    Way("an ephemeral container: `kubectl debug`", _debug, UNDECLARED),
    Way("the image set later: `kubectl set image`", _later_image, UNDECLARED),
    Way("the command set later: `kubectl patch`", _later_arguments, UNDECLARED),
    Way("`kubectl run`", lambda place, name: place.run("run", name, f"--image={VLLM}"), UNDECLARED),
    Way(
        "`kubectl create deployment`",
        lambda place, name: place.run("create", "deployment", name, f"--image={VLLM}"),
        UNDECLARED,
    ),
    Way(
        "`kubectl create job`",
        lambda place, name: place.run("create", "job", name, f"--image={VLLM}"),
        UNDECLARED,
    ),
    Way(
        "a generated name",
        lambda place, name: place.create({**undeclared(name), "metadata": {"generateName": name}}),
        UNDECLARED,
    ),
    Way(
        "no replicas",
        lambda place, name: place.create(
            {**(obj := undeclared(name)), "spec": {**obj["spec"], "replicas": 0}}
        ),
        UNDECLARED,
    ),
    _way(
        "two hints: a model in a variable, and a GPU",
        expected=Expected.WARNED,
        why="`likely: Warn`",
        containers=[
            house(
                env=[{"name": "MODEL_ID", "value": "x/y"}],
                resources={"limits": {"nvidia.com/gpu": "1"}},
            )
        ],
    ),
    _way(
        "a house image and a program of the house",
        "",
        Expected.LET_IN,
        "no rule can see it: [detection](detection.md#what-no-rule-can-find)",
        containers=[house(command=["/opt/program"])],
    ),
    _run(
        "in a script that is decoded while it runs",
        "sh",
        "-c",
        "echo dmxsbSBzZXJ2ZQ== | base64 -d | sh",
        by="",
        expected=Expected.LET_IN,
        why="what a script computes is not known before it runs",
    ),
]
