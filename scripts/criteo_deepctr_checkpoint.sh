#!/usr/bin/env bash
# Trains with checkpoints, then starts again from the last one and trains on.
#   scripts/criteo_deepctr_checkpoint.sh [--data FILE] [any other option of oe-train]
# The first job trains 4 epochs and saves each of them under tmp/epoch; the second one loads the newest and trains up to epoch 6.
#   NP     number of ranks, 2 unless set
#   ROWS   number of generated rows, 50000 unless set, where --data is not given
# The exit code is that of the job that failed, or 0.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkpoints=$here/../tmp/epoch
export NP=${NP:-2}

rm -rf "$checkpoints"
echo "== 4 epochs, each saved under tmp/epoch"
"$here/criteo_deepctr_mpi.sh" "$@" --export null --epochs 4 --checkpoint "$checkpoints"

echo "== from the newest checkpoint up to epoch 6"
"$here/criteo_deepctr_mpi.sh" "$@" --export null --epochs 6 --load "$checkpoints" --checkpoint "$checkpoints"
