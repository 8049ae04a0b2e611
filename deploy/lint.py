#!/usr/bin/env python3
"""What deploy/lint.sh checks by reading files: lint.py WHAT FILE...  It says what is wrong, and ends with 1."""

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
    """An object keeps to the schema of its CustomResourceDefinition, with nothing beside."""
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
    """Pods keep to the standard `restricted`, and write nowhere."""
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
    """The dashboard's queries, as rules that promtool reads."""
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
    """Rules and dashboard name metrics that the sources tell."""
    sources = HERE.parent / "origin" / "src"
    told = set()
    for name in ("metrics.rs", "health.rs"):
        told |= set(re.findall(r'"(reelmill_[a-z_]+)"', (sources / name).read_text()))
    asked = set()
    for path in ["prometheus/rules.yaml", "grafana/reelmill.json", "kubernetes/keda/scaled-object.yaml"]:
        asked |= set(re.findall(r"\breelmill_[a-z_]+", (HERE / path).read_text()))
    unknown = asked - told
    assert not unknown, f"nobody tells {', '.join(sorted(unknown))}"
    unasked = told - asked
    assert not unasked, f"nothing asks for {', '.join(sorted(unasked))}"


def unit_filter(path):
    """The calls that a unit's SystemCallFilter leaves, as a profile for seccomp/try.py."""

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
    """A process may still give up more: no_new_privs, landlock, a filter of its own, limits."""
    libc = ctypes.CDLL(None, use_errno=True)
    permitted = lambda result: result >= 0 or ctypes.get_errno() != 1  # EPERM
    assert libc.prctl(38, 1, 0, 0, 0) == 0, "no_new_privs"
    # By number on x86-64: landlock_create_ruleset asks for its version, seccomp for an action.
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
