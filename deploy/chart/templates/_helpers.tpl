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

{{/* Metadata of a service's pods but its own labels; the argument is .Values.SERVICE. */}}
{{- define "actgate.podMetadata" -}}
{{- with .podLabels }}
{{ toYaml . | indent 2 }}
{{- end }}
{{- with .podAnnotations }}
annotations:
{{ toYaml . | indent 2 }}
{{- end }}
{{- end }}

{{/* How and where a service's pods run; the argument is (list . .Values.SERVICE NAME). */}}
{{- define "actgate.pod" -}}
{{- $root := index . 0 -}}
{{- $service := index . 1 -}}
{{- $name := index . 2 -}}
serviceAccountName: {{ $name }}
automountServiceAccountToken: true
enableServiceLinks: false
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
{{ toYaml . }}
{{- end }}
priorityClassName: {{ $root.Values.priorityClass.name }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65534
  runAsGroup: 65534
  fsGroup: 65534
  seccompProfile: {type: RuntimeDefault}
{{- with $service.nodeSelector }}
nodeSelector:
{{ toYaml . | indent 2 }}
{{- end }}
{{- with $service.tolerations }}
tolerations:
{{ toYaml . }}
{{- end }}
{{- with $service.affinity }}
affinity:
{{ toYaml . | indent 2 }}
{{- end }}
topologySpreadConstraints:
{{- with $service.topologySpreadConstraints }}
{{ toYaml . }}
{{- else }}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ . }}
  {{- if $root.Values.highAvailability.enabled }}
  whenUnsatisfiable: DoNotSchedule
  nodeTaintsPolicy: Honor
  {{- else }}
  whenUnsatisfiable: ScheduleAnyway
  {{- end }}
  labelSelector: {matchLabels: {app.kubernetes.io/name: {{ $name }}}}
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end }}
{{- end }}

{{/* Image and security of a service's container; the argument is (list . .Values.SERVICE). */}}
{{- define "actgate.container" -}}
{{- $service := index . 1 -}}
image: {{ include "actgate.image" . }}
{{- with $service.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
resources:
{{ include "actgate.resources" . | indent 2 }}
{{- end }}

{{/* Environment variables of a service; the argument is .Values.SERVICE. */}}
{{- define "actgate.env" -}}
{{- range $name, $value := .env }}
- {name: {{ $name | quote }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}
