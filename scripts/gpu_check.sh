#!/usr/bin/env bash
# Whether NCCL and training on CUDA are right on a machine with an NVIDIA GPU, and how fast they are there beside PyTorch on the same GPU.
#   scripts/gpu_check.sh            builds and checks on this machine
#   scripts/gpu_check.sh pack FILE  writes what a machine needs that has the GPU but neither .NET nor MPICH: a .tar.xz
#   scripts/gpu_check.sh run FOLDER checks with what was unpacked from it: tar xJf FILE; gpu-check/gpu_check.sh run gpu-check
#     Words behind FOLDER go to the program: checks [NAME], or speed [MODEL [DIMENSION [BATCH]]].
# Needs on the machine with the GPU: the driver, and a PyTorch for CUDA under python3, whose libtorch and NCCL are used (OE_LIBTORCH names another).
set -euo pipefail

say() { printf 'gpu_check: %s\n' "$*"; }
stop() {
  printf 'gpu_check: %s\n' "$*" >&2
  exit 1
}

publish() {
  local folder=$1 project
  rm -rf "$folder"
  for project in src/Trainer benchmarks/Gpu; do
    # Restored to a folder of its own, so that the checkout's own build stays as it is.
    dotnet publish "$project" --configuration Release --runtime linux-x64 --self-contained --output "$folder" --artifacts-path artifacts/gpu-build \
      -p:TorchBackend=system --verbosity quiet --nologo
  done
}

add_mpich() {
  local folder=$1 file
  mkdir -p "$folder/mpich"
  for file in "$(readlink -f "$(command -v mpirun.mpich)")" "$(command -v hydra_pmi_proxy)" "$(ldconfig -p | sed -n 's/.*libmpich\.so\.12 .*=> //p' | head -n 1)"; do
    cp -L "$file" "$folder/mpich/"
    # glibc is the other machine's; everything else goes along.
    ldd "$file" | awk '$3 ~ /^\// { print $3 }' | grep -v -E '/lib(c|m|dl|rt|pthread|resolv)\.so' | xargs -r cp -L -t "$folder/mpich/"
  done
  mv "$folder/mpich/mpiexec.hydra" "$folder/mpich/mpirun.mpich"
}

run() {
  local folder=$1
  shift
  [[ -x $folder/oe-gpu-check ]] || stop "$folder has no oe-gpu-check; unpack what gpu_check.sh pack wrote"
  if [[ -z ${OE_LIBTORCH-} ]]; then
    OE_LIBTORCH=$(python3 -c 'import os, torch; print(os.path.join(torch.__path__[0], "lib"))') || stop "python3 has no torch; install PyTorch for CUDA, or set OE_LIBTORCH to a folder torch/lib"
  fi
  # NCCL comes with PyTorch's packages, beside its own folder.
  local nccl
  nccl=$(realpath -m "$OE_LIBTORCH/../../nvidia/nccl/lib")
  export OE_LIBTORCH
  export LD_LIBRARY_PATH=$folder/mpich:$nccl:${LD_LIBRARY_PATH-} PATH=$folder/mpich:$PATH
  "$folder/oe-gpu-check" "$@"
}

case "${1-}" in
  '')
    cd "$(dirname "${BASH_SOURCE[0]}")/.."
    scripts/setup.sh
    publish artifacts/gpu-check
    run "$PWD/artifacts/gpu-check"
    ;;
  pack)
    [[ $# -eq 2 ]] || stop "usage: scripts/gpu_check.sh pack FILE"
    target=$(realpath -m "$2")
    cd "$(dirname "${BASH_SOURCE[0]}")/.."
    scripts/setup.sh
    publish artifacts/gpu-check
    add_mpich artifacts/gpu-check
    cp scripts/gpu_check.sh artifacts/gpu-check/
    tar -C artifacts -cJf "$target" gpu-check
    say "wrote $target"
    ;;
  run)
    [[ $# -ge 2 ]] || stop "usage: gpu_check.sh run FOLDER [checks [NAME] | speed [MODEL [DIMENSION [BATCH]]]]"
    run "$(realpath "$2")" "${@:3}"
    ;;
  *) stop "unknown argument $1; usage: scripts/gpu_check.sh [pack FILE | run FOLDER]" ;;
esac
