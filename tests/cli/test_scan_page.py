"""The page of ``actgate scan -o html``: complete, self-contained, and safe with any name."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from actgate.api.names import EXEMPT_LABEL
from actgate.cli.exits import Exit
from actgate.cli.scanning import junit, page, table
from actgate.cli.scanning.gathering import Gathered
from actgate.cli.scanning.listing import Missed, Scope
from actgate.cli.scanning.result import Result, result
from tests.decision.build import NOW, PASSING, policy
from tests.scan.objects import Json, inference_service, kept, server

HOSTILE = '"><script>alert(1)</script>{{7*7}}\u202e\x1b[31m'


def found(*objects: Json, missed: tuple[Missed, ...] = (), **fields: object) -> Result:
    """Return the result of a scan that met these objects."""
    gathered = Gathered(Scope(), "https://cluster.example", kept(*objects), missed=list(missed))
    for name, value in fields.items():
        setattr(gathered, name, value)
    return result(gathered, NOW, None)


class Tags(HTMLParser):
    """Collects elements and attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_the_page_says_what_is_refused_and_how_to_fix_it() -> None:
    text = page.render(found(server("Deployment", "llm"), inference_service("credit")))
    assert "1 of 2 refused" in text
    assert "Remediation:" in text
    assert "What a scan cannot see" in text


def test_hostile_values_are_shown_and_never_interpreted() -> None:
    service = inference_service("credit", uri=HOSTILE)
    service["metadata"]["annotations"] = {"actgate.dev/compliance-manifest": HOSTILE}
    obj = server("Deployment", HOSTILE, image=f"vllm/vllm-openai:{HOSTILE}")
    made = found(
        obj, service, missed=(Missed(HOSTILE, HOSTILE, HOSTILE),), controllers={(HOSTILE, HOSTILE): 1}
    )
    text = page.render(made)
    tags = Tags(text)
    assert "script" not in tags.names
    assert not {name for name in tags.attributes if name.startswith("on")} | (
        {"style", "href", "src"} & tags.attributes
    )
    assert "49" not in re.findall(r"alert\(1\)[^ ]*", text)[0]
    for written in (text, table.render(made), junit.render(made)):
        assert "\x1b" not in written
        assert "\u202e" not in written


def test_the_page_loads_nothing() -> None:
    text = page.render(found(server("Deployment", "llm")))
    assert "default-src 'none'; style-src 'sha256-" in text.replace("&#39;", "'")
    assert not re.search(r"url\(|@import|<link|<img|<form", text)


def test_an_incomplete_scan_says_so_first() -> None:
    made = found(server("Deployment", "llm"), missed=(Missed("pods", "forbidden", "pods were not judged"),))
    assert made.exit is Exit.UNUSABLE
    text = page.render(made)
    assert text.index("This scan is incomplete") < text.index("Allowed with findings")
    assert '<error type="actgate" message="pods were not judged">forbidden</error>' in junit.render(made)


def test_unknown_evidence_is_no_verdict() -> None:
    """A manifest that may not be read could be there, and pass."""
    service = inference_service("credit")
    service["metadata"]["annotations"] = {"actgate.dev/compliance-manifest": PASSING.name}
    missed = (Missed("compliancemanifests.actgate.dev", "forbidden", "x"),)
    made = found(service, server("Deployment", "llm"), missed=missed, manifests_known=False)
    assert [one.name for one in made.unjudged] == ["credit"]
    assert [one.subject.name for one in made.judged] == ["llm"]
    assert "Not judged" in page.render(made)


def test_nothing_is_found_in_an_empty_cluster() -> None:
    made = found()
    assert made.exit is Exit.NOTHING
    assert "none found" in page.render(made)
    assert table.render(made) == "0 judged\n"


def test_what_the_gate_does_not_see_is_named() -> None:
    made = found(server("Deployment", "llm"), labels={"credit": {EXEMPT_LABEL: "x"}}, weak=2)
    assert "Outside of the gate" in page.render(made)
    assert "1 object in namespaces that the gate does not see: credit" in table.render(made)
    assert "2 objects with weak signals alone, not judged" in table.render(made)


@pytest.mark.parametrize("days", [0, 3])
def test_what_ends_is_listed_with_the_days_that_are_left(days: int) -> None:
    service = inference_service("credit")
    service["metadata"]["annotations"] = {"actgate.dev/compliance-manifest": PASSING.name}
    end = NOW + timedelta(days=days, hours=1)
    evidence = {("credit", PASSING.name): type(PASSING)(
        namespace="credit", name=PASSING.name, model=PASSING.model, not_after=end
    )}  # fmt: skip
    made = found(service, manifests=evidence, policies=(policy("house"),))
    assert made.summary.next_change == end
    text = page.render(made)
    assert ("3 days" if days else "less than a day") in text
