"""The match conditions as an API server evaluates them: what it asks about, and what that costs at most.

No webhook runs. A call that fails says that the API server would have asked: with ``failurePolicy: Fail``, in
words that name the webhook. A condition that cannot be evaluated, for its cost, is refused in other words.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple

import pytest

from actgate.api.names import EXEMPT_LABEL
from actgate.subjects.reading import package_table, reading
from actgate.subjects.serving_kinds import serving_kinds
from actgate_sandbox import control_plane as sandbox
from actgate_sandbox.rest import MERGE_PATCH, Reply, Rest, install_crds
from demo import registration
from tests.deploy.foreign_kinds import definition
from tests.subjects.objects import TEMPLATE_PATHS
from tests.support import crds
from tests.support.waiting import wait_until
from tests.webhook import corpus, largest
from tests.webhook.build import Json
from tests.webhook.guarding import ROOT
from tests.webhook.test_registration import asked_of

pytestmark = pytest.mark.system

_ASKED: Final = re.compile(r'failed calling webhook "([^"]+)"')
NAMESPACE: Final = "asked"
RELABELLED: Final = {"metadata": {"labels": {"team": "credit"}}}


class Asking(NamedTuple):
    """An API server in which the registration is installed, without a webhook behind it."""

    rest: Rest
    is_real: bool

    def collection(self, obj: Json) -> str:
        """Return where objects of a kind are created."""
        group, _, version = obj["apiVersion"].rpartition("/")
        row = package_table().rows[group, obj["kind"]]
        root = f"/apis/{group}/{version}" if group else f"/api/{version}"
        return f"{root}/namespaces/{NAMESPACE}/{row.plural}"

    def create(self, obj: Json, **query: str) -> Reply:
        """Create an object, with a name of its own for what stays."""
        return self.rest("POST", self.collection(obj), placed(obj), **query)

    def asks(self, obj: Json) -> list[str]:
        """Return the webhooks that are asked about a create."""
        return asked_in(self.create(obj, dryRun="All"))

    def asks_about_change(self, obj: Json, change: Json) -> list[str]:
        """Return the webhooks that are asked about a change of an object that is there."""
        path = f"{self.collection(obj)}/{obj['metadata']['name']}"
        return asked_in(self.rest("PATCH", path, change, MERGE_PATCH, dryRun="All"))

    def exempt(self, is_exempt: bool) -> None:
        """Take the namespace out of the gate, or put it back, and return when the API server knows."""
        change = {"metadata": {"labels": {EXEMPT_LABEL: "" if is_exempt else None}}}
        assert self.rest("PATCH", f"/api/v1/namespaces/{NAMESPACE}", change, MERGE_PATCH).status == 200
        server = corpus.of_kind("Pod", corpus.pod_of([corpus.container(image="vllm/vllm-openai:1")]))
        wait_until(lambda: bool(self.asks(server)) is not is_exempt)


def placed(obj: Json) -> Json:
    """Return an object as a user sends it, in the namespace."""
    found = copy.deepcopy(obj)
    for field in ("uid", "resourceVersion", "creationTimestamp"):
        found["metadata"].pop(field, None)
    found["metadata"]["namespace"] = NAMESPACE
    return found


def asked_in(reply: Reply) -> list[str]:
    """Return which webhook an answer names; none where the API server asked none.

    Raises:
        AssertionError: It is another refusal, such as that of a condition that costs too much.
    """
    if reply.status in (200, 201):
        return []
    found = _ASKED.findall(reply.message)
    assert found, (reply.status, str(reply.body)[:500])
    return list(found)


@pytest.fixture(scope="module")
def asking(request: pytest.FixtureRequest) -> Iterator[Asking]:
    """An API server of its own, with every kind that is judged; nothing answers where it asks."""
    engine = request.config.getoption("--control-plane")
    engine = engine if engine in sandbox.ENGINES else "envtest"
    with sandbox.start(engine) as plane:
        rest = plane.rest()
        crds.install(rest)
        install_crds(
            rest,
            [
                definition(
                    group, obj["apiVersion"].rpartition("/")[2], serving_kinds()[group, kind].plural, kind
                )
                for (group, kind), obj in first_of_each_kind().items()
            ],
        )
        assert rest("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}}).status == 201
        account = {"metadata": {"name": "default"}}
        rest("POST", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", account)
        written = registration.read(ROOT / "deploy" / "base" / "webhook-registration.yaml")
        for item in written["webhooks"]:
            item["failurePolicy"] = "Fail"
        registration.install(rest, registration.on_loopback(written, 9, b""))
        found = Asking(rest, engine == "envtest")
        found.exempt(True)
        found.exempt(False)
        yield found
        rest.close()


def first_of_each_kind() -> dict[tuple[str, str], Json]:
    """Return an object of each serving kind by its group and kind, in the one version that is served here."""
    found: dict[tuple[str, str], Json] = {}
    for obj in corpus.serving():
        found.setdefault((obj["apiVersion"].rpartition("/")[0], obj["kind"]), obj)
    return found


def creatable() -> list[Json]:
    """Return what of the corpus an API server lets a user create."""
    others = [*corpus.workloads(), *corpus.examples()]
    builtin = [
        obj for obj in others if obj["kind"] in TEMPLATE_PATHS and "ephemeralContainers" not in str(obj)
    ]
    return [*builtin, *first_of_each_kind().values()]


def test_no_object_is_so_large_that_a_condition_cannot_be_evaluated(asking: Asking) -> None:
    """Over its budget a condition is an error, which refuses an ordinary object, or lets a server pass.

    Each is created, and changed in a label of no meaning, for which everything has to be compared.
    """
    if not asking.is_real:
        pytest.skip("the stand-in counts no cost")
    objects = dict([*largest.workloads(), *largest.models()])
    failing: list[str] = []
    for index, (what, obj) in enumerate(objects.items()):
        obj["metadata"]["name"] = f"large-{index}"
        failing += unasked(what, partial(asking.asks, obj))
    asking.exempt(True)
    for what, obj in objects.items():
        reply = asking.create(obj)
        assert reply.status == 201, (what, reply.status, reply.message[:300])
    asking.exempt(False)
    for what, obj in objects.items():
        failing += unasked(what, partial(asking.asks_about_change, obj, RELABELLED))
        assert asking.rest("DELETE", f"{asking.collection(obj)}/{obj['metadata']['name']}").status == 200
    assert failing == []


def unasked(what: str, ask: Callable[[], object]) -> list[str]:
    """Return a line where a request was refused for another reason than that no webhook runs."""
    try:
        ask()
    except AssertionError as error:
        return [f"{what}: {str(error)[:300]}"]
    return []


def test_the_api_server_asks_about_what_the_webhook_would_judge(asking: Asking) -> None:
    """Each object of the corpus; and about the same as the evaluation of the other tests says."""
    narrower, other = [], []
    # The stand-in does not serve every kind.
    objects = [obj for obj in creatable() if asking.is_real or obj["kind"] != "ReplicationController"]
    assert len(objects) > 150
    for obj in objects:
        asked, found = asking.asks(obj), reading(obj)
        if found is not None and found.judged and not asked:
            narrower.append(obj)
        if asked != asked_of(obj, None):
            other.append((asked, obj))
    assert narrower == []
    assert other == []
