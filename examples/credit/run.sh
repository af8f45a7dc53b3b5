#!/bin/sh
# Two models, from data to the cluster: run.sh WHEELS FOLDER MLFLOW [PYTHON]. Everything is written into FOLDER, which
# has to be new. MLFLOW is the command of that name; PYTHON has scikit-learn, pandas and actgate's development install.
# `make example-credit` makes all of them.
set -eu
usage='usage: run.sh WHEELS FOLDER MLFLOW [PYTHON]'
wheels=${1:?$usage} folder=${2:?$usage} mlflow=${3:?$usage} python=${4:-python3}
absolute() { echo "$(cd "$(dirname "$1")" && pwd)/$(basename "$1")"; }
here=$(dirname "$(absolute "$0")")
wheels=$(absolute "$wheels") mlflow=$(absolute "$mlflow") python=$(absolute "$(command -v "$python")")
# What is recorded of a command names no folder of this machine.
PATH=$(dirname "$python"):$PATH python=$(basename "$python")
mkdir "$folder" "$folder/cluster" "$folder/policies"
cd "$folder"
ln -s "$here" example
# Modules of the checkout that are part of no installation: the MLflow server and the cluster of the demo.
checkout() { PYTHONPATH="$here/../..${PYTHONPATH:+:$PYTHONPATH}" "$python" -m "$@"; }

step() { printf '\n== %s\n' "$1"; }
actgate() {
  echo "\$ actgate $*"
  "$python" -m actgate.cli "$@"
}
# The rest of the line ends with this exit code, or the example ends here.
exits() {
  wanted=$1 code=0
  shift
  "$@" || code=$?
  [ "$code" -eq "$wanted" ] || { echo "error: exit code $code, and not $wanted: $*" >&2; exit 1; }
}

# evidence CASE NAME VERSION LABEL AUDIT DIFFERENCE: a model and its signed manifest. AUDIT is the exit code of the audit,
# DIFFERENCE what train.py may leave between the sexes.
evidence() {
  case=$1 name=$2 version=$3 label=$4 audit=$5 difference=$6
  run=$case/run model=$case/model.joblib manifest=cluster/$case-manifest.yaml
  mkdir "$case"

  step "$name: data and training"
  "$python" example/prepare.py "$case" "$wheels" "$case/data"
  actgate train-run --run-dir "$run" --dataset "$case/data/train.csv" --model "$model" --region 'aws eu-west-3' \
    -- "$python" example/train.py "$case/data/train.csv" "$model" "$difference"

  step "$name: plan, signed by model risk before the evaluation"
  actgate plan -f "example/$case/plan.yaml" --model "$model" --run-dir "$run" --key keys/model-risk.key

  step "$name: audit of the predictions; exit code $audit is the expected one, and the evidence is written with either"
  "$python" example/predict.py "$model" "$case/data/test.csv" "$case/predictions.csv"
  exits "$audit" actgate audit "$case/predictions.csv" --label "$label" --prediction granted --run-dir "$run"

  step "$name: accuracy, noise, missing values, the worst group, calibration; a joblib file is code, and ours"
  actgate evaluate "$model" "$case/data/test.csv" --label "$label" --by sex --trust-pickle --run-dir "$run"

  step "$name: one manifest, signed by three parties"
  actgate manifest build --run-dir "$run" --name "$name" --model-version "$version" --model "$model" \
    -n credit --spec "example/$case/statements.yaml"
  sign() {
    actgate "$@" --output-file "$manifest" 2> "$case/authority.txt" || { cat "$case/authority.txt" >&2; exit 1; }
  }
  sign attest "$run/manifest.yaml" --type provenance --predicate "$run/provenance.json" --key keys/ml-platform.key
  sign attest "$manifest" --type compliance-manifest --key keys/ml-platform.key
  sign attest "$manifest" --type bias-audit --key keys/model-risk.key
  sign approve "$manifest" --of bias-audit --role 'Head of compliance' --by compliance@bank.example \
    --key keys/compliance-office.key

  step "$name: cards"
  for format in hf html cyclonedx openlineage annex-iv; do
    actgate card "$manifest" --run-dir "$run" --format "$format"
  done

  cat > "cluster/$case-model.yaml" <<END
apiVersion: actgate.dev/v1alpha1
kind: ModelDeployment
metadata: {name: $case, namespace: credit}
spec:
  model: {name: $name, version: "$version", digest: "$("$python" -m actgate.cli model digest "$model")"}
  complianceManifestRef: {name: $(sed -n '/^metadata:/,/^spec:/s/^  name: //p' "$manifest")}
  placement: {regions: [{provider: aws, region: eu-west-3}]}
  replicas: 2
  server:
    image: registry.example/credit@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    ports: [{containerPort: 8080}]
END
}

# verdict CASE CODE: one file for the auditor, and what it says when it is verified without a network.
verdict() {
  step "$1: pack for the auditor, and its verdict"
  exits "$2" actgate pack "cluster/$1-manifest.yaml" --policy policies --run-dir "$1/run" \
    --output-file "$1/pack.zip"
  exits "$2" actgate verify "$1/pack.zip"
}

"$here/../attested/make-keys.sh" keys
printf '%s\n' 'apiVersion: v1' 'kind: Namespace' 'metadata: {name: credit}' > cluster/namespace.yaml
example/policy.sh keys > policies/credit.yaml
cp policies/credit.yaml cluster/policy.yaml

evidence german CreditRiskScorer 3 repaid 1 1
evidence income IncomeScorer 1 above_50k 0 0.04
verdict german 1
verdict income 0

step 'registry: a real MLflow server'
checkout tools.mlflow_server "$mlflow" mlflow -- \
  example/register.sh . "$python" "$(dirname "$mlflow")/python"

step 'cluster: webhook and operator, the same policy, manifests and models'
checkout demo credit --root "$here/../.." --evidence cluster
printf '\n== as it should be: German credit is refused as inconclusive, the income scorer is Ready; see %s\n' "$PWD"
