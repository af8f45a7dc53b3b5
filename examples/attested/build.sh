#!/bin/sh
# What three parties do to one model, one after the other: build.sh KEYS FOLDER writes manifest.yaml and policy.yaml into FOLDER,
# signed with the keys that make-keys.sh made in KEYS. In an organisation each command runs where its key is, and the file
# goes from one to the next by git.
set -eu
keys=${1:?usage: build.sh KEYS FOLDER} folder=${2:?usage: build.sh KEYS FOLDER}
here=$(dirname "$0")
manifest=$folder/manifest.yaml

# Model risk, before the model is evaluated: the limits.
actgate attest "$here/evidence.yaml" --type plan --predicate "$here/plan.yaml" --key "$keys/model-risk.key" \
  --output-file "$manifest"
# The platform, when training and evaluation are over: the whole manifest.
actgate attest "$manifest" --type compliance-manifest --key "$keys/ml-platform.key" --output-file "$manifest"
# Model risk, having compared counts and data: the audit.
actgate attest "$manifest" --type bias-audit --key "$keys/model-risk.key" --output-file "$manifest"
# The compliance office: its approval of that audit.
actgate approve "$manifest" --of bias-audit --role "Head of compliance" --by compliance@bank.example \
  --key "$keys/compliance-office.key" --output-file "$manifest"

# The platform's administrators: whose word counts, and for what.
public() { sed 's/^/          /' "$keys/$1.pub"; }
types=https://actgate.dev/attestation
cat > "$folder/policy.yaml" <<END
# The evidence part of examples/policies/high-risk.yaml with the keys of this example. Its maxAge is that of an example,
# which has to pass for years: a policy says 4380h.
apiVersion: actgate.dev/v1alpha1
kind: CompliancePolicy
metadata:
  name: credit-high-risk
spec:
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: credit-high-risk}}
  bias: {minGroupCount: 100, attributes: [gender], confidence: 0.95}
  humanOversight: {fields: [role, contact, override, stop]}
  evidence:
    maxAge: 43800h
    requireDigest: true
    level: {HighRisk: Attested, LimitedRisk: Recomputable, MinimalRisk: Declared}
    authorities:
    - name: ml-platform
      mayAttest: [$types/compliance-manifest/v1alpha1]
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
    - {predicateType: $types/compliance-manifest/v1alpha1, authorities: [ml-platform]}
    - {predicateType: $types/plan/v1alpha1, authorities: [model-risk], distinctFrom: [ml-platform]}
    - {predicateType: $types/bias-audit/v1alpha1, authorities: [model-risk], distinctFrom: [ml-platform]}
    - {predicateType: $types/approval/v1alpha1, authorities: [compliance-office], distinctFrom: [ml-platform, model-risk]}
END

actgate verify "$manifest" --policy "$folder/policy.yaml"
