#!/usr/bin/env bash
# The main job: trains examples/criteo.json on several ranks of this machine and exports the model to tmp/criteo/1, in place of one that is there.
#   scripts/criteo_deepctr_mpi.sh [--data FILE] [any other option of oe-train]
# Options are passed on and win over the file. Without --data the job trains on Criteo-shaped rows that oe-train generates once.
# With --export FOLDER the model goes there instead, with --export null nowhere.
#   NP         number of ranks, 8 unless set; 0: one process without a launcher
#   ROWS       number of generated rows, 50000 unless set
#   LAUNCHER   what starts the ranks, mpirun.mpich unless set
# The exit code is the job's.
set -euo pipefail
invoked_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

scripts/setup.sh

has_data=false has_export=false
for argument in "$@"; do
  case $argument in
    --data | --data=* | --data.train | --data.train=*) has_data=true ;;
    --export | --export=* | --output.export | --output.export=*) has_export=true ;;
  esac
done

data=()
if [[ $has_data == false ]]; then
  rows=${ROWS:-50000}
  sample=tmp/criteo_sample_$rows.txt
  if [[ ! -f $sample ]]; then
    bin/oe-train generate --rows "$rows" --out "$sample"
  fi
  data=(--data "$root/$sample")
fi

export=()
if [[ $has_export == false ]]; then
  rm -rf tmp/criteo/1
  export=(--export "$root/tmp/criteo/1")
fi

launch=()
if [[ ${NP:-8} -gt 0 ]]; then
  launch=("${LAUNCHER:-mpirun.mpich}" -np "${NP:-8}")
fi

# Paths among the options mean what they mean where the caller stands.
cd "$invoked_from"
exec "${launch[@]}" "$root/bin/oe-train" "$root/examples/criteo.json" "${data[@]}" "${export[@]}" "$@"
