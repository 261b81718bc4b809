#!/usr/bin/env bash
# The main job: trains examples/criteo.json on several ranks of this machine.
#   scripts/criteo_deepctr_mpi.sh [--data FILE] [any other option of oe-train]
# Options are passed on and win over the file. Without --data the job trains on Criteo-shaped rows that oe-train generates once.
#   NP         number of ranks, 8 unless set
#   ROWS       number of generated rows, 50000 unless set
#   LAUNCHER   what starts the ranks, mpirun.mpich unless set
# The exit code is the job's.
set -euo pipefail
invoked_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

scripts/setup.sh

has_data=false
for argument in "$@"; do
  case $argument in
    --data | --data=* | --data.train | --data.train=*) has_data=true ;;
  esac
done

data=()
if [[ $has_data == false ]]; then
  rows=${ROWS:-50000}
  sample=tmp/criteo_sample_$rows.txt
  if [[ ! -f $sample ]]; then
    mkdir -p tmp
    # Under a temporary name first: an interrupted run leaves no half file behind for the next one.
    bin/oe-train generate --rows "$rows" --out "$sample.new"
    mv "$sample.new" "$sample"
  fi
  data=(--data "$root/$sample")
fi

# Paths among the options mean what they mean where the caller stands.
cd "$invoked_from"
exec "${LAUNCHER:-mpirun.mpich}" -np "${NP:-8}" "$root/bin/oe-train" "$root/examples/criteo.json" "${data[@]}" "$@"
