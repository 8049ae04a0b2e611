#!/usr/bin/env python3
"""Runs a command under a seccomp profile, as a container runtime would: try.py PROFILE COMMAND...

This is for machines without a container runtime. It needs pyseccomp (PyPI) and libseccomp2. It supports those parts of
the profile format that reelmill.json uses, and refuses the others.
"""
import json
import os
import sys

import pyseccomp as seccomp

ACTIONS = {
    "SCMP_ACT_ALLOW": lambda rule: seccomp.ALLOW,
    "SCMP_ACT_ERRNO": lambda rule: seccomp.ERRNO(rule.get("errnoRet", 1)),
}


def condition(arg):
    if arg["op"] == "SCMP_CMP_EQ":
        return seccomp.Arg(arg["index"], seccomp.EQ, arg["value"])
    if arg["op"] == "SCMP_CMP_MASKED_EQ":
        return seccomp.Arg(arg["index"], seccomp.MASKED_EQ, arg["value"], arg["valueTwo"])
    sys.exit(f"try.py: the operator {arg['op']} is not supported")


def main():
    profile, command = sys.argv[1], sys.argv[2:]
    with open(profile, encoding="utf-8") as file:
        rules = json.load(file)
    default = {"errnoRet": rules.get("defaultErrnoRet", 1)}
    # A container runtime sets no_new_privs only if the container asks for it; the containers of reelmill do.
    seen = seccomp.SyscallFilter(ACTIONS[rules["defaultAction"]](default))
    for rule in rules["syscalls"]:
        conditions = [condition(arg) for arg in rule.get("args", [])]
        for name in rule["names"]:
            try:
                seen.add_rule(ACTIONS[rule["action"]](rule), name, *conditions)
            except OSError as error:
                print(f"try.py: {name} is not known to this libseccomp ({error})", file=sys.stderr)
    seen.load()
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
