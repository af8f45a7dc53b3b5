"""The decision: what may run, and why not.

``decide(subject, manifests, policies, now)`` is the only place where anything is allowed or refused.
The rules, each in the module of its family under ``rules/``:

- ``link``: the subject refers to manifests of its own namespace that speak of the models and images it runs;
- ``risk``: a prohibited practice never runs, and a category that is not known counts as high-risk;
- ``bias``: measurements exist, hold the limits and do not contradict their own claims;
- ``residency``: training and serving happen in countries that the policy allows;
- ``oversight``: human oversight is in place;
- ``evidence``: the evidence can be read, and counts at this moment;
- ``logging``: the use of the model is logged, where the policy requires it.

The border: no I/O, no clock, no Kubernetes. Documents are read in ``actgate.manifests``, objects are
fetched in ``actgate.kube``, and the caller says what time it is.
"""

from actgate.decision.decide import decide
from actgate.decision.manifest import Manifest
from actgate.decision.policies import BASELINE, Policy
from actgate.decision.subject import Link, Subject
from actgate.decision.verdict import Finding, Outcome, Verdict

__all__ = ["BASELINE", "Finding", "Link", "Manifest", "Outcome", "Policy", "Subject", "Verdict", "decide"]
