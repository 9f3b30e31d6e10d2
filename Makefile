# Every task of the repository. All except fresh write only into .venv and build/ (demo also vary-demo.png, example
# cats_and_dogs.png), and need no root.
#   make demo [DATA=folder]   see it at work, on your own pictures if you name a folder of them
#   make example [DATA=folder] [BACKEND=jax|torch|tensorflow] [EPOCHS=10]   train a small network with Keras
#   make test                 what CI runs: lint, types, cpp, fuzz, and pytest over tests/
#   make lint | types | cpp | tsan | fuzz [SECONDS=600] | torture [ROUNDS=100] | mutate [FILES=lower] | test-core | test-frameworks | test-keras | package | fresh | bench | bench-report | format | lock | clean

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
export PATH := $(abspath $(BIN)):$(PATH)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements/lock.txt
PYTEST := $(BIN)/python -m pytest
# By several processes, each of which takes whole files. They have to agree on the names of tests, which contain sets.
TESTERS ?= 2
ALL_TESTS = PYTHONHASHSEED=0 $(PYTEST) -n $(TESTERS) --dist loadfile
JOBS ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu)
WERROR := $(if $(CI),ON,OFF)
COMPILES := a minute or two on 2 cores
TESTS := about 10 minutes on 2 cores
override DATA := $(DATA:~/%=$(HOME)/%)

