"""The schema of ``actgate scan -o json``, and the page about the command."""

import json
from typing import Final

from actgate.cli.scanning.report import ScanReport
from tools.inspect_reference import rows

_HEAD: Final = """\
# actgate scan

`actgate scan` says what the gate would answer about everything that serves a model in a cluster today. It
needs a kubeconfig and the right to list, and nothing of actgate in the cluster: use it for a first look
before anything is installed, and for a report about a cluster at a moment. It writes nothing to the cluster.
This page is generated (`make generate`).

```sh
pip install 'actgate[cli,kube]'
actgate scan
actgate scan -n team-credit --policy examples/policies/high-risk.yaml
actgate scan -o json
```

As a kubectl plugin it is `kubectl actgate scan`. `-o html` needs `actgate[kube,pipeline]`.

## What is judged

Every ModelDeployment, every object of a [serving kind](kinds.md), and every workload that is marked, or whose
[signals](detection.md) are strong or likely. Objects with weak signals alone are counted. Of a chain of
owners the top object is judged. An owner counts only where an object of that uid, kind and name is there, in
the same namespace, and serves a model; a pod that looks like a model server in another way than its owner's
template, or loads another model, is judged by itself. `--kinds FILE` adds rows, as
[kinds](kinds.md#rows-of-your-own) describes.

The policies, manifests and exemptions of the cluster count, where it has any; without a policy the built-in
baseline applies. `--policy FILE` takes the place of the cluster's policies, and `-f FILE` adds
ComplianceManifests and [Exemptions](exemptions.md): so a policy, or evidence, can be tried before it is
applied. Objects in the namespaces of the cluster itself, and in those with the label `actgate.dev/exempt`,
are listed apart.

## What a scan cannot see

- Weights inside an image of the house's own, code that downloads a model when it runs, and models that are
  loaded through a server's own interface show in no field.
- It is a moment: what is created, changed or deleted while it lists may be missed.
- It says what the gate would answer if it were asked about each object now. What runs goes on running.
- Fields whose value another object holds, such as a variable from a ConfigMap, are listed as not stated here.
- Kinds without a row are not read themselves, their pods are; they are named where they control one.

## When it is incomplete

A kind that may not be listed, or that the API server could not list, is named, on standard error and in every
format, and the exit code is 2, whatever else was found. Objects that link evidence are not judged where the
manifests could not be read. With `-n` only rights in one namespace are needed, besides those on policies and
exemptions, which live outside of namespaces. The built-in role `view` lists workloads; the objects of serving
systems and of actgate need rights of their own.

| code | when |
|---|---|
| 0 | everything passed; warnings may remain |
| 1 | at least one finding denies |
| 2 | the command or the cluster cannot be used, or not everything could be read |
| 3 | there was nothing to judge |

## Formats

`-o table` is for a terminal. `-o html` is one page that can be read on a phone, printed and archived: it
loads nothing and holds no script. `-o junit` has a test case for each object, and an error for what could not
be read. `-o json` keeps to `scan.schema.json` in the package `actgate.cli.report`; it holds
everything, passes too:

| field | what it holds |
|---|---|
"""


def schema() -> str:
    """Return the JSON Schema of the report."""
    made = ScanReport.model_json_schema(by_alias=True, mode="serialization")
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps({"$schema": dialect, **made}, indent=2) + "\n"


def reference() -> str:
    """Return the page."""
    return _HEAD + "".join(f"{row}\n" for row in rows(ScanReport, ""))
