"""Every request of both services in the whole run, held against the rights that `deploy/` grants them.

The stand-in lets every caller do everything, and logs who sent which request. When the last test is over,
a request that no rule allows fails the run, and so does a rule that nothing used, where nothing was
left out of the run. (The real API server refuses what no rule allows: `tests/deploy`.)
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml

from actgate.kube.observing import words
from actgate_sandbox.envtest import find_kubectl

BASE: Final = Path(__file__).parents[2] / "deploy" / "base"
SERVICES: Final = ("actgate-operator", "actgate-webhook")


class Right(NamedTuple):
    """What a service may do, or did."""

    service: str
    verb: str
    group: str
    """`core` for the core group."""
    resource: str
    """With a subresource after a slash."""


UNSEEN: Final = frozenset(
    {
        # To create by an apply is one request, a patch, for which the API server asks for both rights.
        Right("actgate-operator", "create", "apps", "deployments"),
        Right("actgate-operator", "create", "core", "services"),
        Right("actgate-operator", "create", "autoscaling", "horizontalpodautoscalers"),
        Right("actgate-operator", "create", "policy", "poddisruptionbudgets"),
        Right("actgate-operator", "create", "networking.k8s.io", "networkpolicies"),
        Right("actgate-operator", "create", "events.k8s.io", "events"),
        Right("actgate-operator", "create", "core", "secrets"),
        Right("actgate-operator", "create", "openreports.io", "reports"),
        Right("actgate-operator", "create", "openreports.io", "clusterreports"),
        Right("actgate-operator", "create", "wgpolicyk8s.io", "policyreports"),
        Right("actgate-operator", "create", "wgpolicyk8s.io", "clusterpolicyreports"),
        # Asked for only by an admission plugin that is off by default, OwnerReferencesPermissionEnforcement.
        Right("actgate-operator", "update", "actgate.dev", "modeldeployments/finalizers"),
    }
)
"""Rights that no request names."""


def rights(objects: Iterable[dict[str, Any]]) -> set[Right]:
    """Return what the roles and bindings among some objects allow the services to do."""
    kept = [item for item in objects if item["apiVersion"].startswith("rbac.authorization.k8s.io/")]
    rules = {(item["kind"], item["metadata"]["name"]): item["rules"] for item in kept if "rules" in item}
    return {
        Right(subject["name"], verb, group or "core", resource)
        for binding in kept
        for subject in binding.get("subjects", ())
        for rule in rules[binding["roleRef"]["kind"], binding["roleRef"]["name"]]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def asked_for(agent: str, method: str, path: str, watch: bool) -> Right:
    """Return the right that a request needs: its User-Agent names the service; discovery has no resource."""
    verb, resource = words(method, path, watch=watch)
    root, group, *_ = *path.strip("/").split("/"), ""
    return Right(agent.partition("/")[0], verb, "core" if root == "api" else group, resource)


def by_kinds() -> set[Right]:
    """Return the rights that are generated from the rows of kinds, most of which no stand-in serves."""
    return rights(yaml.safe_load_all((BASE / "subject-rbac.yaml").read_text("utf-8")))


def granted() -> set[Right]:
    """Return what `deploy/base` allows, read without kustomize."""
    paths = sorted(BASE.glob("*rbac.yaml"))
    return rights(item for path in paths for item in yaml.safe_load_all(path.read_text("utf-8")))


class Requests(logging.Handler):
    """Collects what the services asked the stand-ins of this process, and of its xdist workers."""

    def __init__(self, config: pytest.Config) -> None:
        super().__init__(logging.DEBUG)
        self.asked: set[Right] = set()
        self._config = config
        self._problems: list[str] = []
        log = logging.getLogger("actgate_sandbox.audit")
        log.setLevel(logging.DEBUG)
        log.propagate = False
        log.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Note one request."""
        asked = asked_for(*(record.args or ()))
        # What is served any account may ask: the API server's own role system:discovery.
        if asked.service in SERVICES and asked.resource:
            self.asked.add(asked)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - xdist ships no types
        """Add what a worker has seen."""
        self.asked |= {Right(*asked) for asked in getattr(node, "workeroutput", {}).get("rights", ())}

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Pass on what a worker observed, or judge what all observed."""
        output: dict[str, Any] | None = getattr(self._config, "workeroutput", None)
        if output is not None:
            output["rights"] = [tuple(asked) for asked in sorted(self.asked)]
            return
        self._problems = problems(self.asked, granted(), whole=self._is_whole(session))
        if self._problems and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what is wrong."""
        if self._problems:
            terminalreporter.section("rights of the services", red=True, bold=True)
            for problem in self._problems:
                terminalreporter.line(problem)

    def _is_whole(self, session: pytest.Session) -> bool:
        options = session.config.option
        return (
            session.config.args_source is pytest.Config.ArgsSource.TESTPATHS
            and not (options.keyword or options.markexpr or options.deselect or options.collectonly)
            and options.control_plane != "envtest"
            and session.exitstatus == pytest.ExitCode.OK
            and find_kubectl() is not None
        )


def problems(asked: set[Right], allowed: set[Right], *, whole: bool) -> list[str]:
    """Return a sentence for each request that no rule allows and, of a whole run, each unused right."""
    refused = [
        f"{' '.join(right)}: asked for, and no rule in deploy/base allows it" for right in asked - allowed
    ]
    unused = allowed - asked - UNSEEN - _shown(asked) if whole else set()
    return sorted(refused) + sorted(
        f"{' '.join(right)}: a rule in deploy/base allows it, and nothing asked for it" for right in unused
    )


def _shown(asked: set[Right]) -> set[Right]:
    """Return the rights of known kinds that a request for another kind shows: one code asks for them all."""
    generated = by_kinds()
    shown = {(right.service, right.verb) for right in generated & asked}
    return {right for right in generated if (right.service, right.verb) in shown}


def collect(config: pytest.Config) -> None:
    """Begin to collect."""
    config.pluginmanager.register(Requests(config), "rights-of-the-services")
