import re

from tests.architecture.source import classes_of, functions_of, name_of, source_files

# Names that would fit anything.
SAYS_NOTHING = {
    *("utils", "util", "helpers", "helper", "common", "misc", "base", "core", "manager"),
    *("service", "handler", "processor", "data", "info", "item", "obj"),
}
ROLE_WITHOUT_MEANING = re.compile(r"(Manager|Service|Helper|Handler|Processor|Utils?)$")
THE_ONE_PROCESSOR = "backend/processor.py"


def test_a_module_is_named_for_what_lives_there():
    names = {
        name_of(path): path.parent.name if path.name == "__init__.py" else path.stem
        for path in source_files()
    }
    names.pop(THE_ONE_PROCESSOR, None)
    empty = {
        path for path, name in names.items() if name in SAYS_NOTHING or name.endswith("_service")
    }
    assert empty == set()


def test_a_class_is_named_for_what_it_is():
    empty = {
        f"{name_of(path)}: {node.name}"
        for path in source_files()
        if name_of(path) != THE_ONE_PROCESSOR
        for node in classes_of(path)
        if node.name.lower() in SAYS_NOTHING or ROLE_WITHOUT_MEANING.search(node.name)
    }
    assert empty == set()


def test_a_function_is_named_for_what_it_does():
    empty = {
        f"{name_of(path)}: {node.name}"
        for path in source_files()
        for node in functions_of(path)
        if node.name in {"process", "handle"} or node.name.startswith("do_")
    }
    assert empty == set()
