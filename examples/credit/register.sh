#!/bin/sh
# Evidence into the registry at $MLFLOW_TRACKING_URI, and what is noticed when someone moves an alias: register.sh FOLDER
# PYTHON MLFLOW_PYTHON, after run.sh has written FOLDER. `python -m tools.mlflow_server` starts a server for it.
set -eu
usage='usage: register.sh FOLDER PYTHON MLFLOW_PYTHON'
folder=${1:?$usage} python=${2:?$usage} mlflow_python=${3:?$usage}
to=mlflow:${MLFLOW_TRACKING_URI:?names no MLflow server}
actgate() {
  echo "\$ actgate $*"
  "$python" -m actgate.cli "$@"
}
cd "$folder"
income=cluster/income-manifest.yaml

actgate register $income --to "$to" --alias champion --run-dir income/run
echo '-- the same again, as a pipeline that is run twice does'
actgate register $income --to "$to" --alias champion --run-dir income/run
echo '-- a registry keeps refused evidence too: it decides nothing'
actgate register cluster/german-manifest.yaml --to "$to" --run-dir german/run
actgate registry list --to "$to"
actgate registry verify --to "$to"

echo '-- someone moves the alias to a version without evidence, with the client of MLflow; exit code 1 says so'
"$mlflow_python" - <<END
from mlflow import MlflowClient

client = MlflowClient()
first = client.get_model_version("IncomeScorer", "1")
made = client.create_model_version("IncomeScorer", first.source, run_id=first.run_id)
client.set_registered_model_alias("IncomeScorer", "champion", made.version)
print(f"models:/IncomeScorer@champion is version {made.version} now")
END
code=0
actgate registry verify --to "$to" || code=$?
[ "$code" -eq 1 ]
echo '-- the pipeline sets it again'
actgate register $income --to "$to" --alias champion --run-dir income/run
actgate registry verify --to "$to"
