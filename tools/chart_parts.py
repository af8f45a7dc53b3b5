"""Which files of ``deploy/`` are templates of the Helm chart, and what of each is a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

QUOTED_NAMESPACE: Final = "{{ .Release.Namespace | quote }}"
"""Where it is a value of its own, as 123 is a name as well."""


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


def _service(
    name: str, replicas: int, resources: str, *, more_args: str = "", more_env: str = "dict"
) -> dict[str, str]:
    """Return what of a service's Deployment is a value.

    ``more_args`` is what other values add to its flags, and ``more_env`` a dict of more variables, both in
    the template language.
    """
    values = f".Values.{name}"
    both = f"(list . {values})"
    return {
        f"  replicas: {replicas}\n": f'  replicas: {{{{ include "actgate.replicas" {both} }}}}\n',
        "      labels: *labels\n": f"""\
      labels:
        app.kubernetes.io/part-of: actgate
        app.kubernetes.io/name: actgate-{name}
        {{{{- with {values}.podLabels }}}}
        {{{{- toYaml . | nindent 8 }}}}
        {{{{- end }}}}
      {{{{- with {values}.podAnnotations }}}}
      annotations:
        {{{{- toYaml . | nindent 8 }}}}
      {{{{- end }}}}
""",
        "      priorityClassName: actgate\n": f'      {{{{- include "actgate.pod" {both} | nindent 6 }}}}\n',
        "      topologySpreadConstraints:\n": f"""\
      topologySpreadConstraints:
      {{{{- with {values}.topologySpreadConstraints }}}}
      {{{{- toYaml . | nindent 6 }}}}
      {{{{- else }}}}
""",
        "        whenUnsatisfiable: ScheduleAnyway\n": """\
        {{- if $.Values.highAvailability.enabled }}
        whenUnsatisfiable: DoNotSchedule
        nodeTaintsPolicy: Honor
        {{- else }}
        whenUnsatisfiable: ScheduleAnyway
        {{- end }}
""",
        "      containers:\n": "      {{- end }}\n      containers:\n",
        f"        image: actgate-{name}\n": f"""\
        {{{{- include "actgate.container" {both} | nindent 8 }}}}
""",
        "]\n        ports:\n": f"""\
{more_args}{{{{ range {values}.extraArgs }}}}, {{{{ . | quote }}}}{{{{ end }}}}]
        {{{{- with include "actgate.env" (list . {values} {more_env}) }}}}
        {{{{- . | nindent 8 }}}}
        {{{{- end }}}}
        ports:
""",
        resources: f'          {{{{- include "actgate.resources" {both} | nindent 10 }}}}\n',
    }


_OWN_ISSUER: Final = "not .Values.certificates.certManager.issuerRef.name"

PARTS: Final = (
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
    Part(
        "base/webhook.yaml",
        values=_service(
            "webhook",
            3,
            "          requests: {cpu: 200m, memory: 256Mi}\n          limits: {memory: 1Gi}\n",
            more_args='{{ include "actgate.clientFlags" . }}',
        )
        | {
            "        - {name: tmp, mountPath: /tmp}\n": """\
        - {name: tmp, mountPath: /tmp}
        {{- if .Values.clientCertificates.enabled }}
        - {name: client-ca, mountPath: /etc/actgate/client-ca, readOnly: true}
        {{- end }}
""",
            "        emptyDir: {sizeLimit: 16Mi}\n": """\
        emptyDir: {sizeLimit: 16Mi}
      {{- with .Values.clientCertificates }}
      {{- if .enabled }}
      - name: client-ca
        configMap:
          name: {{ .configMapName }}
          items:
          - {key: ca.crt, path: ca.crt}
      {{- end }}
      {{- end }}
""",
            "secretName: actgate-webhook-tls": 'secretName: {{ include "actgate.certificateSecret" . }}',
        },
    ),
    Part(
        "base/operator.yaml",
        values=_service(
            "operator",
            2,
            "          requests: {cpu: 100m, memory: 256Mi}\n          limits: {memory: 1Gi}\n",
            more_args='{{ if eq (include "actgate.failurePolicy" .) "Ignore" }}'
            ", --webhook-failure-policy=Ignore{{ end }}",
            more_env='(include "actgate.operatorEnv" . | fromYaml)',
        ),
    ),
    Part("base/user-roles.yaml", when=".Values.userRoles.create"),
    Part("base/operator-limits.yaml"),
    Part("base/namespace-exemptions.yaml"),
    Part("base/operator-rbac.yaml"),
    Part("base/operator-certificates-rbac.yaml", when='eq .Values.certificates.source "Operator"'),
    Part("base/webhook-rbac.yaml"),
    Part("base/subject-rbac.yaml"),
    Part(
        "base/webhook-registration.yaml",
        values={
            "failurePolicy: Fail": 'failurePolicy: {{ include "actgate.failurePolicy" . }}',
            "failurePolicy: Ignore": "failurePolicy: {{ .Values.registration.detectedFailurePolicy }}",
            "  rules:\n  - apiGroups: [apps]\n": """\
    {{- if .Values.registration.optInNamespaces }}
    - {key: actgate.dev/enforce, operator: Exists}
    - {key: actgate.dev/enforce, operator: NotIn, values: ["false"]}
    {{- end }}
  rules:
  - apiGroups: [apps]
""",
            "timeoutSeconds: 5": "timeoutSeconds: {{ .Values.registration.timeoutSeconds }}",
            "kube-node-lease, actgate-system]": (
                f"kube-node-lease, {QUOTED_NAMESPACE}"
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
    Part("components/manifest-authors/policy.yaml", when=".Values.manifestAuthors.enabled"),
)  # fmt: skip
