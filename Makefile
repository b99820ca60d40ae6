# make             release build into build/release/bin
# make quickstart  install what is missing, build, and serve the example graph once
# make test        every suite; the last line counts passed and failed
# make format      clang-format over the sources
.DEFAULT_GOAL := build
.PHONY: build quickstart test format tidy clean deps

JOBS ?= $(shell nproc)

deps:
	@tools/check_tools

build: deps
	@cmake --preset release -DOMNIGRAPH_UNITY=ON -DOMNIGRAPH_TESTS=OFF $(CMAKE_FLAGS) > /dev/null
	@cmake --build build/release -j $(JOBS)

quickstart: build
	@tools/quickstart

test: deps
	@tools/run_tests

format:
	@git ls-files '*.h' '*.cc' | xargs clang-format-19 -i

tidy:
	@cmake --preset release > /dev/null
	@git ls-files 'src/*.cc' | xargs -P $(JOBS) -n 4 clang-tidy-19 -p build/release --quiet

clean:
	@rm -rf build
