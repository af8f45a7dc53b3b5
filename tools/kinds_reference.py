"""The page of the kinds that are judged, from their tables."""

from collections.abc import Iterable

from actgate.api.names import INFERENCE_LABEL, LOGGING_ANNOTATION, MANIFEST_ANNOTATION, MODEL_ANNOTATION
from actgate.subjects.kinds import Kind, kinds
from actgate.subjects.patterns import Pattern
from actgate.subjects.serving_kinds import ServingKind, serving_kinds

_HEAD = f"""\
# Kinds that are judged

This page is generated from `kinds.yaml` and `serving_kinds.yaml` of `core/actgate/subjects` (`make
generate`). [Concepts](concepts.md#what-is-judged) says when each is judged, and [`actgate
inspect`](inspect.md) what is read of an object.

## Workloads and ModelDeployments

A kind is judged *always*, or where it is *declared*: where the label `{INFERENCE_LABEL}` or an annotation
of actgate says that it serves a model; or where its [signals](detection.md) show it. Labels and annotations
are read in each metadata that is named here; the last one is that of the pods and must hold the whole link.
Of the pods, the images of all containers and image volumes are judged, and the node selector and node
affinity that bind them to a place.
"""
_SERVING = f"""\
## Objects of serving systems

They are judged as they are written, before any pod exists: a refused child of theirs is seen by its
controller alone, and some of them never make a pod. The table says of each kind where to link, what is read,
and what is not.

- **Images, containers and pod specs** need no column: each is read wherever below the root it stands, init
  containers, patches and images in parts (`registry`, `repository`, `tag`) included. Every nodeSelector and
  node affinity is read for the place.
- **Link** names the metadata in which the annotations `{MANIFEST_ANNOTATION}` and `{MODEL_ANNOTATION}` are
  written, the best place first. Marks in the `metadata` of any pod template within the object count as well;
  two different values are refused. An object that loads several models links each:
  `{MANIFEST_ANNOTATION}: CreditRiskScorer=credit-3,CreditRiskScorerNext=credit-4`.
- **Loads** are the fields that say what is loaded as the model; with flags such as `--model` and variables
  such as `MODEL_ID` of every container. Each value must be covered by the `spec.model.uris` of a linked
  manifest.
- **Not stated** are fields that name another object, from which images or arguments come. That object can
  change without being judged, so a finding of effect Audit says it; the pods that follow are judged by what
  they state.
- **Scale** only changes how many servers run. Everything else below the root is governed: a change of it asks
  for evidence that passes.
- **Logger** sends payloads after the answer: where a policy asks for a log, it is one of mode `External`, at
  most once. The annotation `{LOGGING_ANNOTATION}` beside it says how long and where they are kept.

A pattern is fields joined by dots: `[*]` every item of a list, `.*` every value of an object, `.**` any
depth.

| kind | judged | link | loads | not stated | scale | logger |
|---|---|---|---|---|---|---|"""
_NEVER = """\
## Kinds that are never judged

They serve nothing by themselves. A mark on one of them is an error of `actgate check`, since nothing reads
it.

| kind | what answers for it |
|---|---|"""
_OWN = """\
## Rows of your own

A serving system that is not in the tables is read by a row in the same format. `actgate check` and
`actgate inspect` take files of rows with `--kinds FILE`:

```yaml
format: actgate.serving-kinds/1
kinds:
- group: models.example.com
  kind: Scorer
  plural: scorers
  judged: always            # always, declared, or never with because: what answers for it
  uris: [spec.source.uri]   # what is loaded as the model
  names: []                 # what the model is called, besides annotations
  elsewhere: []             # fields that name another object: not stated here
  links: [metadata]         # where its annotations are read; metadata is always among them
  scale: [spec.replicas]    # fields that only change how many servers run
  logging: spec.logger      # a logger that sends payloads after the answer, where there is one
```

`embedded: [{field: spec.config, uris: [...], names: [...]}]` names fields that hold YAML as text. A row
that is in the tables already is refused: another one could read less of its kind. A file with a row that
cannot be used is an error with its place, and nothing of the input is judged.

In a cluster the same file is a key of the ConfigMap `actgate-serving-kinds` in the namespace of actgate:

    kubectl -n actgate-system create configmap actgate-serving-kinds --from-file=rows.yaml

Webhook and operator read it every 5 seconds, with a right to get this one object; neither is restarted. A
row that cannot be used leaves the last good rows in use, all of them; a service that starts with it uses the
other rows, and answers "unavailable" for a kind that it does not know. `/readyz?verbose` of both and their
log say which row and why, `actgate_serving_kind_problems{kind,reason}` is 1, and the operator writes the
Event `ServingKindProblem` on the ConfigMap. It compares every row with what the API server serves, too, on
each change and every 10 minutes, with a problem every 30 seconds:

| reason | what it means |
|---|---|
| `Unreadable` | the row is not of the format, or its kind is known already |
| `NotServed` | the cluster does not serve a kind of yours; for a row of actgate that is normal |
| `ResourceNotServed` | a served version has no such plural, or another scope |
| `PathNotServed` | no served version has the field |

Who may write the ConfigMap decides what is judged: no role of actgate gives that right.

A kind of yours may own pods. Webhook and operator read the owners of what they judge; bind this role to both,
or each pod of that kind is answered with "unavailable":

```yaml
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: actgate-own-kinds}
rules:
- apiGroups: [models.example.com]
  resources: [scorers]
  verbs: [get, list, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: actgate-own-kinds}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: actgate-own-kinds}
subjects:
- {kind: ServiceAccount, name: actgate-webhook, namespace: actgate-system}
- {kind: ServiceAccount, name: actgate-operator, namespace: actgate-system}
```

The API server asks about a kind of yours once it is registered, by a configuration beside `actgate`:

```yaml
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: actgate-own-kinds
  annotations: {cert-manager.io/inject-ca-from: actgate-system/actgate-webhook}
webhooks:
- name: own-kinds.actgate.dev
  admissionReviewVersions: [v1]
  clientConfig:
    service: {name: actgate-webhook, namespace: actgate-system, path: /validate, port: 443}
    # without cert-manager: caBundle, as in `kubectl get validatingwebhookconfiguration actgate -o yaml`
  failurePolicy: Fail
  sideEffects: None
  timeoutSeconds: 5
  namespaceSelector:
    matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values: [kube-system, kube-node-lease, actgate-system]
  rules:
  - apiGroups: [models.example.com]
    apiVersions: ["*"]
    operations: [CREATE, UPDATE]
    resources: [scorers]
    scope: Namespaced
```

The operator keeps the `caBundle` of the configuration `actgate` alone: where it makes the certificates, write
the new one here after each rotation of the authority, or let cert-manager make them.
"""


