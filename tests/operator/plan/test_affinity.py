from __future__ import annotations

from typing import Any

import pytest

from tests.operator.plan.build import PARIS, Json, overlaid, pod
from tests.subjects.objects import REGION, ZONE, required, term

RULE = "requiredDuringSchedulingIgnoredDuringExecution"
FRANKFURT_A = {"provider": "aws", "region": "eu-central-1a"}


def terms(*regions: Json, **spec: Any) -> list[Json]:  # noqa: ANN401 - fields of a ModelDeployment's spec
    """Return the node selector terms that are planned for pods in these regions."""
    affinity = pod(placement={"regions": list(regions)}, **spec)["affinity"]
    found: list[Json] = affinity["nodeAffinity"][RULE]["nodeSelectorTerms"]
    return found


def test_pods_are_held_to_every_region_of_the_placement() -> None:
    """Regions are alternatives, in one expression."""
    oslo = {"provider": "azure", "region": "norwayeast"}
    assert terms(PARIS, oslo) == [term(REGION, "In", "eu-west-3", "norwayeast")]


def test_without_placement_pods_may_run_anywhere() -> None:
    """No affinity is made up."""
    assert "affinity" not in pod()


def test_a_zone_is_held_to_the_label_of_zones() -> None:
    """A node's region label never holds a zone."""
    assert terms(FRANKFURT_A) == [term(ZONE, "In", "eu-central-1a")]


def test_regions_and_zones_together_are_alternatives() -> None:
    """Terms are alternatives; the expressions of one term are not."""
    assert terms(FRANKFURT_A, PARIS) == [term(REGION, "In", "eu-west-3"), term(ZONE, "In", "eu-central-1a")]


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ({"provider": "aws", "region": " EU-WEST-3 "}, term(REGION, "In", "EU-WEST-3", "eu-west-3")),
        ({"provider": "ovhcloud", "region": "gra11"}, term(REGION, "In", "gra11", "GRA11")),
        ({"provider": "aws", "region": "EU-WEST-3B"}, term(ZONE, "In", "EU-WEST-3B", "eu-west-3b")),
        ({"provider": "gcp", "region": "europe-west9-b"}, term(ZONE, "In", "europe-west9-b")),
        ({"region": "eu-west-3a"}, term(ZONE, "In", "eu-west-3a")),
        ({"region": "our-cellar"}, term(REGION, "In", "our-cellar")),
    ],
)
def test_a_code_is_written_as_stated_and_as_its_provider_writes_it(region: Json, expected: Json) -> None:
    """The gate overlooks letter case and the scheduler does not; an unknown code is a region's."""
    assert terms(region) == [expected]


def test_each_alternative_of_the_user_gets_the_demand() -> None:
    """Terms are alternatives: one without it would let pods leave the placement."""
    by_name = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}
    arm, ssd = term("arch", "In", "arm64"), term("disk", "Exists")
    asked = overlaid(**required(arm, ssd, by_name))
    here = term(REGION, "In", "eu-west-3")["matchExpressions"]
    assert terms(PARIS, podTemplate=asked) == [
        {"matchExpressions": arm["matchExpressions"] + here},
        {"matchExpressions": ssd["matchExpressions"] + here},
        by_name | {"matchExpressions": here},
    ]


def test_an_alternative_of_the_user_is_split_between_regions_and_zones() -> None:
    """Every pair of theirs and ours."""
    arm = term("arch", "In", "arm64")
    first, second = terms(PARIS, FRANKFURT_A, podTemplate=overlaid(**required(arm)))
    assert [item["key"] for item in first["matchExpressions"]] == ["arch", REGION]
    assert [item["key"] for item in second["matchExpressions"]] == ["arch", ZONE]


@pytest.mark.parametrize("empty", [{}, {"matchExpressions": []}, {"matchExpressions": [], "matchFields": []}])
def test_an_empty_alternative_stays_one_that_no_node_matches(empty: Json) -> None:
    """With the demand in it, it would match every node of the region."""
    asked = overlaid(**required(empty, term("arch", "In", "arm64")))
    assert terms(PARIS, podTemplate=asked)[0] == {}


def test_no_alternatives_at_all_stay_none() -> None:
    """An empty list is refused by the API server; ours in its place would hide the mistake."""
    assert terms(PARIS, podTemplate=overlaid(**required())) == []


def test_other_wishes_of_the_user_are_kept() -> None:
    """Preferences and pod affinity are beside the point."""
    preferred = [{"weight": 1, "preference": term("disk", "In", "ssd")}]
    apart: Json = {"preferredDuringSchedulingIgnoredDuringExecution": []}
    stated = {
        "nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred},
        "podAntiAffinity": apart,
    }
    affinity = pod(placement={"regions": [PARIS]}, podTemplate=overlaid(affinity=stated))["affinity"]
    assert affinity["podAntiAffinity"] == apart
    assert affinity["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"] == preferred
    assert affinity["nodeAffinity"][RULE]["nodeSelectorTerms"] == [term(REGION, "In", "eu-west-3")]
