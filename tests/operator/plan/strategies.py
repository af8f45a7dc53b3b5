"""ModelDeployments of every kind that the schema allows, and that can run at all.

Good and bad placements, models and images occur about as often, so that verdicts of all kinds occur. What
the two judges read differently, and why, is the matter of ``test_same_verdict``; it is left out here.
"""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from tests.operator.plan.build import MODEL_DIGEST, Json, model_deployment
from tests.subjects.objects import REGION, ZONE, required, term

BOUND_IMAGE: Final = f"registry.example/server@sha256:{'b' * 64}"
"""An image that a manifest of ``tests.decision.strategies`` may bind to."""
OTHER_IMAGE: Final = f"registry.example/server@sha256:{'c' * 64}"

text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
images = st.sampled_from([BOUND_IMAGE, BOUND_IMAGE, OTHER_IMAGE, "server:1"])


def maybe(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """Return objects with any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


def mostly(usual: str, others: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return one value nine times out of ten, so that what is wrong elsewhere comes to light."""
    return st.integers(0, 9).flatmap(lambda dice: others if dice == 9 else st.just(usual))


uris = text | st.builds(
    "".join,
    st.lists(
        st.sampled_from(["$", "(", ")", "{", "}", "`", "/", ".", "~", "HOME", "hf://", "a/b"]), min_size=1
    ),
)
"""As shells, the kubelet, disks and the hub read them in other ways."""

models = st.fixed_dictionaries(
    {"name": mostly("CreditRiskScorer", st.just("Other") | text)},
    optional={
        "version": mostly("2", text),
        "digest": mostly(MODEL_DIGEST, st.just(f"sha256:{'d' * 64}")),
        "uri": uris,
    },
)

_codes: Final = {
    "aws": ["eu-west-3", "eu-west-1", "EU-WEST-3", "eu-west-2", "eu-west-3a", "eu-central-1b", "nowhere"],
    "azure": ["northeurope", "norwayeast", "westeurope-1", "uksouth"],
    "gcp": ["europe-west9", "europe-west9-b", "europe-west2"],
    None: ["eu-west-3", "eu-west-1", "europe-west9-b", "norwayeast", "nowhere"],
}


def _placed(provider: str | None) -> st.SearchStrategy[Json]:
    stated = {} if provider is None else {"provider": st.sampled_from([provider, provider.upper()])}
    region = st.fixed_dictionaries({"region": st.sampled_from(_codes[provider]), **stated})
    return st.lists(region, min_size=1, max_size=3).map(lambda regions: {"regions": regions})


placements = st.sampled_from([*_codes]).flatmap(_placed)
"""Regions and zones of one provider, or of none that is stated."""

_places = st.sampled_from(["eu-west-3", "eu-west-1", "eu-west-2", "norwayeast"])
_terms = st.builds(
    lambda first, more: {"matchExpressions": [*first["matchExpressions"], *more]},
    st.builds(term, st.sampled_from([REGION, ZONE]), st.sampled_from(["In", "In", "NotIn"]), _places),
    st.sampled_from([[], term("arch", "In", "arm64")["matchExpressions"]]),
)
affinities = st.lists(_terms, min_size=1, max_size=2).map(lambda terms: required(*terms)["affinity"])
selectors = st.dictionaries(st.sampled_from([REGION, ZONE]), _places, max_size=2) | st.just({"disk": "ssd"})

security = maybe(
    runAsNonRoot=st.booleans(),
    runAsUser=st.sampled_from([0, 1000]),
    seccompProfile=st.just({"type": "Unconfined"}),
)
container_security = maybe(
    runAsUser=st.sampled_from([0, 1000]),
    privileged=st.booleans(),
    capabilities=maybe(
        add=st.lists(st.sampled_from(["NET_BIND_SERVICE", "CAP_SYS_ADMIN"]), max_size=2, unique=True),
        drop=st.just(["NET_RAW"]),
    ),
)
variables = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(
                ["A", "ACTGATE_MODEL_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_NAME"]
            )
        },
        optional={"value": text},
    ),
    max_size=3,
    unique_by=lambda item: str(item["name"]),
)
resources = maybe(
    limits=st.dictionaries(st.sampled_from(["cpu", "memory", "nvidia.com/gpu"]), st.just("1"), max_size=2)
)
servers = st.fixed_dictionaries(
    {"image": images},
    optional={
        "args": st.lists(text, max_size=2),
        "env": variables,
        "ports": st.lists(
            st.fixed_dictionaries(
                {"containerPort": st.sampled_from([80, 8080])},
                optional={"name": st.just("web"), "protocol": st.sampled_from(["TCP", "UDP"])},
            ),
            max_size=1,
        ),
        "resources": resources,
        "securityContext": container_security,
    },
)
_extra = {"env": variables, "resources": resources, "securityContext": container_security}
sidecars = st.fixed_dictionaries({"name": st.just("proxy"), "image": images}, optional=_extra)
touches = st.fixed_dictionaries({"name": st.just("server")}, optional=_extra)
volumes = st.just({"name": "tmp", "emptyDir": {}}) | images.map(
    lambda image: {"name": "weights", "image": {"reference": image}}
)
overlays = maybe(
    metadata=maybe(
        labels=st.dictionaries(st.sampled_from(["team", "actgate.dev/inference"]), st.just("x"), max_size=2),
        annotations=st.dictionaries(
            st.sampled_from(["note", "actgate.dev/model", "actgate.dev/model-version"]), text, max_size=2
        ),
    ),
    spec=maybe(
        containers=st.lists(sidecars | touches, max_size=2, unique_by=lambda item: str(item["name"])),
        initContainers=st.lists(sidecars, max_size=1),
        volumes=st.lists(volumes, max_size=2, unique_by=lambda item: str(item["name"])),
        nodeSelector=selectors,
        affinity=affinities,
        securityContext=security,
        tolerations=st.just([{"operator": "Exists"}]),
    ),
)
sizes: st.SearchStrategy[Json] = st.sampled_from(
    [{}, {"replicas": 0}, {"replicas": 3}, {"autoscaling": {"maxReplicas": 4}}, {"suspend": True}]
)


@st.composite
def _model_deployments(draw: st.DrawFn) -> Json:
    optional = draw(maybe(placement=placements, podTemplate=overlays))
    if "placement" in optional:
        optional = _without_other_places(optional)
    return model_deployment(
        draw(st.sampled_from(["scorer", "credit.risk", "2nd"])),
        model=draw(models),
        complianceManifestRef={"name": draw(mostly("credit-risk-scorer-v2", st.just("absent")))},
        server=draw(servers),
        **draw(sizes),
        **optional,
    )


def _without_other_places(optional: Json) -> Json:
    """Leave out of the overlay what names nodes by region: beside a placement it may contradict it."""
    overlay = optional.get("podTemplate", {})
    spec = {
        key: value
        for key, value in overlay.get("spec", {}).items()
        if key not in ("nodeSelector", "affinity")
    }
    return optional | ({"podTemplate": {**overlay, "spec": spec}} if "spec" in overlay else {})


model_deployments = _model_deployments()
