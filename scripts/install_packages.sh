#!/bin/bash
# Installs the Debian 12 packages that a step needs and that are not there yet.
#
#   scripts/install_packages.sh build|test|oracle|fuzz ...      several lists may be named
#   scripts/install_packages.sh --list build test                prints the names, installs nothing
#
# Where nothing is missing it touches nothing, not even the package index. As root it installs; as
# another user it says what it is about to install and uses sudo; where there is no sudo it prints
# the line to run as root and stops.
set -euo pipefail

build_packages=(
  g++ cmake ninja-build pkg-config
  libhdf5-dev zlib1g-dev libdeflate-dev      # h5ad, 10x HDF5, gzip
  libblosc-dev libzstd-dev                   # blosc and zstd chunks of HDF5, Zarr
  libhwy-dev                                 # SIMD
  libeigen3-dev libspectra-dev               # eigenvectors for the spectral start of UMAP
  libssl-dev                                 # SHA-256 of the model file
  libcairo2-dev fonts-dejavu-core            # pictures
  libfmt-dev nlohmann-json3-dev libcli11-dev # messages, metadata, command line
)
test_packages=(
  libgtest-dev librapidcheck-dev
  python3 python3-pytest python3-numpy python3-scipy python3-pandas
  python3-h5py python3-anndata python3-zarr python3-sklearn
)
oracle_packages=(python3 python3-venv python3-anndata python3-zarr)  # AnnData 0.8, beside the newest
fuzz_packages=(clang-16 libclang-rt-16-dev)

usage() {
  echo "usage: ${0##*/} [--list] build|test|oracle|fuzz ..." >&2
  exit 2
}

list_only=no
if [ "${1:-}" = --list ]; then list_only=yes; shift; fi
[ $# -gt 0 ] || usage
wanted=()
for list in "$@"; do
  case $list in
    build) wanted+=("${build_packages[@]}") ;;
    test) wanted+=("${test_packages[@]}") ;;
    oracle) wanted+=("${oracle_packages[@]}") ;;
    fuzz) wanted+=("${fuzz_packages[@]}") ;;
    *) usage ;;
  esac
done
if [ $list_only = yes ]; then
  printf '%s\n' "${wanted[@]}"
  exit 0
fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "This is not a Debian system: install the counterparts of these packages yourself:" >&2
  echo "  ${wanted[*]}" >&2
  exit 0  # CMake names what it does not find
fi

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

install=(apt-get install -y --no-install-recommends "${missing[@]}")
by_hand="apt-get update && ${install[*]}"
environment=(env DEBIAN_FRONTEND=noninteractive)
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "These Debian packages are missing: ${missing[*]}" >&2
    echo "You are not root and there is no sudo here. Run this as root, then make again:" >&2
    echo "  $by_hand" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "Installing with ${as_root[*]:+sudo }apt-get: ${missing[*]}"
# An index of some other archive that cannot be reached must not stop an install that works.
"${as_root[@]}" "${environment[@]}" apt-get update ||
  echo "apt-get update reported an error; trying the install all the same" >&2
if ! "${as_root[@]}" "${environment[@]}" "${install[@]}"; then
  echo "The packages could not be installed. Run this as root, then make again:" >&2
  echo "  $by_hand" >&2
  exit 1
fi
