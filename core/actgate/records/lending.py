"""What the owners of an object lent to a decision, as its line states it, and the way back.

The line is the only witness: what an owner was at that moment cannot be found out later, as little as the
time of the decision.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from actgate.api.durations import parse_duration
from actgate.api.inference_log import LogMode, MaxPayload, RequiredDurability
from actgate.api.times import parse_timestamp, timestamp
from actgate.decision.logged import Logged
from actgate.decision.manifest import ModelIdentity, Region
from actgate.decision.problem import Problem
from actgate.decision.subject import Added, Lent, Link, Owner, Subject


def lending_fields(subject: Subject) -> dict[str, Any]:
    """Return what a line says of the owners of a subject; nothing where they had no part in the decision."""
    if subject.alone:
        return {"alone": subject.alone}
    lent, since = subject.lent, subject.template_since
    if lent is None:
        return {}
    model = lent.model
    return {
        "owner": {
            "group": lent.owner.group,
            "kind": lent.owner.kind,
            "name": lent.owner.name,
            "declared": lent.declared,
            "links": [{"manifest": link.manifest, "model": link.model} for link in lent.links],
            "model": model and {"name": model.name, "version": model.version, "digest": model.digest},
            "reference_path": lent.reference_path,
            "model_path": lent.model_path,
            "logging": lent.logging and _log_fields(lent.logging),
            "logging_path": lent.logging_path,
            "added": [{"path": one.path, "name": one.name, "image": one.image} for one in lent.added],
            "compared": lent.compared,
            "unchanged": lent.unchanged,
            "template_since": timestamp(since, "auto") if since is not None else None,
        }
    }


def with_lending(subject: Subject, line: Mapping[str, Any]) -> Subject:
    """Return a subject with what the line of its decision says of its owners.

    Raises:
        KeyError, TypeError, ValueError: The line is not as ``lending_fields`` writes it.
    """
    stated = line.get("owner")
    if stated is None:
        return replace(subject, alone=line.get("alone", ""))
    model, since = stated["model"], stated["template_since"]
    lent = Lent(
        owner=Owner(stated["group"], stated["kind"], stated["name"]),
        declared=stated["declared"],
        links=tuple(Link(**link) for link in stated["links"]),
        model=ModelIdentity(**model) if model is not None else None,
        reference_path=stated["reference_path"],
        model_path=stated["model_path"],
        logging=_logged(stated["logging"]) if stated["logging"] is not None else None,
        logging_path=stated["logging_path"],
        added=tuple(Added(**one) for one in stated["added"]),
        compared=stated["compared"],
        unchanged=stated["unchanged"],
    )
    return replace(
        subject,
        lent=lent,
        declared=subject.declared or lent.declared,
        template_since=parse_timestamp(since) if since is not None else None,
    )


def _log_fields(logged: Logged) -> dict[str, Any]:
    region, problem = logged.region, logged.problem
    return {
        "mode": logged.mode,
        "path": logged.path,
        "durability": logged.durability,
        "payload": logged.payload,
        "retention": logged.stated_retention or None,
        "region": region and {"code": region.code, "provider": region.provider},
        "stays_with_pods": logged.stays_with_pods,
        "problem": problem and asdict(problem),
    }


def _logged(stated: Mapping[str, Any]) -> Logged:
    retention, region, problem = stated["retention"], stated["region"], stated["problem"]
    return Logged(
        mode=LogMode(stated["mode"]),
        path=stated["path"],
        durability=RequiredDurability(stated["durability"]),
        payload=MaxPayload(stated["payload"]),
        retention=parse_duration(retention) if retention is not None else None,
        stated_retention=retention or "",
        region=Region(**region) if region is not None else None,
        stays_with_pods=stated["stays_with_pods"],
        problem=Problem(**problem) if problem is not None else None,
    )