CPP := $(wildcard native/*.cc native/ops/*.cc native/kernels/*.cc native/tests/*.cc native/fuzz/*.cc)
HEADERS := $(wildcard native/*.h native/ops/*.h native/kernels/*.h native/tests/*.h native/fuzz/*.h)
BUILD_FILES := pyproject.toml CMakeLists.txt README.md LICENSE

.PHONY: help framework-packages demo example example-backend demo-data test test-time install lint tidy types cpp release tsan emulated fuzz instructions torture mutate test-core test-docs test-frameworks test-keras package fresh bench bench-report format lock clean
help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -6

# ---- environments -----------------------------------------------------------------------------------------------

# Checked before anything is built, so that the first thing said is the command that helps.
$(STAMPS)/system:
	@PYTHON="$(PYTHON)" CXX="$(CXX)" tools/system.sh
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(@D) && touch $@

$(STAMPS)/build-tools: $(STAMPS)/system requirements/lock.txt
	$(PIP) scikit-build-core nanobind cmake ninja
	@touch $@

# An editable install: changes of Python files take effect at once, changed C++ is compiled (in build/python) by this rule.
# --config-settings is spelt out because pip 23.0 of Debian 12 does not know -C.
$(STAMPS)/vary: $(STAMPS)/build-tools $(filter-out native/tests/% native/fuzz/%,$(CPP) $(HEADERS)) $(BUILD_FILES)
	@echo "Compiling vary's C++ core: $(COMPILES), the first time."
	$(PIP) --no-build-isolation --config-settings=build-dir=build/python \
	  --config-settings=cmake.define.VARY_WERROR=$(WERROR) -e .
	@touch $@

# scikit-image, only for its sample pictures; it is not imported. They are the same in every wheel, so one for Python 3.13
# is used: the newest Pythons may have no wheel, and compiling takes long.
$(STAMPS)/samples: $(STAMPS)/build-tools
	$(PIP) --target $(VENV)/samples --upgrade --no-deps --only-binary=:all: --python-version 3.13 scikit-image
	@touch $@

$(STAMPS)/test-tools: $(STAMPS)/build-tools pyproject.toml requirements/lock.txt
	$(PIP) $$($(BIN)/python tools/requirements.py test dev)
	@for one in $$($(BIN)/python tools/requirements.py oracles); do \
	  $(PIP) --only-binary=:all: "$$one" || echo "No wheel of $$one for this Python: tests that compare with it will be skipped."; \
	done
	@touch $@

# Frameworks have separate environments, with their own versions of packages, which use the same build of vary as .venv:
# build/frameworks has all of them (torchvision without its needs, which ask for a torch with CUDA), for tests, and build/example-jax (-torch, -tensorflow) what the example needs.
FRAMEWORKS := build/frameworks
OLD_KERAS := 3.0.5 3.3.3 3.6.0 3.9.2
OF_FRAMEWORKS := --run example jax torch tensorflow ray frameworks
.PRECIOUS: build/%/packages
build/%/packages: $(STAMPS)/system pyproject.toml requirements/frameworks.txt
	$(PYTHON) -m venv --clear $(@D)
	$(PYTHON) tools/requirements.py $(if $(filter frameworks,$*),$(OF_FRAMEWORKS),--run example $(*:example-%=%)) > $(@D)/requirements.txt
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -c requirements/frameworks.txt -r $(@D)/requirements.txt
	$(if $(filter frameworks,$*),$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -c requirements/frameworks.txt --no-deps torchvision)
	@touch $@

# An environment and each old version of Keras have the build of vary that .venv has.
build/%/vary: build/%/packages $(STAMPS)/vary
	rm -rf $(@D)/wheel
	$(BIN)/python -c 'import sys, scikit_build_core.build as build; build.build_editable(sys.argv[1], \
	  {"build-dir": "build/python", "cmake.define.VARY_WERROR": "$(WERROR)"})' $(@D)/wheel >/dev/null
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall $(@D)/wheel/*.whl
	@touch $@

# What takes long to download, apart from what is compiled.
framework-packages: $(FRAMEWORKS)/packages build/keras/$(firstword $(OLD_KERAS))/packages

# Versions of Keras that use a PyDataset each in another way. Their JAX has wheels up to Python 3.13.
.PRECIOUS: build/keras/%/packages
build/keras/%/packages: $(STAMPS)/system
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check keras==$* jax==0.4.34 jaxlib==0.4.34 packaging \
	  $$($(PYTHON) tools/requirements.py --run)
	@touch $@

# A libjpeg-turbo that is newer than most systems', for tests. Its wheel contains no Python, so any Python version will do.
NEWEST_JPEG := comma-deps-libjpeg==3.1.0.post92
$(STAMPS)/jpeg: $(STAMPS)/build-tools
	@$(PIP) --no-deps --ignore-requires-python $(NEWEST_JPEG) || $(if $(CI),false,\
	  echo "$(NEWEST_JPEG) cannot be installed here: tests use only the system's libjpeg-turbo.")
	@touch $@

install: $(STAMPS)/vary

# ---- use --------------------------------------------------------------------------------------------------------

demo: demo-data $(STAMPS)/vary $(if $(DATA),,$(STAMPS)/samples)
	PYTHONPATH=$(VENV)/samples $(BIN)/vary demo $(if $(DATA),"$(DATA)")

# The environment of the tests is used if it exists, because frameworks are large.
BACKENDS := jax torch tensorflow
BACKEND ?= jax
TRAINER = $(if $(wildcard $(FRAMEWORKS)/vary),$(FRAMEWORKS),build/example-$(BACKEND))
example: demo-data example-backend $(STAMPS)/vary $(TRAINER)/vary $(if $(DATA),,$(STAMPS)/samples)
	KERAS_BACKEND=$(BACKEND) PYTHONPATH=$(VENV)/samples $(TRAINER)/bin/python examples/cats_and_dogs.py \
	  $(if $(DATA),--data "$(DATA)") $(EPOCHS:%=--epochs %)

example-backend:
	@[[ " $(BACKENDS) " = *" $(BACKEND) "* ]] || { echo "BACKEND=$(BACKEND) is not one of: $(BACKENDS)"; exit 1; }
	@[[ -e $(TRAINER)/vary ]] || echo "The first time, this downloads Keras and $(BACKEND), which may be several 100 MB."

# Before minutes of compiling: an error if DATA is not a folder, and a message that compiling takes minutes.
demo-data:
	@[[ -z "$(DATA)" || -d "$(DATA)" ]] || { echo "DATA=$(DATA) is not a folder; give a folder of pictures, or one with a sub-folder for each class"; exit 1; }
	@[[ -e $(STAMPS)/vary ]] || echo "The first time, this downloads build tools and compiles vary's C++ core: $(COMPILES)."

bench: $(STAMPS)/vary $(STAMPS)/test-tools
	$(BIN)/python -m benchmarks $(ARGS)

bench-report: $(STAMPS)/vary $(STAMPS)/test-tools
	$(BIN)/python -m benchmarks.report

# ---- checks -----------------------------------------------------------------------------------------------------

# pytest comes last, so that its closing line sums up. The torture, which watches all processes and shared memory, is alone.
# Frameworks need several GB, so only CI downloads them here; elsewhere their tests are skipped with a message.
test: test-time $(STAMPS)/vary $(STAMPS)/test-tools $(if $(CI)$(wildcard $(FRAMEWORKS)/vary),$(FRAMEWORKS)/vary) \
  $(if $(CI),build/keras/$(firstword $(OLD_KERAS))/vary)
	@$(MAKE) lint
	@$(MAKE) types
	@$(MAKE) cpp
	@$(MAKE) fuzz
	@$(MAKE) instructions
	$(PYTEST) tests/torture
	$(ALL_TESTS) --ignore=tests/torture

test-time:
	@echo "The tests of CI: $(TESTS), and a few more the first time, to compile."
	@[[ -n "$(CI)" || -e $(FRAMEWORKS)/vary ]] || echo "Without the frameworks: make test-frameworks downloads them, several GB."

test-core: $(STAMPS)/vary $(STAMPS)/test-tools
	$(PYTEST) tests/torture
	$(ALL_TESTS) --ignore=tests/docs --ignore=tests/frameworks --ignore=tests/torture

test-docs: $(STAMPS)/vary $(STAMPS)/test-tools
	$(PYTEST) tests/docs

test-frameworks: $(STAMPS)/vary $(STAMPS)/test-tools $(FRAMEWORKS)/vary
	$(PYTEST) tests/frameworks

test-keras: $(STAMPS)/test-tools $(OLD_KERAS:%=build/keras/%/vary)
	VARY_REQUIRE=old-keras $(PYTEST) tests/frameworks -k old_versions

lint: $(STAMPS)/test-tools
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/clang-format --dry-run -Werror $(CPP) $(HEADERS)
	@$(MAKE) tidy

types: $(STAMPS)/vary $(STAMPS)/test-tools
	$(BIN)/mypy

# Instruction sets share their source, so clang-tidy reads the kernels for one of them only.
TIDY := build/tidy
TIDIED := $(CPP:%=$(TIDY)/%.ok)
tidy: $(STAMPS)/test-tools
	@cmake -S . -B $(TIDY) -G Ninja -DVARY_TESTS=ON -DVARY_TARGETS=$(if $(filter x86_64 amd64,$(shell uname -m)),v3,base) \
	  -DPython_EXECUTABLE=$(abspath $(BIN)/python) >/dev/null
	@$(MAKE) -k -j$(JOBS) $(TIDIED)

$(TIDY)/%.ok: % $(HEADERS) .clang-tidy CMakeLists.txt requirements/lock.txt
	$(BIN)/clang-tidy --quiet -p $(TIDY) $<
	@mkdir -p $(@D) && touch $@

# Tests of files use two versions of libjpeg-turbo: the system's and, if it was installed, NEWEST_JPEG.
NEWEST = $(patsubst %/lib/libjpeg.a,%,$(wildcard $(VENV)/lib/python*/site-packages/libjpeg/install/lib/libjpeg.a))
CMAKE_TESTS = cmake -S . -G Ninja -DVARY_PYTHON=OFF -DVARY_TESTS=ON -DVARY_WERROR=$(WERROR) \
  -DVARY_NEWEST_JPEG=$(abspath $(NEWEST))
