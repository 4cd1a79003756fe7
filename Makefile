# A thin front of the CMake presets (CMakePresets.json). `make` builds the programs; `make help` lists the rest.
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 20
PROGRAMS := main finetune server patina

# A build folder keeps the generator that it was first configured with.
generator = $(if $(wildcard build/$1/CMakeCache.txt),,$(if $(shell command -v ninja),,-G "Unix Makefiles"))
configure = cmake --preset $1 $(call generator,$1) --log-level=NOTICE
build = cmake --build build/$1 --parallel $(JOBS)
# No test hangs the whole: one that takes ten minutes has failed.
ctest = ctest --timeout 600 --test-dir build/$1 --output-on-failure --parallel $(JOBS)
# ctest keeps to itself why a test was skipped.
tell_skipped = sed -n 's/^skipped: /A test was skipped: /p' build/$1/Testing/Temporary/LastTest.log

.PHONY: all help deps deps-test deps-fuzz tools test lint format asan tsan fuzz test-gemma test-oracles demo install clean

all: tools  ## Build ./main, ./finetune, ./server and ./patina (all one program)
	@$(call configure,release)
	@$(call build,release)
	@for program in $(PROGRAMS); do ln -sfn build/release/apps/patina $$program; done

help:  ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

deps:  ## Install the packages that the build needs (Debian, Ubuntu)
	@scripts/deps.sh build

deps-test:  ## Install the packages that the tests and the lint step need as well
	@scripts/deps.sh build test

deps-fuzz:
	@scripts/deps.sh build fuzz

tools:
	@scripts/check_tools.sh cmake $(CXX)

test: deps-test  ## Install what is missing, build, lint, run every test
	@$(call configure,test)
	@$(call build,test)
	@scripts/lint.sh build/test
	@$(call ctest,test)
	@$(call tell_skipped,test)

lint: deps-test  ## Run the checks that run no code: format, include direction, file length, clang-tidy with its analyzer
	@$(call configure,test)
	@scripts/lint.sh build/test --analyze

format:  ## Format every C++ file
	@scripts/sources.sh | xargs clang-format-19 -i

asan tsan: deps-test  ## Build with the sanitizers (ASan and UBSan, or TSan) and run the tests
	@$(call configure,$@)
	@$(call build,$@)
	@$(call ctest,$@)

fuzz: deps-fuzz  ## Run each fuzzer for FUZZ_SECONDS (20)
	@$(call configure,fuzz)
	@$(call build,fuzz)
	@scripts/fuzz.sh build/fuzz/fuzz $(FUZZ_SECONDS)

test-gemma: deps-test  ## Fetch Gemma 3 270M and test with it
	@scripts/test_gemma.sh

test-oracles: deps-test  ## Fetch the outside packages, regenerate the golden figures and compare
	@scripts/test_oracles.sh

demo: deps  ## Show the whole job: fine-tune, generate, serve (MODEL=gemma for Gemma 3 270M)
	@$(MAKE) --no-print-directory all
	@scripts/demo.sh $(MODEL)

install: all  ## Install the program patina below PREFIX (/usr/local)
	@cmake --install build/release --prefix $(PREFIX)

clean:  ## Delete what was built
	rm -rf build $(PROGRAMS)
