# Thin: each target says which tool does the work. `make` alone lists the targets.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format bench bench-commission bench-dsp bench-dsp-host bench-m4f bench-sealed emulated fuzz natmod natmod-all dist lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make .venv, install the lock and this checkout, build the C core (demo and test do this too)
	@command -v $(PYTHON) >/dev/null || { echo "set-up: no $(PYTHON) on the PATH. Install Python 3.11 or later (Debian: apt-get install python3 python3-venv python3-dev)." >&2; exit 1; }
	@$(PYTHON) tools/setup.py

demo: setup ## run the main job on a virtual node: make demo ARGS="--seconds 20 --json out.json"
	@$(BIN)/resonode demo $(ARGS)

test: setup ## run the tests: make test ARGS="tests/wire -k cobs"
	@$(BIN)/python -m pytest $(ARGS)

lint: setup ## check style and types: ruff, mypy (host and firmware), clang-format
	@$(BIN)/python tools/lint.py

format: setup ## rewrite Python and C sources in the project's style
	@$(BIN)/python tools/lint.py --fix

bench: setup ## measure the DSP core and the whole pipeline; results in build/bench/
	@$(BIN)/python c_dsp/bench/bench_host.py
	@$(BIN)/python -m resonode_hil.bench $(ARGS)

bench-dsp: setup ## count instructions on an emulated Cortex-M4F, against CMSIS-DSP and KISS FFT
	@$(BIN)/python -m c_dsp.bench.bench_m4f
	@$(BIN)/python -m c_dsp.bench.budget

bench-dsp-host: setup ## time the real FFT on this computer, against SciPy, NumPy, FFTW, KISS FFT and CMSIS-DSP
	@$(BIN)/python -m c_dsp.bench.bench_dsp_host

emulated: setup ## build MicroPython for an emulated Cortex-M4F and start it: make emulated ARGS=frozen
	@$(BIN)/python -m tools.emulated $(ARGS)

bench-m4f: setup ## measure the whole firmware on an emulated Cortex-M4F; result in build/bench/m4f.json
	@$(BIN)/python -m tools.emulated --build frozen $(if $(findstring --profile,$(ARGS)),profile)
	@$(BIN)/python -m resonode_hil.emulated.bench $(ARGS)

bench-commission: setup ## commission virtual nodes, one and a hundred; result in build/bench/commission.json
	@$(BIN)/python -m resonode_hil.bench_commission $(ARGS)

bench-sealed: setup ## measure what sealing costs on the link; result in build/bench/sealed.json
	@$(BIN)/python -m resonode_hil.bench_sealed $(ARGS)

fuzz: setup ## fuzz the DSP core with clang's libFuzzer and sanitizers: make fuzz ARGS=600 (seconds)
	@$(BIN)/python -m c_dsp.fuzz.run $(ARGS)

natmod: setup ## build the MicroPython native modules, dsp and crypto: make natmod ARCH=x64
	@$(BIN)/python c_dsp/natmod/build.py $(or $(ARCH),x64)
	@$(BIN)/python c_crypto/natmod/build.py $(or $(ARCH),x64)

natmod-all: setup ## build them for every architecture, and print their sizes
	@$(BIN)/python c_dsp/natmod/build.py --all
	@$(BIN)/python c_crypto/natmod/build.py --all

dist: setup ## build the wheel and the source distribution into dist/
	@$(BIN)/python -m build --no-isolation --outdir dist .

lock: ## resolve requirements/*.in into requirements/*.lock (ARGS=--upgrade for newer versions)
	@$(PYTHON) tools/lock.py $(ARGS)

clean: ## remove everything that set-up and builds made
	rm -rf .venv build dist *.egg-info host_sdk/*.egg-info hil/*.egg-info host_sdk/resonode/_dsp.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