cpp: $(STAMPS)/build-tools $(STAMPS)/jpeg
	@$(CMAKE_TESTS) -B build/sanitize -DVARY_SANITIZE=address,undefined >/dev/null
	cmake --build build/sanitize --parallel $(JOBS)
	ctest --test-dir build/sanitize --parallel $(JOBS) --output-on-failure --no-tests=error
	@$(MAKE) release tsan
	$(if $(EMULATOR),@$(MAKE) emulated,@echo "No qemu-x86_64 or no x86-64 machine: hashes on other processors not checked.")

# The tests of JPEG files as a release build: libjpeg-turbo's vector code has no sanitizer, and its writes beyond a buffer
# end such a program.
FILE_TESTS := jpeg frames planes damage
release: $(STAMPS)/build-tools $(STAMPS)/jpeg
	@$(CMAKE_TESTS) -B build/release >/dev/null
	cmake --build build/release --target $(FILE_TESTS:%=test_%) --parallel $(JOBS)
	ctest --test-dir build/release --parallel $(JOBS) --output-on-failure --no-tests=error -R "^test_($$(echo $(FILE_TESTS) | tr ' ' '|'))$$"

# The tests of what threads share, under the thread sanitizer: on one instruction set, because all have one source.
# Versions of the sanitizer need memory in the same place in each run; setarch asks for that where the system allows it.
RACED := threads pool shared execute
FIXED := $(shell setarch -R true 2>/dev/null && echo setarch -R)
tsan: $(STAMPS)/build-tools $(STAMPS)/jpeg
	@$(CMAKE_TESTS) -B build/tsan -DVARY_SANITIZE=thread -DVARY_TARGETS=$(if $(filter x86_64 amd64,$(shell uname -m)),v2,base) >/dev/null
	cmake --build build/tsan --target $(RACED:%=test_%) --parallel $(JOBS)
	$(FIXED) ctest --test-dir build/tsan --output-on-failure --no-tests=error -R "^test_($$(echo $(RACED) | tr ' ' '|'))$$"

