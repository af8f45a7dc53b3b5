"""A scan: what the gate would say about objects that are in a cluster already.

- ``candidates``: what of an object is kept while all of them are listed or watched;
- ``owners``: which of them are subjects, and which another one answers for;
- ``judging``: the verdicts about the subjects of a cluster, and what stays outside of the gate;
- ``summary``: the counts by outcome, rule, tier and namespace.

The same functions serve ``actgate scan``, which looks from outside, and the operator's background scan. The
border: objects as JSON and evidence in, verdicts out; no I/O, no clock, no Kubernetes client.
"""
