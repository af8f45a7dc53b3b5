#!/bin/sh
# The policy of the credit desk: policy.sh KEYS [MAX_AGE] writes it, with the public keys of the three parties.
set -eu
keys=${1:?usage: policy.sh KEYS [MAX_AGE]} max_age=${2:-4380h}
types=https://actgate.dev/attestation
public() { sed 's/^/          /' "$keys/$1.pub"; }
cat <<END
# What the credit desk's namespace asks for: the whole interval within 0.05, and the signatures of three parties.
apiVersion: actgate.dev/v1alpha1
kind: CompliancePolicy
metadata:
  name: credit
spec:
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: credit}}
  bias: {maxDifference: 0.05, minGroupCount: 100, attributes: [sex], confidence: 0.95}
  humanOversight: {fields: [role, contact, override, stop]}
  evidence:
    maxAge: $max_age
    requireDigest: true
    level: {HighRisk: Attested, LimitedRisk: Recomputable, MinimalRisk: Declared}
    authorities:
    - name: ml-platform
      mayAttest: [$types/compliance-manifest/v1alpha1, https://slsa.dev/provenance/v1]
      key:
        data: |
$(public ml-platform)
    - name: model-risk
      mayAttest: [$types/plan/v1alpha1, $types/bias-audit/v1alpha1]
      key:
        data: |
$(public model-risk)
    - name: compliance-office
      mayAttest: [$types/approval/v1alpha1]
      key:
        data: |
$(public compliance-office)
    require:
    - {predicateType: https://slsa.dev/provenance/v1, authorities: [ml-platform]}
    - {predicateType: $types/compliance-manifest/v1alpha1, authorities: [ml-platform]}
    - {predicateType: $types/plan/v1alpha1, authorities: [model-risk], distinctFrom: [ml-platform]}
    - {predicateType: $types/bias-audit/v1alpha1, authorities: [model-risk], distinctFrom: [ml-platform]}
    - {predicateType: $types/approval/v1alpha1, authorities: [compliance-office], distinctFrom: [ml-platform, model-risk]}
END
