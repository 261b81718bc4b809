#!/usr/bin/env bash
# Prepares this checkout: installs MPICH if it is missing, restores and builds the solution (Release), and places bin/oe-train, bin/oe-run, bin/oe-serve and bin/oe-bench.
# Runs as often as you like; when nothing has changed since the last run it ends within a second or two.
# Needs the .NET 10 SDK. Debian 12 and 13, Ubuntu 22.04 and 24.04; elsewhere install MPICH by hand first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'setup: %s\n' "$*"; }
stop() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

# Left running, MSBuild's nodes hold memory and keep the pipe open of whoever reads this script's output.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

# shellcheck source=scripts/packages.sh
source scripts/packages.sh

install_mpich() {
  install_packages mpirun.mpich mpich
  command -v mpirun.mpich > /dev/null || stop "the package mpich is installed, but mpirun.mpich is not on PATH ($PATH)"
}

# True for the build of Ubuntu 24.04 that ignores hydra and starts every rank alone (bug 2072338 of its tracker).
mpich_starts_ranks_alone() {
  [[ $(dpkg-query --show --showformat='${Version}' libmpich12 2> /dev/null || true) == 4.2.0-5build3 ]]
}

# One line that changes with anything that goes into the build: names, sizes and times of the sources, the SDK, the torch library.
fingerprint() {
  local inputs=(src tests OpenEmbedding.sln build Directory.Build.props Directory.Build.targets Directory.Packages.props .editorconfig global.json)
  [[ -d examples ]] && inputs+=(examples)
  [[ -d benchmarks ]] && inputs+=(benchmarks)
  {
    printf '%s\n' "$sdk" "${TorchBackend:-cpu}"
    find "${inputs[@]}" -type d \( -name bin -o -name obj \) -prune -o -type f -printf '%p %s %T@\n' | LC_ALL=C sort
  } | sha256sum
}

outputs_present() {
  local project
  while IFS= read -r project; do
    [[ -f ${project%/*}/bin/Release/net10.0/$(basename "$project" .csproj).dll ]] || return 1
  done < <(find src tests benchmarks -name '*.csproj')
}

build() {
  local stamp=artifacts/setup.stamp wanted started
  wanted=$(fingerprint)
  if [[ -f $stamp && $(< "$stamp") == "$wanted" ]] && outputs_present; then
    say "the build is up to date"
    return
  fi
  rm -f "$stamp"
  started=$SECONDS
  quietly dotnet restore OpenEmbedding.sln --verbosity quiet || stop "the packages could not be restored; the reasons are above"
  say "restored the packages ($((SECONDS - started)) s)"
  started=$SECONDS
  quietly dotnet build OpenEmbedding.sln --configuration Release --no-restore --verbosity quiet ||
    stop "the build failed; the errors are above"
  say "built Release ($((SECONDS - started)) s)"
  mkdir -p artifacts
  # Taken before the build: what is edited meanwhile is built by the next run.
  printf '%s\n' "$wanted" > "$stamp"
}

# A launch script finds the program from its own place, so the folder may move or be mounted elsewhere on another host.
place() {
  local name=$1 program=$2 extra=${3-} text
  text='#!/bin/sh
# Written by scripts/setup.sh.
script=$0
case $script in */*) ;; *) script=./$script ;; esac
[ -h "$script" ] && script=$(readlink -f "$script")
folder=${script%/*}
program=$folder/../'"$program"'
'"$extra"'if command -v dotnet > /dev/null; then exec dotnet "$program" "$@"; fi
for root in "$DOTNET_ROOT" /usr/share/dotnet /usr/lib/dotnet "$HOME/.dotnet"; do
  [ -x "$root/dotnet" ] && exec "$root/dotnet" "$program" "$@"
done
echo "'"$name"': no dotnet on PATH, in DOTNET_ROOT or in the usual places; install the .NET 10 runtime" >&2
exit 1'
  if [[ -x bin/$name && $(< "bin/$name") == "$text" ]]; then return; fi
  mkdir -p bin
  printf '%s\n' "$text" > "bin/$name.new"
  chmod 755 "bin/$name.new"
  mv -f "bin/$name.new" "bin/$name"
  say "placed bin/$name"
}

command -v dotnet > /dev/null || stop "the .NET 10 SDK is missing: see https://dotnet.microsoft.com/download"
if command -v mpirun.mpich > /dev/null; then say "MPICH is there ($(command -v mpirun.mpich))"; else install_mpich; fi
sdk=$(dotnet --version) || stop "no .NET SDK that fits global.json answers (dotnet --version); its words are above"
if mpich_starts_ranks_alone; then
  stop "MPICH 4.2.0-5build3 of Ubuntu 24.04 starts every rank alone (https://bugs.launchpad.net/bugs/2072338): install 4.2.0-5.1 or newer of mpich and libmpich12 from that page"
fi
build
place oe-train src/Trainer/bin/Release/net10.0/OpenEmbedding.Trainer.dll
place oe-run src/Launcher/bin/Release/net10.0/OpenEmbedding.Launcher.dll $'export OE_RUN_FOLDER="$folder"\n'
place oe-serve src/Serving/bin/Release/net10.0/OpenEmbedding.Serving.dll
place oe-bench benchmarks/Cluster/bin/Release/net10.0/OpenEmbedding.Benchmarks.Cluster.dll