# Random programs, damaged files and damaged cache blocks, for SECONDS in all: with sanitizers, and as a release build with
# guard pages. Cases are numbered, from FIRST on; a failure prints the command that repeats it.
SECONDS ?= 60
FIRST ?= 1
FUZZERS = fuzz_programs fuzz_files $(if $(NEWEST),fuzz_files_newest)
fuzz: $(STAMPS)/build-tools $(STAMPS)/jpeg
	@$(CMAKE_TESTS) -B build/sanitize -DVARY_SANITIZE=address,undefined >/dev/null
	@$(CMAKE_TESTS) -B build/fuzz -DVARY_GUARD_PAGES=ON >/dev/null
	cmake --build build/sanitize --target $(FUZZERS) --parallel $(JOBS)
	cmake --build build/fuzz --target $(FUZZERS) --parallel $(JOBS)
	for program in $(foreach kind,sanitize fuzz,$(FUZZERS:%=build/$(kind)/%)); do \
	  $$program --seconds $$(($(SECONDS) / $$((2 * $(words $(FUZZERS)))))) --first $(FIRST) || exit 1; \
	done

# Trainers that are killed, stopped and interrupted, and disks that fail, at ROUNDS random moments for each scenario. A
# failure prints the command that plays the same round again; ONLY=kill-trainer plays one scenario.
ROUNDS ?= 100
torture: $(STAMPS)/vary $(STAMPS)/test-tools
	@[[ -n "$(ONLY)" || ! -e $(FRAMEWORKS)/vary ]] || PYTHONPATH=tests $(BIN)/python -m frameworks.killed 20
	PYTHONPATH=tests $(BIN)/python -m torture --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED)) $(ONLY:%=--only %)

# Changes of the files that compile policies, one at a time, each of which a test of tests/plan should notice. JOBS at once.
FILES ?= infer segment lower floats
MUTATE := build/mutate
$(MUTATE)/packages: $(STAMPS)/system requirements/lock.txt
	$(PYTHON) -m venv --clear $(MUTATE)/venv
	$(MUTATE)/venv/bin/python -m pip install --quiet --disable-pip-version-check -c requirements/lock.txt \
	  cosmic-ray==8.7.0 $$($(PYTHON) tools/requirements.py --run) pytest hypothesis
	@touch $@

mutate: $(MUTATE)/packages $(STAMPS)/vary
	JOBS=$(JOBS) nice -n 19 $(MUTATE)/venv/bin/python tools/mutate.py $(FILES)

