"""The validating webhook: it answers the API server's reviews of models and inference workloads.

- ``review``: AdmissionReview, bytes to question and answer to bytes;
- ``judge``: from a question to a judgement, and over its record to an answer;
- ``decision_log``: what is written before the answer is given;
- ``validate``, ``bodies``, ``app``, ``openapi``, ``metrics``: the HTTP side;
- ``connections``, ``clients``, ``self_call``, ``serving``: deadlines, callers, readiness, start and end;
- ``settings``: what can be set.

It is stateless and has no way to write anything: any number of replicas may run.
"""
