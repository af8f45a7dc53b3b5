"""Exemption objects, of an object that tests judge."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from actgate.api.names import API_VERSION
from actgate.api.times import timestamp

Json = dict[str, Any]


def exemption_spec(*rules: str, around: datetime, namespace: str = "credit", **changes: Any) -> Json:  # noqa: ANN401
    """Return the spec of an Exemption of the ModelDeployment scorer, for five days around a moment."""
    subject = {"apiGroup": "actgate.dev", "kind": "ModelDeployment", "namespace": namespace, "name": "scorer"}
    spec: Json = {
        "subjects": [subject],
        "rules": list(rules or ("oversight/missing",)),
        "reason": "The officer starts on the first of the month.",
        "reference": "RISK-1",
        "requestedBy": "ml-team",
        "approvedBy": "compliance-office",
        "notBefore": timestamp(around - timedelta(days=5)),
        "notAfter": timestamp(around + timedelta(days=5)),
    }
    return spec | changes


def exemption_object(
    name: str,
    *rules: str,
    around: datetime,
    namespace: str = "credit",
    **changes: Any,  # noqa: ANN401
) -> Json:
    """Return an Exemption of the ModelDeployment scorer."""
    spec = exemption_spec(*rules, around=around, namespace=namespace, **changes)
    return {"apiVersion": API_VERSION, "kind": "Exemption", "metadata": {"name": name}, "spec": spec}