# The stored hashes again on processors this machine may not have: older x86-64 ones and, given a cross-compiler, arm64.
EMULATOR := $(if $(filter x86_64,$(shell uname -m)),$(shell command -v qemu-x86_64))
ARM64 := $(and $(shell command -v qemu-aarch64),$(shell command -v aarch64-linux-gnu-g++))
emulated: $(STAMPS)/build-tools
	@cmake -S . -B build/release -G Ninja -DVARY_PYTHON=OFF -DVARY_TESTS=ON -DVARY_WERROR=$(WERROR) >/dev/null
	cmake --build build/release --target hashes --parallel $(JOBS)
	qemu-x86_64 -cpu Nehalem build/release/hashes --check native/tests/hashes.txt v2
	qemu-x86_64 -cpu Haswell build/release/hashes --check native/tests/hashes.txt v3
	$(if $(ARM64),@$(MAKE) build/release/hashes-arm64 && qemu-aarch64 build/release/hashes-arm64 --check native/tests/hashes.txt base)

build/release/hashes-arm64: $(filter-out native/tests/% native/bind% native/jpeg% native/fuzz/%,$(CPP)) native/tests/hashes.cc $(HEADERS)
	$(ARM64) -std=c++20 -O3 -ffp-contract=off -fno-math-errno -fno-trapping-math -static -Inative -DVARY_TARGET_NS=base \
	  -DVARY_HAVE_BASE -DVARY_WITHOUT_JPEG $(filter %.cc,$^) -o $@

# Instruction counts of the kernels against those stored: a guard that a busy machine does not disturb.
instructions: $(STAMPS)/build-tools
	@cmake -S . -B build/release -G Ninja -DVARY_PYTHON=OFF -DVARY_TESTS=ON -DVARY_WERROR=$(WERROR) >/dev/null
	cmake --build build/release --target kernel_driver --parallel $(JOBS)
	$(if $(shell command -v valgrind),$(BIN)/python -m benchmarks.instructions build/release/kernel_driver,@echo "No valgrind: instructions are not counted.")

# What users get: sdist, a wheel built from the sdist alone, and that wheel in a clean environment.
package: $(STAMPS)/test-tools
	rm -rf build/package
	$(BIN)/python -m build --outdir build/package
	$(BIN)/python -m venv build/package/venv
	build/package/venv/bin/python -m pip install --quiet --disable-pip-version-check -c requirements/lock.txt build/package/*.whl
	cd build/package && venv/bin/python -W error -c 'import vary, vary._native; print("the wheel imports as vary", vary.__version__)'
	build/package/venv/bin/vary --help >/dev/null

# README's commands in new, minimal Debian systems in build/fresh: needs root and debootstrap (see tools/fresh.sh).
SUITES ?= bookworm trixie
fresh:
	@for suite in $(SUITES); do PYTHON="$(PYTHON)" tools/fresh.sh $$suite $(STEPS); done

# ---- upkeep -----------------------------------------------------------------------------------------------------

format: $(STAMPS)/test-tools
	$(BIN)/ruff check --fix --exit-zero
	$(BIN)/ruff format
	$(BIN)/clang-format -i $(CPP) $(HEADERS)

# Newest versions of everything; run, test, then commit the file.
lock:
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --upgrade --disable-pip-version-check scikit-build-core nanobind cmake ninja \
	  $$($(PYTHON) tools/requirements.py --run test oracles dev)
	{ sed -n '/^#/p' requirements/lock.txt; build/lock/bin/python -m pip freeze | sed 's/$$/ ; python_version < "3.15"/'; } > build/lock/lock.txt
	mv build/lock/lock.txt requirements/lock.txt
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	{ $(PYTHON) tools/requirements.py $(OF_FRAMEWORKS); grep -oE '^torch(vision)?==[0-9.]*' requirements/frameworks.txt; } > build/lock/in.txt
	build/lock/bin/python -m pip install --quiet --upgrade --disable-pip-version-check -r build/lock/in.txt
	{ sed -n '/^#/p' requirements/frameworks.txt; build/lock/bin/python -m pip freeze | sed 's/+cpu$$//; s/$$/ ; python_version < "3.14"/'; } > build/lock/lock.txt
	mv build/lock/lock.txt requirements/frameworks.txt

clean:
	rm -rf build $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
