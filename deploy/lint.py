#!/usr/bin/env python3
"""Checks of deploy/lint.sh that read files: lint.py CHECK FILE...  It prints what is wrong, and ends with 1."""

import ctypes
import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def documents(path):
    import yaml

    return [document for document in yaml.safe_load_all(Path(path).read_text()) if document]


def custom(definition, path):
    """Checks that an object fits the schema of its CustomResourceDefinition, and has no other fields."""
    import jsonschema

    def close(schema):
        if isinstance(schema, dict):
            if "properties" in schema and "additionalProperties" not in schema:
                schema["additionalProperties"] = False
            for part in schema.values():
                close(part)
        elif isinstance(schema, list):
            for part in schema:
                close(part)

    version = documents(definition)[0]["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    close(schema)
    for document in documents(path):
        jsonschema.validate(document["spec"], schema)


def restricted(*paths):
    """Checks that pods keep to the Pod Security Standard `restricted`, and have a read-only file system."""
    for path in paths:
        for document in documents(path):
            pod = document.get("spec", {}).get("template", {}).get("spec") if "spec" in document else None
            if not pod:
                continue
            name, of_pod = document["metadata"]["name"], pod["securityContext"]
            assert of_pod["runAsNonRoot"] is True and of_pod["runAsUser"] > 0, name
            assert of_pod["seccompProfile"]["type"] in ("RuntimeDefault", "Localhost"), name
            assert pod["automountServiceAccountToken"] is False, name
            for container in pod["containers"]:
                context = container["securityContext"]
                assert context["allowPrivilegeEscalation"] is False, name
                assert context["readOnlyRootFilesystem"] is True, name
                assert context["capabilities"] == {"drop": ["ALL"]}, name
                assert "memory" in container["resources"]["limits"], name


def queries(path):
    """Prints the dashboard's queries as recording rules, which promtool can check."""
    board = json.loads(Path(path).read_text())
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids)), "two panels have one id"
    rules = []
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            text = target["expr"].replace("$__rate_interval", "5m")
            rules.append({"record": f"panel:{panel['id']}:{target['refId']}", "expr": text})
    print(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))


def metrics():
    """Checks that rules and dashboard use exactly the metrics that the sources export."""
    sources = HERE.parent / "origin" / "src"
    exported = set()
    for name in ("metrics.rs", "health.rs"):
        exported |= set(re.findall(r'"(reelmill_[a-z_]+)"', (sources / name).read_text()))
    used = set()
    for path in ["prometheus/rules.yaml", "grafana/reelmill.json", "kubernetes/keda/scaled-object.yaml"]:
        used |= set(re.findall(r"\breelmill_[a-z_]+", (HERE / path).read_text()))
    unknown = used - exported
    assert not unknown, f"the sources do not export {', '.join(sorted(unknown))}"
    unused = exported - used
    assert not unused, f"neither rules nor dashboard use {', '.join(sorted(unused))}"


def unit_filter(path):
    """Prints the system calls that a unit's SystemCallFilter allows, as a profile for seccomp/try.py."""

    def calls(name):
        if not name.startswith("@"):
            return {name}
        shown = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True)
        lines = [line.strip() for line in shown.stdout.splitlines()[1:]]
        return set().union(*(calls(line) for line in lines if line and not line.startswith("#")))

    allowed = set()
    for line in Path(path).read_text().splitlines():
        if found := re.match(r"SystemCallFilter=(~?)(.*)", line):
            names = set().union(*map(calls, found[2].split()))
            allowed = allowed - names if found[1] else allowed | names
    rule = {"names": sorted(allowed), "action": "SCMP_ACT_ALLOW"}
    print(json.dumps({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [rule]}))


def cage():
    """Checks that a process can restrict itself further: no_new_privs, Landlock, a seccomp filter, limits."""
    libc = ctypes.CDLL(None, use_errno=True)
    permitted = lambda result: result >= 0 or ctypes.get_errno() != 1  # EPERM
    assert libc.prctl(38, 1, 0, 0, 0) == 0, "no_new_privs"
    # The system calls are named by their numbers on x86-64. landlock_create_ruleset asks for the version of Landlock
    # here, and seccomp asks whether an action is available.
    assert permitted(libc.syscall(444, 0, 0, 1)), "landlock_create_ruleset"
    assert permitted(libc.syscall(445, -1, 1, 0, 0)), "landlock_add_rule"
    assert permitted(libc.syscall(446, -1, 0)), "landlock_restrict_self"
    action = ctypes.c_uint32(0x80000000)
    assert libc.syscall(317, 2, 0, ctypes.byref(action)) == 0, "seccomp"
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    what = {f.__name__.replace("_", "-"): f for f in (custom, restricted, queries, metrics, unit_filter, cage)}
    what[sys.argv[1]](*sys.argv[2:])
