#!/usr/bin/env bash
# Trains examples/criteo.json in one process, without mpirun, and exports the model to tmp/criteo/1.
#   scripts/criteo_deepctr_standalone.sh [--data FILE] [any other option of oe-train]
#   ROWS   number of generated rows, 50000 unless set, where --data is not given
# The exit code is the job's.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export NP=0
exec "$here/criteo_deepctr_mpi.sh" "$@"
