#!/usr/bin/env bash
# Sets up, checks the formatting and runs every test project, one after the other.
#   scripts/test.sh          all tests but those of Kind=Long
#   scripts/test.sh --all    those too
# The last line is the sum, as "N passed, N failed" (and ", N skipped" if there are any). The exit code is 0 only when nothing failed,
# no project crashed or hung, and every project ran all its tests. Reports in TRX form stay in artifacts/tests.
# Tests on real Criteo rows take them from the file that OPENEMBEDDING_CRITEO_DATA names.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

filter=(--filter 'Kind!=Long')
case "${1-}" in
  '') ;;
  --all) filter=() ;;
  *)
    printf 'test: unknown argument %s; usage: scripts/test.sh [--all]\n' "$1" >&2
    exit 2
    ;;
esac

scripts/setup.sh

# Tests look at pages in a browser and have Python's onnx check exported models; without root they are skipped where these are not there.
judges=()
[[ -x /usr/bin/chromium ]] || judges+=(chromium)
/usr/bin/python3 -c 'import onnx' 2> /dev/null || judges+=(python3-onnx)
if [[ ${#judges[@]} -gt 0 && $(id -u) -eq 0 ]] && command -v apt-get > /dev/null; then
  say() { printf 'test: %s\n' "$*"; }
  stop() {
    printf 'test: %s\n' "$*" >&2
    exit 1
  }
  # shellcheck source=scripts/packages.sh
  source scripts/packages.sh
  install_packages "a judge of the tests" "${judges[@]}"
fi

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

# An optional neighbouring data folder; without it the tests that need real rows make their own.
real_rows=../shared/data/criteo_kaggle_head10109.txt
if [[ -z ${OPENEMBEDDING_CRITEO_DATA:-} && -f $real_rows ]]; then
  OPENEMBEDDING_CRITEO_DATA=$(realpath "$real_rows")
  export OPENEMBEDDING_CRITEO_DATA
fi

# Once oneDNN has used AMX, for bfloat16, .NET 10 ends the process where it would throw a NullReferenceException; libraries that read damaged files throw some.
export ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16

passed=0 failed=0 skipped=0

# Of the first <Counters …> of a TRX report the value of one attribute.
counter() {
  sed -n "s/.*<Counters [^>]*\b$2=\"\([0-9]*\)\".*/\1/p" "$1" | head -n 1
}

run_project() {
  local project=$1 name results report result=0 started=$SECONDS
  local project_passed=0 project_failed=0 project_skipped=0 total=0 listed=0 remark=
  name=$(basename "${project%/*}")
  results=artifacts/tests/$name
  report=$results/report.trx
  rm -rf "$results"
  # A test with data that has no short text is one line here and several results.
  listed=$(dotnet test "$project" --no-build --configuration Release "${filter[@]}" --list-tests < /dev/null | grep -c '^    ' || true)
  # A test that hangs is ended and named; every test is given more time here than the slowest one takes.
  dotnet test "$project" --no-build --configuration Release "${filter[@]}" --results-directory "$results" --logger "trx;LogFileName=report.trx" \
    --logger "console;verbosity=minimal" --blame-hang-timeout 15m --blame-hang-dump-type none < /dev/null || result=$?
  if [[ -f $report ]]; then
    total=$(counter "$report" total)
    project_passed=$(counter "$report" passed)
    project_failed=$(counter "$report" failed)
    project_skipped=$((total - $(counter "$report" executed)))
  fi
  if [[ $result -ne 0 && $project_failed -eq 0 ]]; then
    remark=", the test run ended with exit code $result"
    project_failed=1
  elif [[ $total -eq 0 ]]; then
    remark=", no test was found"
    project_failed=1
  elif [[ $total -lt $listed ]]; then
    remark=", $((listed - total)) of $listed tests were not run"
    project_failed=1
  elif [[ $((project_passed + project_failed)) -eq 0 ]]; then
    remark=", no test was run"
    project_failed=1
  fi
  printf 'test: %s: %d passed, %d failed, %d skipped in %d s%s\n' "$name" "$project_passed" "$project_failed" "$project_skipped" $((SECONDS - started)) "$remark"
  passed=$((passed + project_passed))
  failed=$((failed + project_failed))
  skipped=$((skipped + project_skipped))
}

# Whitespace only, on the files as they are, which takes seconds; the code style is checked by the build.
if dotnet format whitespace --folder --verify-no-changes --exclude '**/bin/' '**/obj/'; then
  printf 'test: the formatting is as .editorconfig wants it\n'
else
  printf 'test: the formatting is not as .editorconfig wants it; mend it with: dotnet format whitespace --folder\n'
  failed=$((failed + 1))
fi

for project in tests/*/*.csproj; do
  run_project "$project"
done

summary="$passed passed, $failed failed"
[[ $skipped -eq 0 ]] || summary+=", $skipped skipped"
printf '%s\n' "$summary"
[[ $failed -eq 0 ]]
