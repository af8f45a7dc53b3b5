"""The templates of the Helm chart that are long and the same as in ``deploy/``: made from the files there.

Deployments, the PriorityClass and the policy of the first weeks have values in many places and stand in
``deploy/chart/templates`` themselves; ``tests/deploy/test_chart_rendering.py`` compares it with the base.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml

_DEPLOY: Final = Path(__file__).parents[1] / "deploy"

_NAMESPACE: Final = "{{ .Release.Namespace }}"
_QUOTED_NAMESPACE: Final = "{{ .Release.Namespace | quote }}"
"""Where it is a value of its own, as 123 is a name as well."""

_LABELS: Final = re.compile(
    r"^  labels:(?: (?:&\w+ )?\{(?P<flow>.*)\}\n|\n(?P<block>(?:    .*\n)+))", re.MULTILINE
)
"""The labels of an object, on one line or on several."""

_WAVE_BEFORE: Final = """\
  {{- if .Values.argocd.syncWaves }}
  annotations: {argocd.argoproj.io/sync-wave: "-1"}
  {{- end }}
"""
_ANNOTATIONS: Final[Mapping[str, str]] = {
    "ValidatingAdmissionPolicy": _WAVE_BEFORE,
    "ValidatingAdmissionPolicyBinding": _WAVE_BEFORE,
    "ValidatingWebhookConfiguration": """\
  {{- with include "actgate.registrationAnnotations" . }}
  annotations:
    {{- . | nindent 4 }}
  {{- end }}
