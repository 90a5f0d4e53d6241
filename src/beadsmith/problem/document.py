"""YAML files, read with suspicion and written with care.

PyYAML's safe loader builds no objects but shares aliased nodes, so a small file can stand for a huge document
(a "YAML bomb"), and it silently keeps the last of two equal keys.  Both are refused here.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from beadsmith.errors import ProblemError
from beadsmith.problem.replacing import replace_text

#: No problem file written by a person comes near these.
LARGEST_FILE = 2_000_000
MOST_NODES = 200_000
DEEPEST_NESTING = 100


def read_document(path: Path) -> dict[str, Any]:
    """Parse one YAML mapping.

    Raises:
        ProblemError: file missing, empty, not YAML, not a mapping, repeated keys, or expanding beyond reason.
    """
    where = str(path)
    if not path.is_file():
        received = "a folder" if path.is_dir() else "no such file"
        raise ProblemError(where, received, "a YAML file", "check the path, or begin with: beadsmith init")
    if path.stat().st_size > LARGEST_FILE:
        raise ProblemError(where, f"{path.stat().st_size} bytes", f"at most {LARGEST_FILE} bytes")
    try:
        loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
        root = loader.get_single_node()
        if root is None:
            raise ProblemError(where, "an empty file", "a YAML mapping of keys to values", "begin with: beadsmith init")
        _check_size(root, where)
        document = loader.construct_document(root)
    except OSError as error:
        raise ProblemError(where, "", "a file that can be read", str(error.strerror)) from error
    except UnicodeDecodeError as error:
        raise ProblemError(where, f"bytes that are not text at {error.start}", "UTF-8 text") from error
    except yaml.YAMLError as error:
        raise ProblemError(where, "", "valid YAML", _yaml_complaint(error)) from error
    except RecursionError as error:
        raise ProblemError(where, f"more than {DEEPEST_NESTING} levels", "a flatter file") from error
    except (ValueError, OverflowError) as error:
        raise ProblemError(where, "", "valid YAML", f"a number or date in it cannot be read: {error}") from error
    if not isinstance(document, dict):
        received = "a list" if isinstance(document, list) else "a single value"
        raise ProblemError(where, received, "a YAML mapping of keys to values")
    return document


def write_document(path: Path, document: dict[str, Any]) -> None:
    """Write YAML with keys in the order given; the file appears whole or not at all."""
    replace_text(path, yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110))


def _check_size(root: yaml.Node, where: str) -> None:
    """Count nodes as if every alias were written out, refuse too many, loops and repeated keys."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: yaml.Node, depth: int) -> int:
        if id(node) in open_nodes:
            raise ProblemError(where, f"an alias inside itself in line {_line(node)}", "aliases that end")
        if depth > DEEPEST_NESTING:
            raise ProblemError(where, f"more than {DEEPEST_NESTING} levels in line {_line(node)}", "a flatter file")
        if id(node) not in sizes:
            open_nodes.add(id(node))
            sizes[id(node)] = 1 + sum(size(child, depth + 1) for child in _children(node, where))
            open_nodes.discard(id(node))
        return sizes[id(node)]

    if (total := size(root, 0)) > MOST_NODES:
        raise ProblemError(where, f"{total:.3g} entries once its aliases are written out", f"at most {MOST_NODES}")


def _children(node: yaml.Node, where: str) -> list[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    if isinstance(node, yaml.MappingNode):
        keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        twice = {key for key, count in keys.items() if count > 1 and key != "<<"}
        if twice:
            raise ProblemError(
                where, f"the key '{min(twice)}' twice in the section of line {_line(node)}", "each key once"
            )
        return [child for pair in node.value for child in pair]
    return []


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _yaml_complaint(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    parts = [getattr(error, name, None) for name in ("context", "problem")]
    problem = ", ".join(part for part in parts if part) or "it cannot be parsed"
    return f"{problem} in line {mark.line + 1}" if mark else problem
