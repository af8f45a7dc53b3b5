"""The validating webhook: it answers the API server's reviews of models and inference workloads.

- ``review``: AdmissionReview, bytes to question and answer to bytes;
- ``shape``, ``judge``, ``answer``: from a question to a judgement, and over its record to an answer;
- ``evidence``, ``lookup``: where evidence comes from, memory first and then a live read;
- ``validate``, ``app``, ``openapi``, ``metrics``: the HTTP side;
- ``certificates``, ``self_call``, ``background``, ``serving``: TLS, readiness, start and end;
- ``settings``: what can be set.

It is stateless and has no way to write anything: any number of replicas may run.
"""
