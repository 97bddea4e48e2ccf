"""Which system calls Preload/seccomp.c lets through, out of those that the kernel's headers name: calls.py [CC…]"""

import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "..", "..", "Preload", "seccomp.c")
INCLUDE = os.path.join(HERE, "..", "..", "Sources", "CJail", "include")
NOT_CALLS = ("__NR_syscalls", "__NR_arch_specific_syscall")  # a count and a beginning


def preprocessed(compiler, text, *options):
    command = [compiler, "-std=c11", "-D_GNU_SOURCE", "-I" + INCLUDE, "-E", "-P", *options, "-x", "c", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def known(compiler):
    """All calls by number."""
    macros = preprocessed(compiler, "#include <asm/unistd.h>\n", "-dM")
    names = [name for name in re.findall(r"^#define (__NR_\w+) ", macros, re.M) if name not in NOT_CALLS]
    lines = "".join(f"{name[5:]}_ {name}\n" for name in names)  # the first word is no macro
    values = preprocessed(compiler, "#include <asm/unistd.h>\n" + lines)
    return {int(value): name for name, value in re.findall(r"^(\w+)_ (\d+)$", values, re.M)}


def rules(compiler):
    """For each table, the numbers of its calls: those with no condition, and those that depend on an argument."""
    text = preprocessed(compiler, f'#include "{os.path.abspath(SOURCE)}"\n')
    tables = {}
    for table in ("reading", "writing"):
        body = re.search(rf"struct rule {table}\[\] = \{{(.*?)\n?\}};", text, re.S).group(1)
        entries = re.findall(r"\{ *(\d+), ([^{}]*), (?:0|1|false|true)\}", body)
        always = {int(call) for call, rest in entries if rest.split(", ") == ["0", "0", "0"]}
        tables[table] = (always, {int(call) for call, _ in entries} - always)
    return tables


def summary(compiler):
    tables, everything = rules(compiler), known(compiler)
    reader = set.union(*tables["reading"])
    writer = reader | set.union(*tables["writing"])
    assert writer <= set(everything), "a rule for a call that has no name"
    return len(everything), len(reader), len(writer), len(tables["reading"][1] | tables["writing"][1])


if __name__ == "__main__":
    for compiler in sys.argv[1:] or ["cc"]:
        total, reader, writer, conditional = summary(compiler)
        print(f"{compiler}: of {total} calls, readers have {reader}, writers {writer}; {conditional} of these depend on an argument")
