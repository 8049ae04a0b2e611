#!/usr/bin/env python3
"""Figures of the source tree: circles of imports, files in each folder, the widest types, the longest functions.

    python3 benches/structure.py [crate folder ...]

Without arguments it looks at every crate of the workspace. What it reads are `use` lines and paths that begin with
`crate::` or `super::`; tests are left out.
"""

import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CRATES = [
    "plan", "manifests", "store", "accounts", "catalog", "transcoder/protocol", "transcoder", "transcoder/engine",
    "pipeline", "origin", ".",
]
FLAT = 12  # Files of one folder that are still a table of contents.


def without_tests(text):
    """The text of a file up to its unit tests."""
    return text.split("#[cfg(test)]\nmod tests {")[0]


def code(text):
    """Without comments and string literals."""
    text = re.sub(r"//[^\n]*", "", text)
    return re.sub(r'"(?:\\.|[^"\\])*"', '""', text)


def modules(source):
    """Module path -> file, of a crate's source folder."""
    found = {}
    for path in sorted(source.rglob("*.rs")):
        parts = list(path.relative_to(source).with_suffix("").parts)
        if parts[-1] in ("lib", "main", "mod"):
            parts.pop()
        found[tuple(parts)] = path
    return found


def expand(tree):
    """`a::{b, c::{d, e}}` -> [a, b], [a, c, d], [a, c, e]."""
    tree = tree.strip()
    at = tree.find("{")
    if at < 0:
        return [[part.strip().split(" as ")[0] for part in tree.split("::") if part.strip()]]
    head = [part.strip() for part in tree[:at].split("::") if part.strip()]
    inner, depth, piece, pieces = tree[at + 1 : tree.rfind("}")], 0, "", []
    for letter in inner:
        depth += (letter == "{") - (letter == "}")
        if letter == "," and depth == 0:
            pieces.append(piece)
            piece = ""
        else:
            piece += letter
    pieces.append(piece)
    return [head + rest for one in pieces if one.strip() for rest in expand(one)]


def edges(found):
    """Which files of a crate import which."""
    graph = {module: set() for module in found}
    for module, path in found.items():
        text = code(without_tests(path.read_text()))
        paths = [p for tree in re.findall(r"\buse\s+([^;]+);", text) for p in expand(tree)]
        paths += [p.split("::") for p in re.findall(r"\b((?:crate|super)(?:::\w+)+)", text)]
        paths += [[child] for child in re.findall(r"(?<![\w:])(\w+)::", text) if module + (child,) in found]
        for parts in paths:
            parts = [part for part in parts if part]
            if parts and parts[0] == "crate":
                at, rest = (), parts[1:]
            elif parts and parts[0] in ("super", "self"):
                at, rest = module, parts
                while rest and rest[0] in ("super", "self"):
                    if rest[0] == "super":
                        at = at[:-1]
                    rest = rest[1:]
            elif parts and module + (parts[0],) in found:
                at, rest = module, parts
            elif parts and (parts[0],) in found and module == ():
                at, rest = (), parts
            else:
                continue
            target = at
            for part in rest:
                if target + (part,) not in found:
                    break
                target += (part,)
            if target != module and target in graph:
                graph[module].add(target)
    return graph


def circles(graph):
    """Strongly connected components of more than one file, largest first (Tarjan)."""
    sys.setrecursionlimit(10_000)
    index, low, stack, on, out = {}, {}, [], set(), []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        on.add(node)
        for to in graph[node]:
            if to not in index:
                visit(to)
                low[node] = min(low[node], low[to])
            elif to in on:
                low[node] = min(low[node], index[to])
        if low[node] == index[node]:
            component = []
            while True:
                last = stack.pop()
                on.discard(last)
                component.append(last)
                if last == node:
                    break
            if len(component) > 1:
                out.append(sorted(component))

    for node in graph:
        if node not in index:
            visit(node)
    return sorted(out, key=len, reverse=True)


def functions(path):
    """(lines, name) of each function of a file."""
    lines = without_tests(path.read_text()).split("\n")
    out = []
    for at, line in enumerate(lines):
        begins = re.match(r"(\s*)(?:pub(?:\([^)]*\))?\s+)?(?:const |async |unsafe |extern \"C\" )*fn (\w+)", line)
        if begins:
            close = begins.group(1) + "}"
            end = next((n for n in range(at, len(lines)) if lines[n] == close), None)
            if end:
                out.append((end - at + 1, begins.group(2)))
    return out


def report(crate):
    """Prints the figures of one crate; returns its functions and its number of lines."""
    source = ROOT / crate / "src"
    found = modules(source)
    if not found:
        return [], 0
    texts = {module: without_tests(path.read_text()) for module, path in found.items()}
    lines = sum(path.read_text().count("\n") for path in found.values())
    print(f"== {crate}: {len(found)} files, {lines} lines")
    for circle in circles(edges(found)):
        names = ["::".join(module) or "(root)" for module in circle]
        print(f"   circle of {len(circle)} files: {' '.join(names)}")
    folders = collections.Counter(str(path.parent.relative_to(ROOT)) for path in found.values())
    for folder, count in folders.most_common():
        if count > FLAT:
            print(f"   {count} files in {folder}")
    types = {}
    for text in texts.values():
        for name in re.findall(r"^\s*pub(?:\([^)]*\))? (?:struct|enum|trait) (\w+)", text, re.M):
            types[name] = sum(1 for other in texts.values() if re.search(rf"\b{name}\b", code(other)))
    for name, uses in sorted(types.items(), key=lambda item: -item[1])[:3]:
        print(f"   {name} in {uses} files")
    long = [(path.read_text().count("\n"), path) for path in found.values()]
    for count, path in sorted(long, reverse=True):
        if count > 400:
            print(f"   {path.relative_to(ROOT)} has {count} lines")
    return [(n, f"{path.relative_to(ROOT)} {name}") for path in found.values() for n, name in functions(path)], lines


def main():
    """Prints the figures of each crate, and then of all."""
    every, lines = [], 0
    for crate in sys.argv[1:] or CRATES:
        if (ROOT / crate / "src").is_dir():
            of_crate, count = report(crate)
            every += of_crate
            lines += count
    print(f"== all: {lines} lines; the longest functions:")
    for count, name in sorted(every, reverse=True)[:20]:
        print(f"   {count:4} {name}")


main()
