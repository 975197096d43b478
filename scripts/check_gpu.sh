#!/bin/bash
# Everything that only a GPU can show, in one command of a few minutes.
#
#   scripts/check_gpu.sh OUT                  build with the preset cuda, then check
#   scripts/check_gpu.sh --pack FOLDER        build, and put what the check needs into FOLDER, with the
#                                             libraries: for a GPU machine that has no Debian packages
#   scripts/check_gpu.sh --packed FOLDER OUT  check with what was packed, in a copy of this repository
#
# OUT (made if need be) receives a log of each step and summary.txt; the exit status is 1 if a step
# failed. Steps: every operation against the reference, networks beside the processor, 100 steps of the
# walk-through on PBMC3K beside the processor, compute-sanitizer (memcheck, racecheck, initcheck), and
# bench/compare_gpu.py where python3 has PyTorch. CMAKE_CUDA_ARCHITECTURES in the environment narrows
# what is built.
set -uo pipefail

repository=$(cd "$(dirname "$0")/.." && pwd)
tests=(kernels_backend_test kernels_sparse_input_test kernels_logistic_loss_test nn_training_test)
seconds_of_tests=120
seconds_of_sanitizer=75
seconds_of_bench=240
# What all steps may take, the build not counted: what comes too late is told of as failed.
seconds_of_all=${SAITHE_CHECK_SECONDS:-540}

build() {
  cd "$repository" || exit
  cmake --preset cuda -DSAITHE_TESTS=ON -DSAITHE_BENCHMARKS=ON \
    ${CMAKE_CUDA_ARCHITECTURES:+-DCMAKE_CUDA_ARCHITECTURES="$CMAKE_CUDA_ARCHITECTURES"} &&
    cmake --build --preset cuda --target "${tests[@]}" gpu_driver saithe_cli || exit
}

# pack FOLDER: the programs, and their libraries but those that belong to the system.
pack() {
  local folder=$1 program library
  mkdir -p "$folder/lib"
  for program in "${tests[@]}"; do cp "$repository/build/cuda/tests/backends/$program" "$folder"; done
  cp "$repository/build/cuda/bin/gpu_driver" "$repository/build/cuda/bin/saithe" "$folder"
  strip "$folder"/*_test "$folder/gpu_driver" "$folder/saithe"
  for program in "$folder"/*_test "$folder/gpu_driver" "$folder/saithe"; do
    for library in $(ldd "$program" | awk '$3 ~ /^\// {print $3}'); do
      case ${library##*/} in
        libc.so*|libm.so*|libdl.so*|librt.so*|libpthread.so*|libstdc++.so*|libgcc_s.so*) ;;
        *) cp -u "$library" "$folder/lib" ;;
      esac
    done
  done
  du -sh "$folder"
}

case ${1:-} in
  --pack) [ $# -eq 2 ] || exit 2; build; pack "$2"; exit ;;
  --packed)
    [ $# -eq 3 ] || exit 2
    programs=$(cd "$2" && pwd) && out=$3
    find_program() { echo "$programs/$1"; }
    export LD_LIBRARY_PATH="$programs/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" ;;
  ''|-*) sed -n '2,15s/^# \{0,1\}//p' "$0"; exit 2 ;;
  *)
    out=$1
    build
    find_program() {
      local place=$repository/build/cuda
      [ -e "$place/bin/$1" ] && echo "$place/bin/$1" || echo "$place/tests/backends/$1"
    } ;;
esac

mkdir -p "$out"
out=$(cd "$out" && pwd)
: >"$out/summary.txt"
end=$((SECONDS + seconds_of_all))
n_failed=0

# tell WORD STEP: one line of the summary.
tell() {
  echo "$1: $2" | tee -a "$out/summary.txt"
  [ "$1" != failed ] || n_failed=$((n_failed + 1))
}

# step NAME SECONDS COMMAND...: runs it into NAME.log.
step() {
  local name=$1 limit=$2 start=$SECONDS
  local left=$((end - SECONDS))
  shift 2
  if [ $left -lt 5 ]; then
    tell failed "$name (not run: no time was left)"
    return
  fi
  [ $left -ge "$limit" ] || limit=$left
  if timeout "$limit" "$@" >"$out/$name.log" 2>&1; then
    tell passed "$name ($((SECONDS - start)) s)"
  else
    tell failed "$name (exit status $?, $((SECONDS - start)) s; $name.log)"
    tail -n 5 "$out/$name.log"
  fi
}

# on_gpu PROGRAM [FILTER]: the tests of a program on the GPU, of which none may skip.
on_gpu() {
  local log
  log=$("$(find_program "$1")" --gtest_filter="${2:-*/Gpu}" 2>&1)
  local status=$?
  echo "$log"
  ! grep -q 'SKIPPED' <<<"$log" && grep -q 'PASSED' <<<"$log" && return $status
}

# sanitized TOOL PROGRAM FILTER
sanitized() {
  compute-sanitizer --tool "$1" --error-exitcode 9 "$(find_program "$2")" --gtest_filter="$3"
}

parity() {
  local found
  found=$("$(find_program gpu_driver)" parity cuda "$repository/data/pbmc3k.h5ad") || return
  echo "$found"
  awk -F'[:,}]' '{exit !($2 < 1e-4 && $4 < 1e-4)}' <<<"$found"
}

# The whole walk-through on both devices; their scores are for the reader.
walkthrough() {
  local device
  for device in cuda cpu; do
    "$(find_program saithe)" walkthrough "$repository/data/pbmc3k.h5ad" --label-key louvain \
      -o "$out/walkthrough-$device" --device $device --overwrite 2>&1 || return
  done
}

export -f on_gpu sanitized parity walkthrough find_program
export repository out programs
nvidia-smi >"$out/nvidia-smi.log" 2>&1 || tell failed "nvidia-smi: there is no driver here"

for program in "${tests[@]}"; do
  step "$program" $seconds_of_tests bash -c "on_gpu $program"
done
step parity $seconds_of_tests bash -c parity
if python3 -c 'import torch; assert torch.cuda.is_available()' 2>"$out/torch.log"; then
  step bench $seconds_of_bench python3 "$repository/bench/compare_gpu.py" \
    "$(find_program gpu_driver)" --json "$out/bench.json"
  cat "$out/bench.log"
else
  tell skipped "bench: python3 has no PyTorch that sees the GPU"
fi
step walkthrough $seconds_of_tests bash -c walkthrough
grep -hE '^(accuracy|[0-9.]+ s,)' "$out/walkthrough.log"

if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck initcheck; do
    for program in kernels_backend_test kernels_sparse_input_test kernels_logistic_loss_test; do
      step "$tool-$program" $seconds_of_sanitizer bash -c "sanitized $tool $program '*/Gpu'"
    done
    step "$tool-nn_training_test" $seconds_of_sanitizer \
      bash -c "sanitized $tool nn_training_test '*SameBits*/Gpu:*PredictsAsTheCpu*/Gpu'"
  done
else
  tell failed "compute-sanitizer is not on the PATH"
fi

echo "$n_failed steps failed" | tee -a "$out/summary.txt"
[ $n_failed -eq 0 ]
