"""Who may do what, asked of the API server's own authorizer."""

from __future__ import annotations

from collections.abc import Sequence

from tests.deploy.conftest import Cluster
from tests.deploy.rendering import Json

REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


def allowed(cluster: Cluster, user: str, groups: Sequence[str], request: str) -> bool:
    """Return whether a user may do `VERB RESOURCE[.GROUP][/SUBRESOURCE] [NAMESPACE] [NAME]`."""
    verb, what, namespace, name = (*request.split(), "", "")[:4]
    what, _, subresource = what.partition("/")
    resource, _, group = what.partition(".")
    attributes = {
        "verb": verb,
        "group": group,
        "resource": resource,
        "subresource": subresource,
        "namespace": "" if namespace == "*" else namespace,
        "name": name,
    }
    spec: Json = {"user": user, "groups": list(groups), "resourceAttributes": attributes}
    reply = cluster.rest("POST", REVIEWS, {"spec": spec})
    assert reply.status == 201, reply
    return bool(reply.body["status"]["allowed"])
