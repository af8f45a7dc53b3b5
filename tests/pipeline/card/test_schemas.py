"""Each document against the schema or the model that is published for it."""

import json
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from huggingface_hub import ModelCard, ModelCardData
from openlineage.client import event_v2, facet_v2
from openlineage.client.serde import Serde

from actgate.manifests.errors import UnreadableError
from actgate.pipeline import card
from actgate.pipeline.card import Format
from tests.pipeline.card.manifests import DATA, document, evidence, hostile, little, rendered

pytestmark = pytest.mark.system
VALUES = {"everything": document(), "little": little(), "hostile": hostile()}
TIMED = {
    **VALUES,
    "little": {**little(), "spec": {**little()["spec"], "training": document()["spec"]["training"]}},
}


def refs(value: object, name: str) -> list[str]:
    """Return every text under a name, wherever it stands."""
    if isinstance(value, list):
        return [found for item in value for found in refs(item, name)]
    if not isinstance(value, dict):
        return []
    own = value.get(name)
    found = [own] if isinstance(own, str) else [item for item in own or () if isinstance(item, str)]
    return found + [ref for item in value.values() for ref in refs(item, name)]


@pytest.mark.parametrize("name", VALUES)
def test_a_bom_is_valid_by_the_schema_of_cyclonedx(name: str) -> None:
    """1.6 is what is written; 1.7 takes the same content."""
    text = rendered(VALUES[name], Format.CYCLONEDX)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    newer = text.replace('"specVersion": "1.6"', '"specVersion": "1.7"').replace(
        "bom-1.6.schema", "bom-1.7.schema"
    )
    assert JsonStrictValidator(SchemaVersion.V1_7).validate_str(newer) is None


@pytest.mark.parametrize("name", VALUES)
def test_every_reference_in_a_bom_leads_to_one_thing(name: str) -> None:
    """The schema does not see a claim whose evidence is nowhere."""
    bom = json.loads(rendered(VALUES[name], Format.CYCLONEDX))
    known = refs(bom, "bom-ref")
    assert len(known) == len(set(known))
    named = ("ref", "dependsOn", "target", "evidence", "counterEvidence", "requirement", "claims", "assessor")
    used = [ref for field in named for ref in refs(bom, field)]
    assert len(used) >= 8
    assert set(used) <= set(known)


def test_a_bom_says_of_each_provision_which_evidence_there_is() -> None:
    """Present or missing, and no score."""
    for value, expected in ((document(), "Evidence present."), (little(), "Evidence missing.")):
        bom = json.loads(rendered(value, Format.CYCLONEDX))
        (attested,) = bom["declarations"]["attestations"]
        assert len(attested["map"]) == len(bom["definitions"]["standards"][0]["requirements"]) == 6
        assert all(entry["conformance"]["rationale"].startswith(expected) for entry in attested["map"])
        assert not any("score" in entry["conformance"] for entry in attested["map"])
        assert attested["summary"] == "Signatures not verified: no policy was given."


def test_a_bom_has_model_data_and_metrics_with_their_digests_and_intervals() -> None:
    """What scanners of BOMs look for stands where they look."""
    bom = json.loads(rendered(document(), Format.CYCLONEDX))
    model = bom["metadata"]["component"]
    assert model["type"] == "machine-learning-model"
    assert model["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    (data,) = (one for one in bom["components"] if one["type"] == "data")
    assert data["hashes"] == [{"alg": "SHA-256", "content": "b" * 64}]
    metrics = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert metrics[0]["value"] == "0.0199"
    assert metrics[0]["slice"] == "sex"
    assert float(metrics[0]["confidenceInterval"]["upperBound"]) == pytest.approx(0.0393, abs=5e-4)
    assert metrics[1]["slice"] == "sex=female"


@pytest.mark.parametrize("name", VALUES)
def test_a_hub_card_is_read_by_the_hubs_own_library(name: str) -> None:
    """Metadata, results and text, as the hub reads them."""
    text = rendered(VALUES[name], Format.HF)
    found = ModelCard(text)
    assert isinstance(found.data, ModelCardData)
    assert found.data.tags == ["eu-ai-act", "actgate"]
    spec = VALUES[name]["spec"]
    values = [one["value"] for field in ("bias", "evaluations") for one in spec.get(field) or ()]
    assert [result.metric_value for result in found.data.eval_results or []] == values
    assert "More Information Needed" not in text
    assert found.text.lstrip().startswith("# Model card: ")


def test_a_result_of_a_hub_card_names_the_data_on_which_it_was_measured() -> None:
    """By its digest, and by the name that the manifest gives to that digest."""
    found = ModelCard(rendered(document(), Format.HF)).data
    assert isinstance(found, ModelCardData)
    (bias, robustness) = found.eval_results or []
    assert (bias.dataset_name, bias.dataset_revision) == ("loans", DATA)
    assert (robustness.dataset_name, robustness.dataset_revision) == ("not stated", None)


def made(kind: Any, value: dict[str, Any]) -> Any:  # noqa: ANN401 - classes of another library
    """Return an object of OpenLineage's own model, which takes no field that it does not have."""
    fields = {name: item for name, item in value.items() if not name.startswith("_")}
    found = kind(**fields)
    assert found._schemaURL == value["_schemaURL"]
    return found


@pytest.mark.parametrize("name", TIMED)
def test_an_event_is_what_openlineages_own_client_writes(name: str) -> None:
    """Built again from its parts by the client's classes, which check ids, times and addresses."""
    event = json.loads(rendered(TIMED[name], Format.OPENLINEAGE))
    version = facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet
    quality, test = facet_v2.data_quality_assertions_dataset, facet_v2.test_run
    for one in (*event["inputs"], *event["outputs"]):
        for facet in one["facets"].values():
            made(version, facet)
    for one in event["inputs"]:
        for facet in one["inputFacets"].values():
            made(quality.DataQualityAssertionsDatasetFacet, facet)
            assert [quality.Assertion(**item) for item in facet["assertions"]]
    if "test" in event["run"]["facets"]:
        facet = event["run"]["facets"]["test"]
        made(test.TestRunFacet, facet)
        assert all(test.TestExecution(**item).status in ("pass", "fail", "skip") for item in facet["tests"])
    again = event_v2.RunEvent(
        eventTime=event["eventTime"],
        eventType=event_v2.RunState(event["eventType"]),
        producer=event["producer"],
        run=event_v2.Run(**event["run"]),
        job=event_v2.Job(**event["job"]),
        inputs=[event_v2.InputDataset(**one) for one in event["inputs"]],
        outputs=[event_v2.OutputDataset(**one) for one in event["outputs"]],
    )
    written = json.loads(Serde.to_json(again))
    assert {name: written[name] for name in ("eventTime", "schemaURL", "producer")} == {
        name: event[name] for name in ("eventTime", "schemaURL", "producer")
    }
    assert written["run"]["runId"] == event["run"]["runId"]


def test_an_event_without_any_time_is_refused_in_a_sentence() -> None:
    """The clock of the writer is no time of the training."""
    with pytest.raises(UnreadableError) as refused:
        card.render(card.Request(evidence(little())), Format.OPENLINEAGE)
    assert str(refused.value).startswith("spec.training.finishedAt: Required value")
