# Needs GNU make and Python >= 3.11, nothing else: every target first makes .venv and installs the project
# into it. pip's own settings (PIP_INDEX_URL, PIP_CONSTRAINT, pip.conf …) are honoured.
#
#   make run                                the sample video and its four questions
#   make run VIDEO=talk.mp4 QUESTION='…'    your own video; results in out/
#   make test                               every test          make test ARGS='tests/video -m "not slow"'
#   make check                              lint, format, types
#   make build                              dist/*.whl
#   make test-lowest                        the suite on the oldest dependencies that are declared
#   make test-consumers                     our adapters inside vLLM and SGLang (about 10 GB each; no GPU needed)
#   make peers                              the libraries that speed is compared with, in an environment of their own
#   make test-lmms-eval                     our frame sampler inside lmms-eval, which wants an older PyAV
#   make clean                              remove whatever was built

SHELL := /bin/sh
.SUFFIXES:
.PHONY: run test check build test-lowest test-consumers test-lmms-eval peers clean

EXTRAS ?= dev,demo,eval,torchcodec,asr-fast,asr-offline,openai,qwen,train,ray,library
VENV := .venv
LOWEST := .venv-lowest
# each pins its own torch and transformers, so each has an environment of its own
VLLM := .venv-vllm
SGLANG := .venv-sglang
PEERS := .venv-peers
# a layer over .venv: what lmms-eval pins comes first, everything else is shared (0.4 GB, not 6)
LMMS_EVAL := .venv-lmms-eval
PIP_INSTALL := -m pip install --disable-pip-version-check

# the first of these that is new enough; `make PYTHON=/path/to/python` chooses another
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

# taken as written: a $, a quote or a space in a path or question means itself
override VIDEO := $(value VIDEO)
override QUESTION := $(value QUESTION)
export VIDEO QUESTION

run: $(VENV)/installed
	@if [ -z "$$VIDEO$$QUESTION" ]; then \
	  exec $(VENV)/bin/python -m clamr_select.eval.sample.run; \
	elif [ -z "$$VIDEO" ] || [ -z "$$QUESTION" ]; then \
	  echo "make run: give both VIDEO=… and QUESTION=…, or neither for the sample" >&2; exit 2; \
	else \
	  exec $(VENV)/bin/clamr-select select --output out -- "$$VIDEO" "$$QUESTION"; \
	fi

# tiny models gain nothing from more threads, and many cores spinning cost a lot
test: export OMP_NUM_THREADS ?= 1
test: $(VENV)/installed
	$(VENV)/bin/python -m pytest $(ARGS)

# mypy does not see through setuptools' editable finder, so the folders that are installed as
# sub-packages are joined to the package by symlinks
check: $(VENV)/installed
	$(VENV)/bin/python -m ruff check .
	$(VENV)/bin/python -m ruff format --check .
	rm -rf .typecheck
	mkdir -p .typecheck/clamr_select
	cd .typecheck/clamr_select && ln -s ../../clamr_select/* $(addprefix ../../,$(wildcard eval integrations demo)) .
	cd .typecheck && "$(CURDIR)/$(VENV)/bin/python" -m mypy --config-file ../pyproject.toml --cache-dir ../.mypy_cache -p clamr_select

# from an empty build/: setuptools would put what an older build left there into the wheel
build: $(VENV)/installed
	rm -rf build dist
	$(VENV)/bin/python -m build --wheel --no-isolation

test-lowest: export OMP_NUM_THREADS ?= 1
test-lowest: $(LOWEST)/installed
	$(LOWEST)/bin/python -m pytest $(ARGS)

test-consumers: export OMP_NUM_THREADS ?= 1
test-consumers: $(VLLM)/installed $(SGLANG)/installed
	$(VLLM)/bin/python -m pytest tests/integrations --ignore tests/integrations/test_qwen.py $(ARGS)
	$(SGLANG)/bin/python -m pytest tests/integrations --ignore tests/integrations/test_qwen.py $(ARGS)

# what `clamr-select eval speed cpu --peers .venv-peers/bin/python` compares with
peers: $(PEERS)/installed
$(PEERS)/installed: eval/speed/peers/requirements.txt
	"$(PYTHON)" -m venv --clear $(@D)
	$(@D)/bin/python $(PIP_INSTALL) --requirement $<
	touch $@

test-lmms-eval: export OMP_NUM_THREADS ?= 1
test-lmms-eval: $(LMMS_EVAL)/installed
	$(LMMS_EVAL)/bin/python -m pytest tests/integrations/lmms_eval tests/eval/longvideo $(ARGS)

clean:
	rm -rf $(PEERS) $(VENV) $(LOWEST) $(VLLM) $(SGLANG) $(LMMS_EVAL) .typecheck build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/installed $(LOWEST)/installed: pyproject.toml
	@[ -n "$(PYTHON)" ] || { echo "no Python >= 3.11 found; install one, or: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is not Python >= 3.11" >&2; exit 1; }
	$(@D)/bin/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear $(@D)
	$(@D)/bin/python $(PIP_INSTALL) $(if $(filter $(LOWEST)/%,$@),--constraint tests/lowest.txt) --editable '.[$(EXTRAS)]'
	@touch $@
$(LOWEST)/installed: tests/lowest.txt

$(LMMS_EVAL)/installed: $(VENV)/installed
	$(VENV)/bin/python -m venv --clear $(LMMS_EVAL)
	$(LMMS_EVAL)/bin/python -c 'import sysconfig; print("import site; site.addsitedir(\"$(CURDIR)/%s\")" % \
	  sysconfig.get_path("purelib").split("$(LMMS_EVAL)/")[1].join(["$(VENV)/", ""]))' \
	  > "$$($(LMMS_EVAL)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/shared.pth"
	$(LMMS_EVAL)/bin/python $(PIP_INSTALL) --editable '.[lmms-eval]'
	@touch $@

$(VLLM)/installed $(SGLANG)/installed: pyproject.toml tests/consumers.txt
	@[ -n "$(PYTHON)" ] || { echo "no Python >= 3.11 found; install one, or: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(@D)/bin/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear $(@D)
	$(@D)/bin/python $(PIP_INSTALL) --constraint tests/consumers.txt --editable . pytest $(@D:.venv-%=%)
	@touch $@
