import ast

from tests.architecture.source import Function, functions_of, name_of, source_files

FUNCTION_LINES_MAX = 40  # CONTRIBUTING, room rules; the docstring is not counted
MODULE_LINES_MAX = 300


def lines_of(function: Function) -> int:
    first = function.body[0]
    total = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return total
    return total - ((first.end_lineno or 0) - first.lineno + 1)


def test_no_function_is_longer_than_forty_lines():
    lines = {
        f"{name_of(path)}: {function.name}": lines_of(function)
        for path in source_files()
        for function in functions_of(path)
    }
    assert {name: count for name, count in lines.items() if count > FUNCTION_LINES_MAX} == {}


def test_no_module_is_longer_than_three_hundred_lines():
    lines = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in source_files()}
    assert {name: count for name, count in lines.items() if count > MODULE_LINES_MAX} == {}
