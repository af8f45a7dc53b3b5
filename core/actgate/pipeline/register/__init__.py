"""Registries: where evidence is kept for people and pipelines to find it.

- ``registry``: what is registered, and the protocol that every registry speaks;
- ``database``: an append-only table, SQLite or PostgreSQL                          [extra: pipeline]
- ``mlflow``: the model registry of an MLflow server;
- ``cluster``: the ComplianceManifests of a Kubernetes cluster                          [extra: kube]

The border: a registry holds pointers and copies. What evidence is worth, the gate decides from signatures.
"""
