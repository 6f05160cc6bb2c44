# make serve   play the bundled drums     make mine   train on your own sounds and play them     make help   list all targets

PYTHON ?= python3
VENV   ?= .venv
ARGS   ?=

# The folder of sounds reaches the recipes through the environment. Its name may therefore contain quotes and dollar signs.
override DATA := $(value DATA)
export DATA

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# Install one build of ONNX Runtime, never both: the GPU build if an NVIDIA driver answers, else the CPU build.
RUNTIME ?= $(shell [ "$$(uname -sm)" = "Linux x86_64" ] && nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)

# A stamp file marks an installation. If pyproject.toml or constraints.txt is newer than the stamp, make installs again.
STAGE := $(VENV)/.installed-stage-$(RUNTIME)
LEARN := $(VENV)/.installed-learn-$(RUNTIME)
TRAIN := $(VENV)/.installed-train-$(RUNTIME)
ALL   := $(VENV)/.installed-all-$(RUNTIME)

comma  := ,
EXTRAS := $(RUNTIME)$(comma)offline$(comma)midi$(comma)link$(comma)plugins$(comma)train$(comma)docs$(comma)dev

.PHONY: help serve mine data train plugin test lint format docs coverage locked audit clean
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: $(STAGE) ## play the bundled drums: make serve ARGS="--port 9001"
	@mkdir -p runs
	@$(BIN)/realtime serve --model drums --midi any --library runs $(ARGS)

mine: $(LEARN) ## train on a folder of sounds, and play them meanwhile: make mine DATA=my-sounds
	@$(BIN)/trainer play "$$DATA" --midi any $(ARGS)

data:
	@[ -n "$$DATA" ] || { echo 'name your folder of sounds: make mine DATA=my-sounds' >&2; exit 1; }
	@folder=$$DATA; case $$folder in "~" | "~/"*) folder=$$HOME$${folder#"~"};; esac; \
	[ -d "$$folder" ] || { echo "no such folder: $$DATA; name your folder of sounds: make mine DATA=my-sounds" >&2; exit 1; }

train: $(TRAIN) ## train on a folder of sounds: make train ARGS="--data my-sounds"
	@$(BIN)/trainer fit $(ARGS)

plugin: ## build the plugins for DAWs and other plugin hosts into build/plugin; needs g++, patch and dpf-source
	@$(MAKE) --no-print-directory -C plugin

test: lint ## check style, types, import rules and licences, then run every test: make test ARGS="-k osc"
	$(BIN)/python -m pytest -n 2 --no-loadscope-reorder $(ARGS)

lint: $(ALL) ## check style, types, import rules and licences only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pip-licenses >/dev/null

format: $(ALL) ## fix what ruff can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

SITE := build/site

docs: $(ALL) ## write the generated pages, build the documentation site, and check its links
	$(BIN)/python -m realtime.cli.documents
	$(BIN)/python -m tools.reference
	$(BIN)/python -m max_patches.source
	$(BIN)/python -m sphinx -q -n -W --keep-going -c docs/site . $(SITE)
	@echo "site: $(SITE)/index.html"

coverage: $(ALL) ## run all tests, and show which lines they reach
	$(BIN)/coverage run -m pytest $(ARGS)
	$(BIN)/coverage report

locked: $(STAGE) ## install everything again, and check all files but torch's against the SHA-256 in locked.txt
	@[ $(RUNTIME) = cpu ] || { echo 'locked.txt has only the CPU build of ONNX Runtime: make locked RUNTIME=cpu' >&2; exit 1; }
	$(PIP) install --force-reinstall --no-deps --require-hashes -r locked.txt
	$(PIP) install -c constraints.txt -e ".[$(EXTRAS)]"

audit: $(ALL) ## look up known security advisories for the installed packages; needs a network and pipx
	pipx run pip-audit --path $(VENV)/lib/python3.*/site-packages

clean: ## remove the environment and the tools' caches
	@if [ -e $(VENV)/pyvenv.cfg ]; then rm -rf -- $(VENV); fi
	rm -rf build dist *.egg-info .coverage htmlcov .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# After `make test`, `make serve`, `make mine` and `make train` have nothing left to install.
$(STAGE): pyproject.toml constraints.txt
	@$(call install,$(RUNTIME),the packages for playing)
	@touch $@

# pip need not compile the modules, because Python compiles each module on its first import. To compile them all in advance
# would take longer than to unpack them.
$(LEARN): pyproject.toml constraints.txt | data
	@$(call install,$(RUNTIME)$(comma)offline$(comma)learn,the packages for make mine,--no-compile)
	@touch $(STAGE) $@

$(TRAIN): pyproject.toml constraints.txt
	@$(call install,$(RUNTIME)$(comma)offline$(comma)train,the packages for training,--no-compile)
	@touch $(STAGE) $(LEARN) $@

$(ALL): pyproject.toml constraints.txt
	@$(call install,$(EXTRAS),all packages (also for training and for the checks))
	@touch $(STAGE) $(LEARN) $(TRAIN) $@

# $(call install,extras,what,options of pip): install the extras into the environment, and name them `what` in the message. The
# environment is created again if it has the other build of ONNX Runtime.
define install
set -e; \
"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null \
	|| { echo "soundmorph needs Python 3.10 or newer as '$(PYTHON)'; name another: make PYTHON=python3.12 ..." >&2; exit 1; }; \
if [ -x $(BIN)/python ] && ! ls $(VENV)/.installed-*-$(RUNTIME) >/dev/null 2>&1 && ls $(VENV)/.installed-* >/dev/null 2>&1; then \
	echo "$(VENV) has the other build of ONNX Runtime: creating it again for '$(RUNTIME)'."; rm -rf -- $(VENV); fi; \
echo "Installing $(2) into $(VENV); this happens once, and takes some minutes ..."; \
if [ ! -x $(BIN)/python ]; then \
	"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Python's venv module is missing: sudo apt-get install python3-venv" >&2; exit 1; }; \
	"$(PYTHON)" -m venv $(VENV); fi; \
$(PIP) install $(3) -c constraints.txt -e ".[$(1)]"
endef
