"""Every label by which a node's region is selected counts, Kubernetes' own or a provider's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate.decision import Subject
from actgate.subjects.placement import KNOWN, selects_a_place
from actgate.subjects.workload import Workload
from tests.decision.build import judge, manifest
from tests.subjects.objects import REGION, Json, linked, required, serving, term, workload

LOOKALIKES = [
    *("region", "zone", "location", "example.com/region", "example.com/zone", "example.com/location"),
    *("cloud.provider/region", "topology.linode.com/region", "topology.rook.io/zone", "availability-zone"),
    *(
        "topology.csi.vmware.com/openstack-region",
        "example.com/cloudRegion",
        "example.com/failure-domain.zone",
    ),
    *("k8s.ovh.net/availability_zone", "topology.k8s.aws/zone-id", "topology.rook.io/datacenter"),
    *("Region", "ZONE", "country", "node.example.com/region-name"),
]
OTHERS = [
    *("disk", "arch", "kubernetes.io/arch", "kubernetes.io/hostname", "node.kubernetes.io/instance-type"),
    *("example.com/security-zone", "dns-zone", "timezone", "zones-of-trust", "karpenter.sh/nodepool", ""),
]
ABROAD = {"aws": "us-east-1", "azure": "eastus", "gcp": "us-central1-a", "hetzner": "ash", "ibm": "us-south"}
HOME = {"aws": "eu-west-3", "azure": "westeurope", "gcp": "europe-west9", "hetzner": "fsn1", "ibm": "eu-de"}
ABROAD |= {"alibaba": "cn-hongkong", "scaleway": "eu-west-2", "exoscale": "ch-gva-2"}
HOME |= {"alibaba": "eu-central-1", "scaleway": "fr-par-1", "exoscale": "de-fra-1"}
LINKS = linked(compliance_manifest="credit-risk-scorer-v2", model="CreditRiskScorer")


def pods(form: str, key: str, value: str) -> Json:
    """Return a pod spec that demands a label by node selector or by required node affinity."""
    return {"nodeSelector": {key: value}} if form == "selector" else required(term(key, "In", value))


def asked(pod: Json, kind: str = "Deployment") -> Subject:
    """Return a linked workload, or a ModelDeployment, with this pod spec."""
    if kind == "ModelDeployment":
        return Workload(serving(podTemplate={"spec": pod})).subject()
    return Workload(workload(kind, pod, own=LINKS, template=LINKS)).subject()


@pytest.mark.parametrize("kind", ["Deployment", "Pod", "CronJob", "ModelDeployment"])
@pytest.mark.parametrize("form", ["selector", "affinity"])
def test_known_labels_are_judged_like_the_region_label(kind: str, form: str) -> None:
    """A region abroad is refused by any label that selects it, one at home is allowed."""
    for key in KNOWN:
        provider = KNOWN[key] or "aws"
        refused = judge(manifest(), asked(pods(form, key, ABROAD[provider]), kind))
        assert refused.failed_rules == ("residency/serving",), key
        assert judge(manifest(), asked(pods(form, key, HOME[provider]), kind)).allowed, key


@pytest.mark.parametrize("form", ["selector", "affinity"])
@pytest.mark.parametrize("value", ["us-east-1", "us-east-1a", "eastus", "rack-7", "nova", ""])
def test_a_key_that_reads_like_a_region_is_judged_or_refused(form: str, value: str) -> None:
    """What cannot be located is unknown, and unknown is never allowed."""
    for key in LOOKALIKES:
        verdict = judge(manifest(), asked(pods(form, key, value)))
        assert verdict.failed_rules == ("residency/serving",), key


@pytest.mark.parametrize("form", ["selector", "affinity"])
@pytest.mark.parametrize("key", [*LOOKALIKES, "example.com/company-region", "prod-zone"])
def test_a_key_that_reads_like_a_region_allows_an_allowed_one(form: str, key: str) -> None:
    """Its value is a declaration like any other."""
    if KNOWN.get(key, "aws") == "aws":
        asking = asked(pods(form, key, "eu-west-3"))
        assert judge(manifest(), asking).allowed
        assert [region.code for _, region in asking.placement or ()] == ["eu-west-3"]


@pytest.mark.parametrize("form", ["selector", "affinity"])
@pytest.mark.parametrize("key", OTHERS)
def test_other_labels_declare_no_place(form: str, key: str) -> None:
    """Hostnames, architectures and security zones say nothing about countries."""
    asking = asked(pods(form, key, "dmz"))
    assert (asking.placement, asking.problems) == (None, ())


@pytest.mark.parametrize("form", ["selector", "affinity"])
@pytest.mark.parametrize("key", ["example.com/company-region", "prod-zone", "zone.of.the.team"])
def test_a_key_with_a_word_for_a_place_counts_by_its_value(form: str, key: str) -> None:
    """The region abroad shows what the label means, whatever else stands in its key."""
    assert judge(manifest(), asked(pods(form, key, "us-east-1"))).failed_rules == ("residency/serving",)


@pytest.mark.parametrize("operator", ["NotIn", "Exists", "DoesNotExist", "Gt", "Lt", None])
def test_every_other_operator_on_any_such_label_is_a_problem(operator: str) -> None:
    """Everywhere but one region, or anywhere with a label, is an unknown place."""
    for key in (*KNOWN, "region", "example.com/zone"):
        (problem,) = asked(required(term(key, operator, "eu-west-3"))).problems
        assert problem.rule == "residency/serving", key


def test_an_expression_without_values_is_a_problem() -> None:
    """`In` nothing names no region."""
    assert len(asked(required(term(REGION, "In"))).problems) == 1


def test_every_label_of_a_pod_counts() -> None:
    """An allowed region beside a foreign zone by another label is refused for the zone."""
    pod = {"nodeSelector": {REGION: "eu-west-3", "topology.ebs.csi.aws.com/zone": "us-east-1a"}}
    (finding,) = judge(manifest(), asked(pod)).findings
    assert finding.path.endswith("nodeSelector[topology.ebs.csi.aws.com/zone]")


def test_a_providers_own_label_says_whose_region_it_is() -> None:
    """eu-west-1a by Amazon's label is Dublin; an annotation cannot make Amazon's London Outscale's Paris."""
    ebs = "topology.ebs.csi.aws.com/zone"
    assert judge(manifest(), asked({"nodeSelector": {ebs: "eu-west-1a"}})).allowed
    marks = linked(compliance_manifest="credit-risk-scorer-v2", model="CreditRiskScorer", provider="outscale")
    london = Workload(workload("Deployment", {"nodeSelector": {ebs: "eu-west-2a"}}, template=marks)).subject()
    assert judge(manifest(), london).failed_rules == ("residency/serving",)


