#!/usr/bin/env bash
# Sets up, then runs oe-bench: training jobs of all strategies against each other on generated data.
#   scripts/benchmark.sh [options of oe-bench]          a small size: about five minutes on 2 cores
#   scripts/benchmark.sh --full [options of oe-bench]   the real size: all models, dimensions and ranks, 5 million ids, 3 runs of each
# Options are passed on and win over those of the size. Results go to artifacts/bench (--out), generated data to artifacts/bench/data (--data).
# The exit code is that of oe-bench: 0 when every job ended well.
set -euo pipefail
invoked_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

scripts/setup.sh

size=(--models WDL:9,DeepFM:9,DeepFM:64 --ranks 2,8 --vocabulary 200000 --rows 262144 --batch 1024 --repeats 1 --seconds 3)
if [[ ${1-} == --full ]]; then
  size=()
  shift
fi

# oe-bench takes an option once.
given=" $* "
options=()
for ((i = 0; i < ${#size[@]}; i += 2)); do
  [[ $given == *" ${size[i]} "* || $given == *" ${size[i]}="* ]] || options+=("${size[i]}" "${size[i + 1]}")
done
folders=()
[[ $given == *" --out "* || $given == *" --out="* ]] || folders+=(--out "$root/artifacts/bench")
[[ $given == *" --data "* || $given == *" --data="* ]] || folders+=(--data "$root/artifacts/bench/data")

# Paths among the options mean what they mean where the caller stands.
cd "$invoked_from"
exec "$root/bin/oe-bench" "${options[@]}" "${folders[@]}" "$@"
