"""What hypothesis may make of evidence: any JSON, JSON that looks like evidence, and damaged evidence."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from tests.manifests.build import locations, manifest_object, put

_KEYS: Final = sorted({step for step in sum(locations(manifest_object()), ()) if isinstance(step, str)})
_V0_KEYS: Final = (
    "model_name",
    "risk_category",
    "training_timestamp",
    "human_oversight_enabled",
    "training_data_sovereignty",
    "bias_metrics",
    "owner",
)
_METRIC_KEYS: Final = ("demographic_parity_diff", "disparate_impact", "threshold", "compliant", "theil_index")

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["\ud800", "HighRisk", "2026-11-01T10:00:00Z", "eu-west-3", 10**400, -0.2])
)


def _nested(keys: st.SearchStrategy[str], leaves: int) -> st.SearchStrategy[Any]:
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6),
        max_leaves=leaves,
    )


json_values = _nested(st.text(max_size=10) | st.sampled_from(_KEYS) | st.just("\udfff"), 20)
specs = st.dictionaries(st.sampled_from(_KEYS), _nested(st.sampled_from(_KEYS), 30), max_size=8)
manifest_like = st.builds(lambda spec: {**manifest_object(), "spec": spec}, specs | json_values)

_metrics = st.dictionaries(
    st.sampled_from(_METRIC_KEYS), st.floats(-1, 1) | st.booleans() | scalars, max_size=4
)
_names = st.text(min_size=1, max_size=30) | st.sampled_from(["CreditRiskScorer-v2", "fraud_v1.2.3", "x-v"])
_places = st.sampled_from(
    ["EU-WEST-3 (Paris/Frankfurt)", "eu-west-3, mars-1", "gcp europe-west9 and London", "", "DE/FRA"]
)
_moments = st.sampled_from(["2026-11-01T10:00:00.123456", "2026-11-01 10:00:00+0100", "yesterday"])
_categories = st.sampled_from(["HIGH_RISK", "limited-risk", "Prohibited", "harmless"])
v0_documents = st.fixed_dictionaries(
    {"model_name": _names | scalars},
    optional={
        "risk_category": _categories | scalars,
        "training_timestamp": _moments | scalars,
        "human_oversight_enabled": st.booleans() | scalars,
        "training_data_sovereignty": _places | st.text(max_size=40) | scalars,
        "bias_metrics": _metrics | json_values,
        "owner": json_values,
        "assumed_defaults": json_values,
    },
)
v0_like = st.dictionaries(st.sampled_from(_V0_KEYS), json_values, min_size=1)
documents = json_values | manifest_like | v0_documents | v0_like


def wrong_for(value: object) -> tuple[object, ...]:
    """Return values of other types than that of a value that is right."""
    match value:
        case bool():
            return ("true", 1, [], {})
        case str():
            return (5, True, [], {}, "")
        case int() | float():
            return ("0.03", True, [], {}, float("nan"), 10**400)
        case list():
            return ("x", 5, {}, [None], [5])
        case _:
            return ("x", 5, True, [])


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """Return a manifest that passed, with one to four fields of its spec damaged."""
    found = manifest_object()
    for _ in range(draw(st.integers(1, 4))):
        spots = [spot for spot in locations(found["spec"]) if not (len(spot) == 1 and spot[0] == "x")]
        spot = draw(st.sampled_from(spots))
        here: Any = found["spec"]
        for step in spot:
            here = here[step]
        put(found["spec"], spot, draw(st.sampled_from(wrong_for(here))))
    return found
