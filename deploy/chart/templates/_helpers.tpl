{{/* Labels of the release, beside those that say which part of actgate an object is. */}}
{{- define "actgate.labels" -}}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
{{- end }}

{{/* The image of a service; the argument is (list . .Values.SERVICE). */}}
{{- define "actgate.image" -}}
{{- $root := index . 0 -}}
{{- with (index . 1).image -}}
{{- if .digest -}}
{{ printf "%s@%s" .repository .digest }}
{{- else -}}
{{ printf "%s:%s" .repository (.tag | default $root.Chart.AppVersion) }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The Secret with the webhook's certificate; the operator and cert-manager write the one of this name. */}}
{{- define "actgate.certificateSecret" -}}
{{ eq .Values.certificates.source "Secret" | ternary .Values.certificates.secretName "actgate-webhook-tls" }}
{{- end }}

{{- define "actgate.failurePolicy" -}}
{{ .Values.registration.failurePolicy | default (eq .Values.baseline.enforcement "Deny" | ternary "Fail" "Ignore") }}
{{- end }}

{{/* Annotations of the registration. */}}
{{- define "actgate.registrationAnnotations" -}}
{{- if eq .Values.certificates.source "CertManager" }}
cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/actgate-webhook
{{- end }}
{{- if .Values.argocd.syncWaves }}
argocd.argoproj.io/sync-wave: "1"
{{- end }}
{{- end }}

{{/* Replicas of a service; the argument is (list . .Values.SERVICE). */}}
{{- define "actgate.replicas" -}}
{{- $replicas := (index . 1).replicas | int -}}
{{ (index . 0).Values.highAvailability.enabled | ternary (max $replicas 3) $replicas }}
{{- end }}

{{/* Resources of a service; the argument is (list . .Values.SERVICE). */}}
{{- define "actgate.resources" -}}
{{- $resources := deepCopy (index . 1).resources -}}
{{- if and (index . 0).Values.highAvailability.enabled $resources.limits.memory -}}
{{- $_ := set $resources.requests "memory" $resources.limits.memory -}}
{{- end -}}
{{ toYaml $resources }}
{{- end }}

{{/* What a service's pods have beside what deploy/base says; the argument is (list . .Values.SERVICE). */}}
{{- define "actgate.pod" -}}
{{- $root := index . 0 -}}
priorityClassName: {{ $root.Values.priorityClass.name }}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
{{ toYaml . }}
{{- end }}
{{- with pick (index . 1) "nodeSelector" "tolerations" "affinity" }}
{{- range $name, $value := . }}
{{- if $value }}
{{ $name }}:
{{ toYaml $value | indent 2 }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Image of a service's container; the argument is (list . .Values.SERVICE). */}}
{{- define "actgate.container" -}}
image: {{ include "actgate.image" . }}
{{- with (index . 1).image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
{{- end }}

{{/* Environment of a service's container; the argument is (list . .Values.SERVICE), with more variables last. */}}
{{- define "actgate.env" -}}
{{- $env := merge dict (index . 1).env (last .) -}}
{{- with $env -}}
env:
{{- range $name, $value := . }}
- {name: {{ $name | quote }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}
{{- end }}

{{- define "actgate.operatorEnv" -}}
{{- if ne .Values.certificates.source "Operator" -}}
ACTGATE_OPERATOR_CERTIFICATES: External
{{- end }}
{{- end }}

{{/* Flags by which the webhook asks for client certificates, after others in a list. */}}
{{- define "actgate.clientFlags" -}}
{{- with .Values.clientCertificates -}}
{{- if .enabled -}}
, --client-ca-file=/etc/actgate/client-ca/ca.crt
{{- range .allowedNames }}, {{ printf "--client-allowed-names=%s" . | quote }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
