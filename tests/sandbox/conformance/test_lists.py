from __future__ import annotations

import pytest

from actgate_sandbox.rest import Reply, Rest
from tests.sandbox.conformance.paths import Paths
from tests.sandbox.conformance.samples import config_map, widget


def names(reply: Reply) -> list[str]:
    """Return the names in a list."""
    assert reply.status == 200, reply
    return [item["metadata"]["name"] for item in reply.body["items"]]


@pytest.fixture
def five(rest: Rest, paths: Paths) -> str:
    """Five ConfigMaps with a number and a parity, and where they are."""
    for number in range(5):
        labels = {"number": str(number), "parity": "odd" if number % 2 else "even"}
        rest("POST", paths.config_maps, config_map(f"n{number}", labels=labels))
    return paths.config_maps


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("parity=odd", "13"),
        ("parity==odd,number!=1", "3"),
        ("absent!=x", "01234"),
        ("parity=", ""),
    ],
)
def test_labels_select(rest: Rest, five: str, selector: str, found: str) -> None:
    """By equality and its opposite."""
    assert names(rest("GET", five, labelSelector=selector)) == [f"n{digit}" for digit in found]


@pytest.mark.parametrize("selector", ["a b c", "=1"])
def test_an_unreadable_selector_is_a_bad_request(rest: Rest, five: str, selector: str) -> None:
    """A selector that selects nothing by accident would be worse."""
    assert rest("GET", five, labelSelector=selector).status == 400


def test_names_select(rest: Rest, five: str) -> None:
    """`metadata.name` can be selected by, with = and !=."""
    assert names(rest("GET", five, fieldSelector="metadata.name=n3")) == ["n3"]
    assert len(names(rest("GET", five, fieldSelector="metadata.name!=n3"))) == 4


def test_a_field_that_is_not_selectable_is_a_bad_request(rest: Rest, five: str) -> None:
    """Only declared fields can be selected by."""
    assert rest("GET", five, fieldSelector="data.x=1").status == 400


def test_declared_fields_of_custom_resources_select(rest: Rest, paths: Paths, widgets: None) -> None:
    """`selectableFields` of the definition work, other fields do not."""
    rest("POST", paths.widgets(), widget("a"))
    rest("POST", paths.widgets(), widget("b", color="blue"))
    assert names(rest("GET", paths.widgets(), fieldSelector="spec.color=blue")) == ["b"]
    reply = rest("GET", paths.widgets(), fieldSelector="spec.size=1")
    assert (reply.status, reply.message) == (400, "field label not supported: spec.size")


def test_pages_together_are_the_list(rest: Rest, five: str) -> None:
    """Each page says how to go on, and how much is left; all carry the first one's revision."""
    found, token, revisions = [], "", set()
    for left in (3, 1, None):
        reply = rest("GET", five, limit="2", **({"continue": token} if token else {}))
        found += names(reply)
        assert reply.body["metadata"].get("remainingItemCount") == left
        token = reply.body["metadata"].get("continue", "")
        revisions.add(reply.body["metadata"]["resourceVersion"])
    assert (found, token, len(revisions)) == ([f"n{number}" for number in range(5)], "", 1)


def test_later_pages_are_of_the_state_of_the_first(rest: Rest, five: str) -> None:
    """What is deleted and created between two pages does not show."""
    first = rest("GET", five, limit="2")
    rest("DELETE", f"{five}/n4")
    rest("POST", five, config_map("n5"))
    rest_of = rest("GET", five, **{"continue": first.body["metadata"]["continue"]})
    assert names(rest_of) == ["n2", "n3", "n4"]


def test_a_made_up_continue_token_is_a_bad_request(rest: Rest, five: str) -> None:
    """Tokens come from the server."""
    assert rest("GET", five, **{"continue": "zzz"}).status == 400


def test_items_of_built_in_lists_do_not_say_their_kind(
    rest: Rest, paths: Paths, five: str, widgets: None
) -> None:
    """Only items of custom resources carry kind and apiVersion; clients must not rely on it."""
    rest("POST", paths.widgets(), widget("a"))
    built_in = rest("GET", five).body
    custom = rest("GET", paths.widgets()).body
    assert (built_in["kind"], custom["kind"]) == ("ConfigMapList", "WidgetList")
    assert {"kind", "apiVersion"} & built_in["items"][0].keys() == set()
    assert custom["items"][0]["kind"] == "Widget"


def test_a_list_over_all_namespaces_contains_this_one(rest: Rest, paths: Paths, five: str) -> None:
    """The path without a namespace lists every namespace."""
    everywhere = rest("GET", "/api/v1/configmaps", labelSelector="parity=odd,number=3").body
    assert paths.namespace in {item["metadata"]["namespace"] for item in everywhere["items"]}


def test_an_unknown_resource_is_not_found(rest: Rest, namespace: str) -> None:
    """A resource that is not served has its own words."""
    reply = rest("GET", f"/api/v1/namespaces/{namespace}/gadgets")
    assert (reply.status, reply.message) == (
        404,
        "the server could not find the requested resource",
    )


def test_a_verb_that_a_path_does_not_have_is_not_allowed(rest: Rest, five: str) -> None:
    """An object cannot be POSTed to its own name, nor created without a namespace."""
    assert rest("POST", f"{five}/n1", config_map("n1")).status == 405
    assert rest("POST", "/api/v1/configmaps", config_map("n1")).status == 405
