"""What models have to tell is one record, whichever page it is of."""

import ast
from pathlib import Path

import app


def test_every_model_tells_by_the_same_record():
    homes = [
        path.relative_to(Path(app.__path__[0])).as_posix()
        for path in sorted(Path(app.__path__[0]).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and node.name == "Said"
    ]
    assert homes == ["said.py"]
