"""The match conditions against the webhook itself: never narrower, for whatever a cluster holds."""

from __future__ import annotations

import copy
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actgate.subjects.reading import reading
from actgate.subjects.signal_rules import signal_rules
from tests.subjects.objects import TEMPLATE_PATHS
from tests.webhook import corpus
from tests.webhook.build import Json
from tests.webhook.test_registration import asked_of, matters

pytestmark = pytest.mark.system

CONTAINERS: Final = tuple(corpus.containers())


def described(obj: Json) -> str:
    """Return what of an object a failure shows."""
    return f"{obj['apiVersion']} {obj['kind']}: {str(obj.get('spec'))[:300]}"


def test_everything_that_the_webhook_would_judge_is_asked_about() -> None:
    """Servers, ordinary workloads, an object of each serving kind and the examples, when they are created."""
    objects = corpus.corpus()
    judged = [obj for obj in objects if (found := reading(obj)) is not None and found.judged]
    assert len(judged) > 150
    assert [described(obj) for obj in judged if not asked_of(obj, None)] == []


def test_of_ordinary_workloads_hardly_any_is_asked_about() -> None:
    """What shows no signal and carries no mark; the share that docs/coverage.md states."""
    silent = [obj for obj in corpus.workloads() if (found := reading(obj)) is not None and not found.judged]
    asked = [described(obj) for obj in silent if asked_of(obj, None)]
    assert len(silent) > 60
    assert len(asked) < len(silent) / 4, asked


_INSIDE: Final = ('"', "'", "\\", "\\\n", "\n", "\t", " ", "/", ":", "-", "A", "${X}", "$(X)")


@st.composite
def words(draw: st.DrawFn, text: str) -> str:
    """Return a text with some characters put in, taken out, or in capitals."""
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        match draw(st.integers(0, 2)):
            case 0:
                text = text[:at] + draw(st.sampled_from(_INSIDE)) + text[at:]
            case 1:
                text = text[:at] + text[at + 1 :]
            case _:
                text = text[:at] + text[at:].upper()
    return text


@st.composite
def containers(draw: st.DrawFn) -> Json:
    """Return a container of the corpus with changes in its words, and with hints of the rules."""
    found = copy.deepcopy(draw(st.sampled_from(CONTAINERS)))
    found["image"] = draw(words(found["image"]))
    line = [draw(words(word)) for word in found.pop("command", ())]
    cut = draw(st.integers(0, len(line)))
    found |= {"command": line[:cut], "args": line[cut:]}
    if draw(st.booleans()) and line:
        found |= {"command": ["sh", "-c"], "args": [" ".join(line)]}
    hint = draw(st.sampled_from(signal_rules().hints))
    for name in (*hint.env, *(f"{prefix}X" for prefix in hint.env_prefix)):
        found.setdefault("env", []).append({"name": draw(words(name)), "value": "x"})
    for path in hint.mounts:
        found.setdefault("volumeMounts", []).append({"name": "v", "mountPath": draw(words(path))})
    for path in hint.probes:
        probe = draw(st.sampled_from(("startupProbe", "readinessProbe", "livenessProbe")))
        found[probe] = {"httpGet": {"path": draw(words(path)), "port": 80}}
    return found


@st.composite
def workloads(draw: st.DrawFn) -> Json:
    """Return a workload of any kind with containers of every sort, and labels of the rules."""
    pod: dict[str, Any] = {"containers": draw(st.lists(containers(), min_size=1, max_size=2))}
    field = draw(st.sampled_from(("containers", "initContainers", "ephemeralContainers")))
    pod[field] = [*pod.get(field, ()), draw(containers())]
    labels = {}
    if draw(st.integers(0, 4)) == 0:
        rule = draw(st.sampled_from(signal_rules().labels))
        labels = {draw(st.sampled_from(sorted(rule.keys))): draw(st.sampled_from(list(rule.values) or ["x"]))}
    return corpus.of_kind(draw(st.sampled_from(sorted(TEMPLATE_PATHS))), corpus.pod_of(**pod), labels)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(new=workloads(), old=workloads())
def test_no_change_of_a_server_hides_it_from_the_conditions(new: Json, old: Json) -> None:
    """Quotes, capitals, line breaks and moves between fields: judged means asked, updates too."""
    found = reading(new)
    assert found is not None
    if found.judged:
        assert asked_of(new, None)
    old = corpus.of_kind(new["kind"], pod_spec(old), None)
    if matters(new, old):
        assert asked_of(new, old)


def pod_spec(obj: Json) -> Json:
    """Return the PodSpec of a workload."""
    for step in TEMPLATE_PATHS[obj["kind"]]:
        obj = obj[step]
    spec: Json = {key: value for key, value in obj["spec"].items() if key != "restartPolicy"}
    return spec
