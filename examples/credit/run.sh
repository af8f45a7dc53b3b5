#!/bin/sh
# From data to a pack for the auditor: run.sh WHEELS FOLDER [PYTHON]. Everything is written into FOLDER, which has to be
# new. PYTHON needs scikit-learn, pandas and actgate[pipeline]; `make example-credit` calls it with that of the venv.
set -eu
wheels=${1:?usage: run.sh WHEELS FOLDER [PYTHON]} folder=${2:?usage: run.sh WHEELS FOLDER [PYTHON]} python=${3:-python3}
here=$(cd "$(dirname "$0")" && pwd)
mkdir "$folder" "$folder/policies"
"$here/../attested/make-keys.sh" "$folder/keys"
run=$folder/run model=$folder/model.joblib manifest=$folder/signed.yaml

echo '== data and training'
"$python" "$here/prepare.py" "$wheels" "$folder/data"
actgate train-run --run-dir "$run" --dataset "$folder/data/train.csv" --model "$model" --region 'aws eu-west-3' \
  -- "$python" "$here/train.py" "$folder/data/train.csv" "$model"

echo '== plan, before the evaluation'
actgate plan -f "$here/plan.yaml" --model "$model" --run-dir "$run" --key "$folder/keys/model-risk.key"

echo '== audit: exit code 1 says that it does not pass, and the evidence is written all the same'
"$python" "$here/predict.py" "$model" "$folder/data/test.csv" "$folder/predictions.csv"
code=0
actgate audit "$folder/predictions.csv" --label repaid --prediction granted --run-dir "$run" || code=$?
[ "$code" -le 1 ]

echo '== evaluation: accuracy, noise, missing values, the worst group, calibration; a joblib file is code, and ours'
code=0
actgate evaluate "$model" "$folder/data/test.csv" --label repaid --by sex --trust-pickle --run-dir "$run" || code=$?
[ "$code" -le 1 ]

echo '== one manifest, signed by three parties'
actgate manifest build --run-dir "$run" --name CreditRiskScorer --model-version 3 --model "$model" \
  --spec "$here/statements.yaml"
sign() { actgate "$@" --output-file "$manifest" 2> "$folder/authority.txt"; }
sign attest "$run/manifest.yaml" --type provenance --predicate "$run/provenance.json" --key "$folder/keys/ml-platform.key"
sign attest "$manifest" --type compliance-manifest --key "$folder/keys/ml-platform.key"
sign attest "$manifest" --type bias-audit --key "$folder/keys/model-risk.key"
sign approve "$manifest" --of bias-audit --role 'Head of compliance' --by compliance@bank.example \
  --key "$folder/keys/compliance-office.key"

echo '== cards'
for format in hf html cyclonedx openlineage annex-iv; do
  actgate card "$manifest" --run-dir "$run" --format "$format"
done

echo '== verdict and pack: refused, since 400 persons do not show that the difference is within its limit'
types=https://actgate.dev/attestation
public() { sed 's/^/          /' "$folder/keys/$1.pub"; }
cat > "$folder/policies/credit.yaml" <<END
apiVersion: actgate.dev/v1alpha1
kind: CompliancePolicy
metadata: {name: credit}
spec:
  bias: {minGroupCount: 100, attributes: [sex], confidence: 0.95}
  evidence:
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
    - {predicateType: $types/plan/v1alpha1, authorities: [model-risk], distinctFrom: [ml-platform]}
    - {predicateType: $types/bias-audit/v1alpha1, authorities: [model-risk], distinctFrom: [ml-platform]}
    - {predicateType: $types/approval/v1alpha1, authorities: [compliance-office], distinctFrom: [ml-platform, model-risk]}
END
code=0
actgate pack "$manifest" --policy "$folder/policies" --run-dir "$run" --output-file "$folder/pack.zip" || code=$?
[ "$code" -le 1 ]
code=0
actgate verify "$folder/pack.zip" || code=$?
[ "$code" -eq 1 ]
echo "== as it should be: signed by three parties, verified offline, and refused; see $folder"