def test_what_does_not_select_nodes_is_ignored() -> None:
    """Spread constraints and preferences by a foreign zone leave the placement as it is."""
    zone = "topology.gke.io/zone"
    preferred = [{"weight": 1, "preference": term(zone, "In", "us-central1-a")}]
    pod = {
        "topologySpreadConstraints": [{"topologyKey": zone, "maxSkew": 1}],
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}},
    }
    assert asked(pod).placement is None


def test_a_statement_in_a_placement_is_read() -> None:
    """spec.placement holds the words of its source too, and they count."""
    region = {"provider": "aws", "region": "eu-west-3", "statement": "eu-west-3 or us-east-1"}
    obj = serving(placement={"regions": [region]})
    assert judge(manifest(), Workload(obj).subject()).failed_rules == ("residency/serving",)
    region["statement"] = "eu-west-3 (Paris)"
    assert judge(manifest(), Workload(obj).subject()).allowed


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists, max_leaves=5),
    st.lists(st.none() | st.integers() | st.text(max_size=5) | st.lists(st.integers())),
)
def test_no_key_and_no_value_raises(key: object, values: list[object]) -> None:
    """Whatever stands where a label should be is no place."""
    if not isinstance(key, str):
        assert not selects_a_place(key, values)
    selects_a_place("example.com/region-of-something", values)
