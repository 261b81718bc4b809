#!/usr/bin/env bash
# Asks an exported model for predictions over HTTP: 100 rows, then 1 row, and checks that as many probabilities come.
#   scripts/criteo_deepctr_restful.sh
# The model is tmp/criteo, as scripts/criteo_deepctr_mpi.sh leaves it; it is trained first where it is missing. Unless URL is set, oe-serve is
# started on a free port of this machine and stopped at the end.
#   URL    a server that answers for the model "criteo", such as http://127.0.0.1:8501
#   DATA   rows in Criteo's form, the generated ones of the main job unless set
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

stop() {
  printf 'restful: %s\n' "$1" >&2
  exit 1
}

command -v curl > /dev/null || stop "curl is missing; install it with the packages of this system"
data=${DATA:-tmp/criteo_sample_${ROWS:-50000}.txt}
if [[ -z ${URL:-} && ! -f tmp/criteo/1/model.onnx ]] || [[ ! -f $data ]]; then
  scripts/criteo_deepctr_mpi.sh
else
  scripts/setup.sh
fi

work=$(mktemp -d)
server=
finish() {
  [[ -z $server ]] || kill "$server" 2> /dev/null || true
  rm -rf "$work"
}
trap finish EXIT

if [[ -z ${URL:-} ]]; then
  mkfifo "$work/said"
  bin/oe-serve --model criteo=tmp/criteo --rest-port 0 2> "$work/said" &
  server=$!
  exec 3< "$work/said"
  URL=
  while IFS= read -r -t 60 line <&3; do
    printf '%s\n' "$line"
    if [[ $line == *'listens on '* ]]; then
      URL=${line##* }
      break
    fi
  done
  [[ -n $URL ]] || stop "oe-serve did not start within 60 s"
fi

# The first rows of the data as {"inputs": {"I1": [[5], ...], ..., "C26": [[98275684], ...]}}: categories are hexadecimal, empty fields 0 and -1.
body() {
  local columns=() fields=() row i value separator
  while IFS= read -r row; do
    # Bash takes neighbouring tabs for one; another character keeps empty fields.
    IFS='|' read -r -a fields <<< "${row//$'\t'/|}|"
    for ((i = 1; i <= 39; i++)); do
      value=${fields[i]:-}
      if ((i <= 13)); then value=${value:-0}; elif [[ -z $value ]]; then value=-1; else value=$((16#$value)); fi
      columns[i]+=${columns[i]:+,}[$value]
    done
  done < <(head -n "$1" "$data")
  printf '{"inputs":{'
  separator=
  for ((i = 1; i <= 39; i++)); do
    if ((i <= 13)); then printf '%s"I%d":[%s]' "$separator" "$i" "${columns[i]}"; else printf '%s"C%d":[%s]' "$separator" $((i - 13)) "${columns[i]}"; fi
    separator=,
  done
  printf '}}'
}

ask() {
  local rows=$1 answer outputs
  body "$rows" > "$work/body.json"
  answer=$(curl --silent --show-error --max-time 60 --data-binary "@$work/body.json" --header 'Content-Type: application/json' \
    "$URL/v1/models/criteo:predict") || stop "$URL did not answer"
  [[ $answer == '{"outputs":['* ]] || stop "$rows rows: $answer"
  # One pair of brackets a row, within those of the list.
  outputs=$(($(tr -cd '[' <<< "$answer" | wc -c) - 1))
  [[ $outputs -eq $rows ]] || stop "$rows rows gave $outputs outputs"
  printf 'restful: %d rows gave %d outputs: %.60s\n' "$rows" "$outputs" "$answer"
}

ask 100
ask 1
