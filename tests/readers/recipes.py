"""Runs the recipes of the guide's notebooks on turns.parquet of a folder: recipes.py FILES. FILES has report.json, too."""

import contextlib
import io
import json
import os
import pathlib
import re
import sys

guide = pathlib.Path(__file__).parents[2] / "src/guide/traces.md"
recipes = [block for block in re.findall(r"```python\n(.*?)```", guide.read_text(), re.S) if "turns.parquet" in block]
os.chdir(sys.argv[1])
report = json.loads(pathlib.Path("report.json").read_text())
answer_ms = report["hops"]["answer"]["mean_ms"]


def check(holds, what):
    if not holds:
        sys.exit(f"not so: {what}")


check([recipe.split()[1] for recipe in recipes] == ["duckdb", "pandas"], "a recipe with DuckDB and one with pandas")
for recipe in recipes:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(recipe, {})
    numbers = [float(number) for number in re.findall(r"\d+\.\d+", out.getvalue())]
    near = any(abs(number - answer_ms) < 0.06 for number in numbers)
    check(near, f"the mean of answer, {answer_ms} ms, is in what this prints:\n{recipe}\n{out.getvalue()}")
print("the guide's recipes for DuckDB and pandas: as reported")
