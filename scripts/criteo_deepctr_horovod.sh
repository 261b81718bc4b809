#!/usr/bin/env bash
# The main job through oe-run, as horovodrun would start it, on 2 ranks; the model goes to tmp/criteo/1.
#   scripts/criteo_deepctr_horovod.sh [--data FILE] [any other option of oe-train]
#   NP     number of ranks, 2 unless set
#   ROWS   number of generated rows, 50000 unless set
# The exit code is the job's.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export NP=${NP:-2} LAUNCHER=$here/../bin/oe-run
exec "$here/criteo_deepctr_mpi.sh" "$@"
