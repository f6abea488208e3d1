# Two commands on a fresh machine: `make demo` runs the main job, `make test` runs every check.
# Each makes .venv where it is missing. FAISS=gpu takes faiss-gpu (CUDA 12) instead of faiss-cpu.

PYTHON ?= python3
FAISS  ?= cpu
BIN    := .venv/bin
DEMO   := demo

.PHONY: demo test lint types unit format clean
.DELETE_ON_ERROR:

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[$(FAISS),dev]"
	@touch $@

demo: .venv/installed
	@rm -rf $(DEMO)
	$(BIN)/msclip-search simulate $(DEMO)/tiles --count 200 --place 11.6,48.2 --series 2 --event flood --seed 7 --sheet $(DEMO)/sheet.png
	$(BIN)/msclip-search index $(DEMO)/tiles --labels $(DEMO)/tiles/tiles.csv --index $(DEMO)/index
	$(BIN)/msclip-search query "flooded farmland" "conifer forest" "open-pit mine" "houses with gardens" "a lake" \
	    --top-k 5 --index $(DEMO)/index --gallery $(DEMO)/gallery.html
	@echo "The model is s2-nano, small, bundled, and learnt mostly from simulated tiles like these: real ones are harder."
	@echo "Look at $(DEMO)/gallery.html and $(DEMO)/sheet.png."
	@echo "With tiles of your own: $(BIN)/msclip-search index TILES, then $(BIN)/msclip-search query TEXT."

test: lint types unit

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed
	$(BIN)/mypy

unit: .venv/installed
	$(BIN)/python -m pytest

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv build dist demo *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
