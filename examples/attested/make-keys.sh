#!/bin/sh
# Makes a key for each of three parties, in the folder that is named (default: keys beside this script).
# In an organisation each party makes its own, where only that party can use it: in a KMS, or as a secret of a CI job
# of its own. P-256 is what cosign and every KMS sign with; NAME.key stays there, NAME.pub goes into the policy.
set -eu
folder=${1:-$(dirname "$0")/keys}
mkdir -p "$folder"
for party in ml-platform model-risk compliance-office; do
  (umask 077 && openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$folder/$party.key")
  openssl pkey -in "$folder/$party.key" -pubout -out "$folder/$party.pub"
done
