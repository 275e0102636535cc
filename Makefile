# Everything from a fresh Debian/Ubuntu clone; `make help` lists the targets. All of them are safe to repeat.
# PYTHON=python3.12 chooses an interpreter (3.10 to 3.13); TORCH_INDEX=URL an index with CPU-only torch wheels.

PYTHON ?= python3
TORCH_INDEX ?=
VENV := .venv
BUILD := build
STREAM := $(BUILD)/fcn-edge-stream
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check
CPP_SOURCES := CMakeLists.txt $(shell find cpp_runtime -type f 2>/dev/null)

.PHONY: help demo test pytest ctest lint format system venv build clean soak-short sanitize fuzz-short tidy

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(STREAM) ## the whole line in minutes: out/demo/report.html, bundles, an overlay clip
	$(VENV)/bin/fcn-edge demo --out out/demo

test: pytest ctest ## all tests: Python and C++

# In groups, each in processes of its own: one that has loaded every engine, TensorRT-RTX among them, and has run for
# minutes is now and then ended by the kernel on its return from a system call. A worker that dies ends its group:
# xdist would wait for it for ever.
PYTEST = OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -q -n 2 --dist loadfile --max-worker-restart 0
STREAM_TESTS = tests/backends/test_torchscript_stream.py
NETWORK_TESTS = tests/models tests/network tests/quantize tests/surgery tests/train
pytest: $(STREAM) ## the Python tests
	$(PYTEST) tests/backends --ignore $(STREAM_TESTS)
	$(PYTEST) $(NETWORK_TESTS)
	$(PYTEST) tests --ignore tests/backends $(NETWORK_TESTS:%=--ignore %) --ignore tests/runtime
	$(PYTEST) tests/runtime $(STREAM_TESTS)

ctest: $(STREAM) ## the C++ tests
	ctest --test-dir $(BUILD) --output-on-failure

lint: $(VENV)/.installed ## ruff, mypy, clang-format
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(if $(shell command -v clang-format),find cpp_runtime -name '*.[ch]pp' | xargs clang-format --dry-run --Werror,@echo 'clang-format is not installed: C++ layout not checked')

format: $(VENV)/.installed ## lay the code out as lint wants it
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	find cpp_runtime -name '*.[ch]pp' | xargs clang-format -i

system: ## install the system packages that are missing (apt; sudo only when needed)
	@scripts/install_system_packages.sh scripts/apt-packages.txt

# The virtual environment with the pinned dependencies. torch goes first, so that TORCH_INDEX decides its build.
venv: $(VENV)/.installed ## the virtual environment with pinned dependencies
$(VENV)/.installed: pyproject.toml constraints.txt | system
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet -c constraints.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch
	$(PIP) install --quiet -c constraints.txt -e '.[dev,benchmark]'
	@touch $@

build: $(STREAM) ## the C++ runtime, against OpenVINO from the virtual environment
$(STREAM): $(VENV)/.installed $(CPP_SOURCES)
	cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPython3_EXECUTABLE=$(CURDIR)/$(VENV)/bin/python
	cmake --build $(BUILD)
	@touch $@

# A minute of the synthetic source: memory, open files and latency must stay flat, nothing may be lost uncounted.
soak-short: $(STREAM) ## a minute of the synthetic source: nothing may grow
	$(STREAM) tests/golden/tiny.fcne --source test:640x480 --seconds 60 --soak --report $(BUILD)/soak.json
	$(VENV)/bin/python scripts/check_soak.py $(BUILD)/soak.json

# The C++ tests under AddressSanitizer with UBSan, then under ThreadSanitizer. LibTorch is left out: it is not compiled
# for sanitizers, and no unit test uses it. The NVIDIA engine's tests run on their stand-in. Files are compiled in
# bunches, in a fifth of the time; two of one bunch may not use one name in their unnamed namespaces.
SANITIZER_FLAGS := -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG='-O1 -g1' -DFCN_EDGE_LIBTORCH=OFF \
	-DFCN_EDGE_BUILD_EXAMPLES=OFF -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=16

sanitize: $(VENV)/.installed ## the C++ tests under ASan+UBSan, then TSan
	cmake -S . -B $(BUILD)/asan $(SANITIZER_FLAGS) -DFCN_EDGE_SANITIZE=address,undefined -DFCN_EDGE_FUZZ=ON
	cmake --build $(BUILD)/asan
	ctest --test-dir $(BUILD)/asan --output-on-failure
	cmake -S . -B $(BUILD)/tsan $(SANITIZER_FLAGS) -DFCN_EDGE_SANITIZE=thread
	cmake --build $(BUILD)/tsan
	ctest --test-dir $(BUILD)/tsan --output-on-failure

# Every fuzz target for some seconds, under AddressSanitizer and UBSan; scripts/fuzz.sh 600 goes on for longer.
fuzz-short: $(VENV)/.installed ## every fuzz target for some seconds
	scripts/fuzz.sh 5 $(BUILD)

# clang-tidy with the rules of .clang-tidy over every C++ file that is compiled.
tidy: $(STREAM) ## clang-tidy over every C++ file
	scripts/tidy.sh $(BUILD)

clean: ## remove build, virtual environment and out
	rm -rf $(BUILD) $(VENV) out
