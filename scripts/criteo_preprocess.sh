#!/usr/bin/env bash
# From raw Criteo rows to a model: numbers the categories, scales the numbers, writes CSV, and trains examples/criteo.json on it.
#   scripts/criteo_preprocess.sh [any option of oe-train for the training]
# Leaves tmp/criteo_train.csv and tmp/criteo_test.csv: the last tenth of the rows is for testing.
#   DATA       a file of raw rows; Criteo-shaped ones that oe-train generates once, unless set
#   ROWS       number of generated rows, 50000 unless set
#   MIN_COUNT  a category that comes less often shares a number with all such, 2 unless set
#   NP         number of ranks, 2 unless set
#   LAUNCHER   what starts the ranks, mpirun.mpich unless set
# The exit code is the job's.
set -euo pipefail
invoked_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

scripts/setup.sh

if [[ -n ${DATA:-} ]]; then
  data=$(cd "$invoked_from" && realpath "$DATA")
else
  rows=${ROWS:-50000}
  data=$root/tmp/criteo_sample_$rows.txt
  [[ -f $data ]] || bin/oe-train generate --rows "$rows" --out "$data"
fi

train=$(($(wc -l < "$data") * 9 / 10))
if ((train == 0)); then
  printf 'preprocess: %s has too few rows to train and test on\n' "$data" >&2
  exit 1
fi

# Its last line names the keys that a job on the new files wants.
bin/oe-train preprocess --data.dense_scale minmax --min-count "${MIN_COUNT:-2}" --out tmp/criteo_train.csv --test-out tmp/criteo_test.csv \
  --data.train.files "$data" --data.train.rows "0-$((train - 1))" --data.test.files "$data" --data.test.rows "$train-" | tee tmp/criteo_preprocess.log
read -r -a keys < <(tail -n 1 tmp/criteo_preprocess.log)

# Paths among the options mean what they mean where the caller stands.
cd "$invoked_from"
exec "${LAUNCHER:-mpirun.mpich}" -np "${NP:-2}" "$root/bin/oe-train" "$root/examples/criteo.json" \
  --data.train "$root/tmp/criteo_train.csv" --data.test "$root/tmp/criteo_test.csv" "${keys[@]}" "$@"
