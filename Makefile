# Two commands for a newcomer: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test browser labelstudio doccano cluster lint check results folds bench costing clean

.venv/base: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) torch==2.13.0
	$(PIP) -e '.[html]'
	touch $@

.venv/dev: .venv/base
	$(PIP) -e '.[dev]'
	touch $@

demo: .venv/base  ## analyse the sample article: a table here, a page in build/
	mkdir -p build
	$(BIN)/stance analyze data/articles/sample.txt --html build/sample.html

test: .venv/dev  ## run the tests, notebooks among them
	$(BIN)/pytest
	$(BIN)/pytest --nbmake --nbmake-timeout=120 -o testpaths= notebooks

browser: .venv/dev  ## open the report in Chromium (apt-get install chromium)
	$(BIN)/pytest -m browser tests

.venv-labelstudio/bin/label-studio:
	$(PYTHON) -m venv .venv-labelstudio
	.venv-labelstudio/bin/pip install --quiet --disable-pip-version-check label-studio==1.23.2

labelstudio: .venv/dev .venv-labelstudio/bin/label-studio  ## our tasks through a real Label Studio and back
	LABEL_STUDIO=.venv-labelstudio/bin/label-studio $(BIN)/pytest -m labelstudio tests/labelstudio

.venv-doccano/bin/doccano:
	$(PYTHON) -m venv .venv-doccano
	.venv-doccano/bin/pip install --quiet --disable-pip-version-check doccano==1.8.4 'marshmallow<4' 'numpy<2' 'setuptools<81'

doccano: .venv/dev .venv-doccano/bin/doccano  ## our tasks through doccano's own import and export
	DOCCANO_PYTHON=.venv-doccano/bin/python $(BIN)/pytest -m doccano tests/doccano

.venv/cluster: .venv/dev
	$(PIP) -e '.[ray,spark]'
	touch $@

cluster: .venv/cluster  ## label on Ray and Spark on this machine (apt-get install default-jre-headless)
	$(BIN)/pytest -m cluster tests

lint: .venv/dev  ## style, types, direction of imports
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: test browser lint  ## what CI runs

results: .venv/dev  ## fill the figures of README and model card; DATA=FOLDER holds the public sets
	$(BIN)/python benchmarks/results.py --data $(DATA)

folds: .venv/dev  ## real passages that the model has not seen, by 5-fold; DATA, and the CHECKPOINT before the last stage
	$(BIN)/python benchmarks/folds.py --data $(DATA) --checkpoint $(CHECKPOINT)

bench: .venv/dev  ## speed beside transformers' pipelines and CrossEncoder: benchmarks/results.json and .svg
	$(PIP) -e '.[bench]'
	$(BIN)/python benchmarks/bench.py

costing:  ## fill docs/costing.md from the rates of `make bench`; PRICE of a core-hour, CORES at work
	$(PYTHON) benchmarks/costing.py $(if $(PRICE),--price $(PRICE)) $(if $(CORES),--cores $(CORES))

clean:
	rm -rf .venv .venv-labelstudio .venv-doccano build
