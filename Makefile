# A thin front over the CMake presets: what a user types.  `make help` lists the targets.
#
#   PRESET=release   which preset of CMakePresets.json is built (build/<preset>)
#   JOBS=<cores>     how many compilers and tests run at once
#   ONLY_GPU_MAY_SKIP=1   any other skipped test fails `make test`
#   PREFIX=/usr/local, DESTDIR=   where `make install` puts things

PRESET ?= release
JOBS   ?= $(shell nproc)
PREFIX ?= /usr/local

BUILD  := build/$(PRESET)
SAITHE := $(BUILD)/bin/saithe
ORACLE := build/oracle-venv
# Debian's own interpreter: the one whose modules the packages bring
PYTHON := /usr/bin/python3
ORACLE_PINS := tests/golden/requirements.txt
JUNIT  := $(CURDIR)/$(BUILD)/ctest.xml

# The CUDA backend is compiled beside the tests, once, for one architecture.
CUDA_CHECK := build/cuda-check

.PHONY: help demo build test cuda-check soak bench oracle install clean

help:
	@echo 'make demo      install what is missing, build, run the walk-through on PBMC3K'
	@echo 'make build     install what is missing, build the program ($(SAITHE))'
	@echo 'make test      the same, with all tests'
	@echo 'make soak      what make test does a tenth of: kills, damaged files; and the fuzzers'
	@echo 'make oracle    compare with PyTorch, Scanpy, umap-learn (a virtual environment, pinned)'
	@echo 'make bench     measure beside PyTorch, Scanpy and umap-learn (the same environment; an hour)'
	@echo 'make install   PREFIX=$(PREFIX)'
	@echo 'make clean     remove build/ and demo/'

demo: build
	$(SAITHE) walkthrough -o demo --overwrite
	@echo
	@echo "The report: $(CURDIR)/demo/report.html"

# A folder configured earlier keeps its choices, so that a build after `make test` compiles nothing twice.
build:
	@scripts/install_packages.sh build
	@test -f $(BUILD)/build.ninja || cmake --preset $(PRESET) -DSAITHE_TESTS=OFF
	cmake --build --preset $(PRESET) -j $(JOBS) --target saithe_cli example_walkthrough

test:
	@scripts/install_packages.sh build test
	cmake --preset $(PRESET) -DSAITHE_TESTS=ON
	cmake --build --preset $(PRESET) -j $(JOBS)
	@rm -f $(JUNIT)
	@ctest --preset $(PRESET) -j $(JOBS) --no-tests=error --output-junit $(JUNIT) \
	  --test-output-size-passed 1000000; status=$$?; \
	$(PYTHON) scripts/list_skipped_tests.py $(JUNIT) $(if $(ONLY_GPU_MAY_SKIP),--only-gpu) && exit $$status
	@$(MAKE) --no-print-directory cuda-check

# Compiles the CUDA backend where there is a compiler for it, and starts what it gives: that needs no
# GPU, and no driver. scripts/check_gpu.sh is what a GPU is for.
cuda-check:
	@if ! command -v nvcc >/dev/null; then \
	  echo 'cuda-check: there is no nvcc here: the CUDA build was not tried'; \
	else \
	  cmake --preset cuda -B $(CUDA_CHECK) -DCMAKE_CUDA_ARCHITECTURES=90 -DSAITHE_TESTS=ON \
	    -DSAITHE_WERROR=ON >/dev/null && \
	  cmake --build $(CUDA_CHECK) -j $(JOBS) --target kernels_device_test kernels_sparse_input_test && \
	  $(CUDA_CHECK)/tests/backends/kernels_device_test --gtest_brief=1 && \
	  $(CUDA_CHECK)/tests/backends/kernels_sparse_input_test --gtest_filter='Cuda/*' --gtest_brief=1; \
	fi

# Random kills while outputs are written, 200 of each kind (20 of a model); 10 000 trials with flipped bits of each
# kind of input, shared among its files; the
# fuzzers, a minute each from the committed corpus. About two hours.
soak: build
	@scripts/install_packages.sh build test fuzz
	SAITHE_PROGRAM=$(CURDIR)/$(SAITHE) SAITHE_KILLS=200 $(PYTHON) -B -m pytest -q -rs -p no:cacheprovider \
	  tests/e2e/test_crash_safety.py
	cmake --preset $(PRESET) -DSAITHE_TESTS=ON
	cmake --build --preset $(PRESET) -j $(JOBS) --target io_open_damage_test io_folder_damage_test
	SAITHE_FLIPS=10000 $(BUILD)/tests/unit/io/io_open_damage_test
	SAITHE_FLIPS=10000 $(BUILD)/tests/unit/io/io_folder_damage_test
	cmake --preset fuzz -DSAITHE_TESTS=ON
	cmake --build --preset fuzz -j $(JOBS) --target fuzzers
	scripts/run_fuzzers.sh build/fuzz/tests/fuzz 60

oracle: build $(ORACLE)/.installed
	cmake --preset $(PRESET) -DSAITHE_ORACLE=ON -DSAITHE_BENCHMARKS=ON
	cmake --build --preset $(PRESET) -j $(JOBS) --target saithe_cli saithe_oracle_driver umap_driver
	SAITHE_PROGRAM=$(CURDIR)/$(SAITHE) $(ORACLE)/bin/python -m pytest -q -rs tests/oracle

# PyTorch first and alone: its wheel decides which of the pinned versions fit beside it.
$(ORACLE)/.installed: $(ORACLE_PINS)
	@scripts/install_packages.sh oracle
	$(PYTHON) -m venv --clear $(ORACLE)
	$(ORACLE)/bin/pip install --quiet "$$(grep '^torch==' $(ORACLE_PINS))"
	$(ORACLE)/bin/pip install --quiet -r $(ORACLE_PINS)
	@touch $@

# Prints tables of bench/RESULTS.md, where each of the others has its command; about an hour. Side by side with the
# pinned peers of the oracle.
bench: build $(ORACLE)/.installed
	cmake --preset $(PRESET) -DSAITHE_BENCHMARKS=ON
	cmake --build --preset $(PRESET) -j $(JOBS) --target saithe_cli update_floor umap_driver reading_driver
	$(ORACLE)/bin/python bench/compare_training.py $(SAITHE)
	$(ORACLE)/bin/python bench/compare_accuracy.py $(SAITHE)
	$(ORACLE)/bin/python bench/umap_compare.py $(BUILD)/bin/umap_driver
	$(ORACLE)/bin/python bench/compare_reading.py $(SAITHE) $(BUILD)/bin/reading_driver --million

install: build
	cmake --install $(BUILD) --prefix $(PREFIX)

clean:
	rm -rf build demo
