"""Runs a command under an OCI seccomp profile, as a container runtime would: confine.py PROFILE COMMAND..."""

import json
import os
import sys

import seccomp

OPERATORS = {"EQ": seccomp.EQ, "LE": seccomp.LE, "MASKED_EQ": seccomp.MASKED_EQ}
ARCHITECTURES = {"SCMP_ARCH_X86_64": "x86_64", "SCMP_ARCH_AARCH64": "aarch64"}


def action(rule, default):
    if rule["action"] == "SCMP_ACT_ALLOW":
        return seccomp.ALLOW
    assert rule["action"] == "SCMP_ACT_ERRNO", rule
    return seccomp.ERRNO(rule.get("errnoRet", default))


def condition(argument):
    operator = OPERATORS[argument["op"].removeprefix("SCMP_CMP_")]
    if operator == seccomp.MASKED_EQ:
        return seccomp.Arg(argument["index"], operator, argument["value"], argument["valueTwo"])
    return seccomp.Arg(argument["index"], operator, argument["value"])


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        profile = json.load(file)
    errno = profile["defaultErrnoRet"]
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    assert os.uname().machine in [ARCHITECTURES[name] for name in profile["architectures"]]
    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno))
    for rule in profile["syscalls"]:
        conditions = [condition(argument) for argument in rule.get("args", [])]
        for name in rule["names"]:
            number = seccomp.resolve_syscall(seccomp.Arch(), name)
            # Negative: another architecture's. libseccomp keeps a name for it, and the kernel has none.
            if number >= 0:
                rules.add_rule(action(rule, errno), number, *conditions)
    rules.load()
    os.execv(sys.argv[2], sys.argv[2:])


main()
