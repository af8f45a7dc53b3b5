"""What records say of exemptions, and a decision that rests on one derived again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from actgate.manifests import read_exemption
from actgate.records.replay import Kept, Replayed, replay
from actgate.records.replay import Result as Replay
from tests.decision.build import NOW
from tests.records.deciding import OBJECT, Json, decided
from tests.support.exemptions import exemption_object
from tests.webhook.build import manifest_object

UNSUPERVISED = manifest_object(humanOversight={"enabled": False})
EXEMPTION = exemption_object("e", around=NOW)
LONGER = exemption_object("e", around=NOW + timedelta(days=1))
READ = read_exemption(EXEMPTION)


def again(line: Json, *documents: Json) -> Replayed:
    """Derive a line again from some documents."""
    return replay(line, Kept([OBJECT, UNSUPERVISED, *documents]))


def test_a_line_names_the_exemptions_that_accept_a_finding() -> None:
    """With their ends, and with a digest: another one of that name may come later."""
    unused = read_exemption(exemption_object("unused", "bias/limit", around=NOW))
    line = decided(UNSUPERVISED, exemptions=(unused, READ))
    assert (line["outcome"], line["allowed"]) == ("Warn", True)
    assert {item["rule"]: item["outcome"] for item in line["rules"]}["oversight/missing"] == "Exempted"
    assert line["exemptions"] == [{"name": "e", "not_after": "2026-11-28T12:00:00Z", "digest": READ.digest}]
    assert "exemptions" not in decided(UNSUPERVISED)


def test_a_decision_that_rests_on_an_exemption_is_derived_again_with_that_one_alone() -> None:
    line = decided(UNSUPERVISED, exemptions=(READ,))
    assert again(line, EXEMPTION, LONGER) == (Replay.REPRODUCED, ())
    missing = f"Exemption e with digest {READ.digest} is not there"
    assert again(line) == again(line, LONGER) == (Replay.NOT_REPLAYED, (missing,))


@pytest.mark.parametrize("stated", [[{}], [{"name": "e"}], "e", [["e"]]])
def test_a_line_with_other_exemptions_is_not_as_the_webhook_writes_it(stated: object) -> None:
    result = again({**decided(UNSUPERVISED, exemptions=(READ,)), "exemptions": stated}, EXEMPTION)
    assert result == (Replay.NOT_REPLAYED, ("the line is not as the webhook writes it",))