def reference() -> str:
    """Return the page: a table of the kinds, then where each states what is judged."""
    table = ["| kind | resource | judged | labels and annotations in | pods |", "|---|---|---|---|---|"]
    parts = [_HEAD, *table, *map(_row, kinds().values()), "", _fields(kinds().values())]
    rows = serving_kinds().values()
    parts += [_SERVING, *(_serving_row(row) for row in rows if row.judged != "never"), "", _NEVER]
    parts += [f"| {_called(row)} | {row.because} |" for row in rows if row.judged == "never"]
    return "\n".join([*parts, "", _OWN])


def _called(row: ServingKind) -> str:
    return f"{row.kind} `{row.plural}.{row.group}`"


def _serving_row(row: ServingKind) -> str:
    embedded = [
        f"`{inner.text}` within `{part.field.text}`"
        for part in row.embedded
        for inner in (*part.uris, *part.names)
    ]
    read = ", ".join([_texts((*row.uris, *row.names)), *embedded]).strip(", ") or "-"
    cells = (
        _called(row),
        row.judged,
        _texts(row.links),
        read,
        _texts(row.elsewhere) or "-",
        _texts(row.scale) or "-",
        _texts([row.logging] if row.logging is not None else []) or "-",
    )
    return "| " + " | ".join(cells) + " |"


def _texts(patterns: Iterable[Pattern]) -> str:
    return ", ".join(f"`{pattern.text}`" for pattern in patterns)


def _row(row: Kind) -> str:
    names = [row.plural, *(f"{row.plural}/{subresource}" for subresource in row.subresources)]
    resources = ", ".join(f"`{name}.{row.group}`" if row.group else f"`{name}`" for name in names)
    marks = ", ".join(f"`{path.text}`" for path in row.marks)
    judged = "always" if row.always else "declared"
    pods = f"`{row.pods.spec.text}`" + (", merged over the planned ones" if row.pods.overlay else "")
    return f"| {row.kind} | {resources} | {judged} | {marks} | {pods} |"


def _fields(rows: Iterable[Kind]) -> str:
    lines = [
        "The manifest and the model are stated by the pods' annotations "
        f"`{MANIFEST_ANNOTATION}` and `{MODEL_ANNOTATION}`,\nand by fields in:\n"
    ]
    for row in rows:
        if row.manifest is not None and row.placement is not None:
            images = ", ".join(f"`{path.text}`" for path in row.images)
            lines.append(
                f"- **{row.kind}**: manifest `{row.reference}`, model `{row.model_path}`, regions "
                f"`{row.placement.text}`, image {images}"
            )
    return "\n".join(lines) + "\n"
