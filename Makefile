# Everything from a fresh Debian/Ubuntu clone. Each target says what it does and is safe to repeat.
#   make demo    the whole line in minutes: out/demo/report.html, the bundles, an overlay clip
#   make test    all tests: Python and C++
#   make lint    ruff, mypy, clang-format
#   make sanitize, fuzz-short, soak-short, tidy    the C++ runtime under stress
# PYTHON=python3.12 chooses an interpreter (3.10 to 3.13); TORCH_INDEX=URL an index with CPU-only torch wheels.

PYTHON ?= python3
TORCH_INDEX ?=
VENV := .venv
BUILD := build
STREAM := $(BUILD)/fcn-edge-stream
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check
CPP_SOURCES := CMakeLists.txt $(shell find cpp_runtime -type f 2>/dev/null)

.PHONY: demo test pytest ctest lint format system venv build clean soak-short sanitize fuzz-short tidy

demo: $(STREAM)
	$(VENV)/bin/fcn-edge demo --out out/demo

test: pytest ctest

# In groups, each in processes of its own: one that has loaded every engine, TensorRT-RTX among them, and has run for
# minutes is now and then ended by the kernel on its return from a system call. A worker that dies ends its group:
# xdist would wait for it for ever.
PYTEST = OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -q -n 2 --dist loadfile --max-worker-restart 0
STREAM_TESTS = tests/backends/test_torchscript_stream.py
NETWORK_TESTS = tests/models tests/network tests/quantize tests/surgery tests/train
pytest: $(STREAM)
	$(PYTEST) tests/backends --ignore $(STREAM_TESTS)
	$(PYTEST) $(NETWORK_TESTS)
	$(PYTEST) tests --ignore tests/backends $(NETWORK_TESTS:%=--ignore %) --ignore tests/runtime
	$(PYTEST) tests/runtime $(STREAM_TESTS)

ctest: $(STREAM)
	ctest --test-dir $(BUILD) --output-on-failure

lint: $(VENV)/.installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(if $(shell command -v clang-format),find cpp_runtime -name '*.[ch]pp' | xargs clang-format --dry-run --Werror,@echo 'clang-format is not installed: C++ layout not checked')

format: $(VENV)/.installed
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	find cpp_runtime -name '*.[ch]pp' | xargs clang-format -i

# System packages of the C++ runtime that are missing (apt; sudo only when needed).
system:
	@scripts/install_system_packages.sh scripts/apt-packages.txt

# The virtual environment with the pinned dependencies. torch goes first, so that TORCH_INDEX decides its build.
venv: $(VENV)/.installed
$(VENV)/.installed: pyproject.toml constraints.txt | system
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet -c constraints.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) torch
	$(PIP) install --quiet -c constraints.txt -e '.[dev,benchmark]'
	@touch $@

# The C++ runtime, against OpenVINO from the virtual environment.
build: $(STREAM)
$(STREAM): $(VENV)/.installed $(CPP_SOURCES)
	cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPython3_EXECUTABLE=$(CURDIR)/$(VENV)/bin/python
	cmake --build $(BUILD)
	@touch $@

# A minute of the synthetic source: memory, open files and latency must stay flat, nothing may be lost uncounted.
soak-short: $(STREAM)
	$(STREAM) tests/golden/tiny.fcne --source test:640x480 --seconds 60 --soak --report $(BUILD)/soak.json
	$(VENV)/bin/python scripts/check_soak.py $(BUILD)/soak.json

# The C++ tests under AddressSanitizer with UBSan, then under ThreadSanitizer. LibTorch is left out: it is not compiled
# for sanitizers, and no unit test uses it. The NVIDIA engine's tests run on their stand-in. Files are compiled in
# bunches, in a fifth of the time; two of one bunch may not use one name in their unnamed namespaces.
SANITIZER_FLAGS := -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG='-O1 -g1' -DFCN_EDGE_LIBTORCH=OFF \
	-DFCN_EDGE_BUILD_EXAMPLES=OFF -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=16

sanitize: $(VENV)/.installed
	cmake -S . -B $(BUILD)/asan $(SANITIZER_FLAGS) -DFCN_EDGE_SANITIZE=address,undefined -DFCN_EDGE_FUZZ=ON
	cmake --build $(BUILD)/asan
	ctest --test-dir $(BUILD)/asan --output-on-failure
	cmake -S . -B $(BUILD)/tsan $(SANITIZER_FLAGS) -DFCN_EDGE_SANITIZE=thread
	cmake --build $(BUILD)/tsan
	ctest --test-dir $(BUILD)/tsan --output-on-failure

# Every fuzz target for some seconds, under AddressSanitizer and UBSan; scripts/fuzz.sh 600 goes on for longer.
fuzz-short: $(VENV)/.installed
	scripts/fuzz.sh 5 $(BUILD)

# clang-tidy with the rules of .clang-tidy over every C++ file that is compiled.
tidy: $(STREAM)
	scripts/tidy.sh $(BUILD)

clean:
	rm -rf $(BUILD) $(VENV) out
