# What the README names; .ci/run calls the same targets.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# Most tests wait for processes, so there may be more of them than cores; tests/conftest.py says how they share.
WORKERS ?= 4
SOURCES := $(shell git ls-files pytest_odfperf matrices deploy pyproject.toml README.md 2>/dev/null)

.PHONY: screenshots prometheus-tools demo ceph-witness ceph-aa demo-ceph chaos lies test test-lowest lint types contracts check clean system system-ceph system-tests

demo: $(VENV)/installed system ## boot real VMs on this machine, run fio in them, write a report
	$(BIN)/pytest --odf-parallel --odf-matrix demo

ceph-witness: $(VENV)/installed system-ceph ## fifty keys on a real Ceph, and the table of docs/storage-witness.md
	PYTHONPATH=tests/ceph/witness $(BIN)/pytest -p rest_between_keys --odf --odf-matrix tests/ceph/witness/matrix.yaml || test $$? -eq 1
	tools/witness-table results/latest

ceph-aa: $(VENV)/installed system-ceph ## a pool of a real Ceph twice, and one with a copy more: docs/comparing.md has what came out
	$(BIN)/pytest --odf --odf-matrix tests/ceph/same_pool_twice/matrix.yaml --odf-rounds 5 -o odf_setup=true

demo-ceph: $(VENV)/installed system-ceph ## pools of a real Ceph on this machine: made, measured in VMs, removed
	tools/demo-ceph $(BIN)

test: $(VENV)/tested system-tests prometheus-tools ## the whole test suite, on the built wheel
	tools/run-tests $(BIN)/python tests -n $(WORKERS) $(PYTEST_ARGS)

system:
	@tools/install-system-packages

system-ceph: system
	@tools/install-system-packages --ceph

system-tests:
	@tools/install-system-packages --tests

prometheus-tools: ## programs that read metrics.prom, for its tests
	@tools/install-prometheus-tools .tools

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || tools/install-system-packages
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/pip $(SOURCES)
	$(BIN)/pip install -q --force-reinstall --no-deps .
	$(BIN)/pip install -q '.[sandbox,report]'
	@touch $@

$(VENV)/tested: $(VENV)/installed
	$(BIN)/pip install -q '.[test]'
	@touch $@

$(VENV)/linted: $(VENV)/bin/pip pyproject.toml
	$(BIN)/pip install -q '.[test,lint]'
	@touch $@

chaos: $(VENV)/tested ## a long campaign of disturbed runs: make chaos CHAOS_ARGS="--seed 2 --rounds 200"
	PYTHONPATH=tests/chaos:tests/made $(BIN)/python -m campaign $(CHAOS_ARGS)

screenshots: $(VENV)/tested system-tests ## the pictures of README and docs, of a made run in Chromium
	$(BIN)/python tools/make-screenshots

lies: $(VENV)/tested ## lies and clean results, and docs/lies.md: make lies LIES_ARGS="--fio /opt/fio-3.39/bin/fio"
	PYTHONPATH=tests/lies:tests/made $(BIN)/python -m lies --write $(LIES_ARGS)

# What depends on versions. These do not: campaigns and figures, rights, the guest's script, what is wrong input,
# what a pool fails of. They run on the newest.
LOWEST = $(addprefix --ignore=tests/,ceph chaos fuzz bench lies browser sandbox/rights sandbox/guest/test_guest_script.py \
	$(addprefix plugin/,$(addprefix input/test_,docs.py wrong_input.py profile_faults.py original_bugs.py) \
	outputs/test_hostile_texts.py clusters/test_diagnosis.py clusters/test_guest_troubles.py \
	ends/test_kills.py ends/test_killed_sandbox.py))
test-lowest: system ## the suite without QEMU on the lowest supported versions
	$(MAKE) .venv-lowest/bin/pip VENV=.venv-lowest
	.venv-lowest/bin/pip install -q uv
	.venv-lowest/bin/uv pip install -q --python .venv-lowest/bin/python --resolution lowest-direct --reinstall-package pytest-odfperf '.[test]'
	tools/run-tests .venv-lowest/bin/python tests -n $(WORKERS) $(LOWEST) -m 'not qemu'

lint: $(VENV)/linted
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/linted
	$(BIN)/mypy

contracts: $(VENV)/linted
	$(BIN)/lint-imports

check: lint types contracts test

clean:
	rm -rf $(VENV) .venv-lowest .tools results .pytest_cache .mypy_cache .ruff_cache dist build