""",
}
"""What stands before the labels of an object, by its kind."""

_MORE_LABELS: Final = """\
    {{- with .Values.monitoring.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
"""
_SELECTED: Final = ("ServiceMonitor", "PrometheusRule")
"""Kinds that a Prometheus selects by labels of its own."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of ``deploy/`` as a template: when it is rendered, and what of it is a value."""

    source: str
    when: str = ""
    """The condition of the whole file, in the template language; always if empty."""
    objects_when: Mapping[str, str] = field(default_factory=dict)
    """Conditions of objects, by `Kind/name`."""
    values: Mapping[str, str] = field(default_factory=dict)
    """What is put in place of a text, wherever it stands; a text that is not there is an error."""


_OWN_ISSUER: Final = "not .Values.certificates.certManager.issuerRef.name"

_PARTS: Final = (
    Part(
        "base/network-policies.yaml",
        when=".Values.networkPolicies.enabled",
        values={
            "add that one in an overlay, as well as the port of an OTLP endpoint.": (
                "set networkPolicies.apiServer.ports; an OTLP endpoint is a rule of extraEgress."
            ),
            "  - ports:\n    - {protocol: TCP, port: 443}\n    - {protocol: TCP, port: 6443}\n": """\
  - ports:
    {{- range .Values.networkPolicies.apiServer.ports }}
    - {protocol: TCP, port: {{ . | int }}}
    {{- end }}
    {{- with .Values.networkPolicies.apiServer.cidrs }}
    to:
    {{- range . }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
    {{- end }}
  {{- with .Values.networkPolicies.extraEgress }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
""",
        },
    ),
    Part("base/user-roles.yaml", when=".Values.userRoles.create"),
    Part("base/operator-limits.yaml"),
    Part("base/operator-rbac.yaml"),
    Part("base/operator-certificates-rbac.yaml", when='eq .Values.certificates.source "Operator"'),
    Part("base/webhook-rbac.yaml"),
    Part(
        "base/webhook-registration.yaml",
        values={
            "failurePolicy: Fail": 'failurePolicy: {{ include "actgate.failurePolicy" . }}',
            "timeoutSeconds: 5": "timeoutSeconds: {{ .Values.registration.timeoutSeconds }}",
            "kube-node-lease, actgate-system]": (
                f"kube-node-lease, {_QUOTED_NAMESPACE}"
                "{{ range .Values.registration.exemptNamespaces }}, {{ . | quote }}{{ end }}]"
            ),
            "path: /validate, port: 443}\n": """\
path: /validate, port: 443}
    {{- with $.Values.certificates.caBundle }}
    caBundle: {{ . | b64enc }}
    {{- end }}
""",
        },
    ),
    Part(
        "components/cert-manager/certificates.yaml",
        when='eq .Values.certificates.source "CertManager"',
        objects_when={
            "Issuer/actgate-webhook-self-signed": _OWN_ISSUER,
            "Certificate/actgate-webhook-ca": _OWN_ISSUER,
            "Issuer/actgate-webhook": _OWN_ISSUER,
        },
        values={
            "issuerRef: {kind: Issuer, name: actgate-webhook, group: cert-manager.io}": """\
{{- with .Values.certificates.certManager }}
  issuerRef:
    kind: {{ .issuerRef.kind | default "Issuer" }}
    name: {{ .issuerRef.name | default "actgate-webhook" }}
    group: {{ .issuerRef.group | default "cert-manager.io" }}
  {{- end }}""",
        },
    ),
    Part(
        "components/monitoring/monitors.yaml",
        when=".Values.monitoring.enabled",
        values={
            "interval: 30s": "interval: {{ .Values.monitoring.interval }}",
            "secret: {name: actgate-webhook-tls, key: ca.crt}": (
                'secret: {name: {{ include "actgate.certificateSecret" . }}, key: ca.crt}'
            ),
        },
    ),
    Part(
        "components/monitoring/access.yaml",
        when="and .Values.monitoring.enabled .Values.networkPolicies.enabled",
        values={"kubernetes.io/metadata.name: monitoring": (
            "kubernetes.io/metadata.name: {{ .Values.monitoring.namespace | quote }}"
        )},
    ),
    Part(
        "components/monitoring/alerts.yaml",
        when="and .Values.monitoring.enabled .Values.monitoring.alerts",
    ),
    Part("components/tenant-namespaces/policy.yaml", when=".Values.tenantNamespaces.enabled"),
)  # fmt: skip


def templates() -> dict[str, str]:
    """Return the text of each template by the name of its file: `base/a.yaml` is `a.yaml`.

    Raises:
        ValueError: A file of ``deploy/`` no longer has what the chart makes a value of.
    """
    return {_name(part.source): _template(part) for part in _PARTS}


def dashboard() -> str:
    """Return the dashboard, as in the component."""
    return (_DEPLOY / "components" / "monitoring" / "dashboard.json").read_text(encoding="utf-8")


def _name(source: str) -> str:
    folder, _, name = source.rpartition("/")
    return name if folder == "base" else f"{folder.rpartition('/')[2]}-{name}"


def _template(part: Part) -> str:
    text = (_DEPLOY / part.source).read_text(encoding="utf-8")
    objects = [_object(part, item) for item in text.replace("{{", '{{ "{{" }}').split("---\n")]
    body = "---\n".join(objects)
    for old, new in part.values.items():
        if old not in body:
            raise ValueError(
                f"deploy/{part.source}: {old!r} is not there any more; tools/chart.py replaces it"
            )
        body = body.replace(old, new)
    body = body.replace("namespace: actgate-system", f"namespace: {_QUOTED_NAMESPACE}")
    body = body.replace("actgate-system", _NAMESPACE)
    note = f"{{{{- /* Generated by `make generate` from deploy/{part.source}: change that one. */}}}}\n"
    return note + (f"{{{{- if {part.when} }}}}\n{body}{{{{- end }}}}\n" if part.when else body)


def _object(part: Part, text: str) -> str:
    content = yaml.safe_load(text)
    kind, name = content["kind"], content["metadata"]["name"]
    text, found = _LABELS.subn(lambda labels: _ANNOTATIONS.get(kind, "") + _labels(kind, labels), text)
    if found != 1:
        raise ValueError(
            f"deploy/{part.source}: {kind} {name} must have labels, as its metadata's two spaces in"
        )
    when = part.objects_when.get(f"{kind}/{name}")
    return f"{{{{- if {when} }}}}\n{text}{{{{- end }}}}\n" if when else text


def _labels(kind: str, found: re.Match[str]) -> str:
    """Return the labels of an object on lines of their own, those of the release among them."""
    pairs = found["flow"].split(", ") if found["flow"] else map(str.strip, found["block"].splitlines())
    lines = "".join(f"    {pair}\n" for pair in pairs)
    release = '    {{- include "actgate.labels" . | nindent 4 }}\n'
    return f"  labels:\n{lines}{release}{_MORE_LABELS if kind in _SELECTED else ''}"
