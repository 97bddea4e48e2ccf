"""Every system call, from inside: which of them reach the kernel, beside what Preload/seccomp.c says.

A refusal answers EPERM, and so may the kernel. So the jail is tried twice: as it is, and in a build whose refusals
answer an errno that no system call has. In that one, every other answer comes from the kernel.
"""

import os
import re
import signal
import subprocess

from attack.report import Skip, attack

NUMBERS = 1024
# Calls that Linux passes by every filter, since debuggers put them into a process that knows nothing of them
# (kernel/seccomp.c, seccomp_uprobe_exception, Linux 6.14): number to name. Without a probe in place they fail or end the process.
EXEMPT = {335: "uretprobe", 336: "uprobe"} if os.uname().machine == "x86_64" else {}
MARK = 3999  # what a refusal answers in the marked build (weak.py)
EPERM = 1

# The calls that were looked at and found harmless, one a line, with "writers" behind those that only a writer may make. A
# call that is added to Preload/seccomp.c is added there too, by whoever has looked at it.
LEDGER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "allowed-calls.txt")

# Prints the table of Preload/seccomp.c by compiling it.
TABLE = """
#include "%s"
#include <stdio.h>
_Noreturn void jail_fail_errno(const char *step) { (void)step; for (;;) continue; }
int main(void) {
    for (size_t i = 0; i < sizeof reading / sizeof reading[0]; i++)
        printf("reading %%u %%u %%u %%u %%d\\n", reading[i].call, reading[i].argument, reading[i].mask, reading[i].value, reading[i].upper_is_zero);
    for (size_t i = 0; i < sizeof writing / sizeof writing[0]; i++)
        printf("writing %%u %%u %%u %%u %%d\\n", writing[i].call, writing[i].argument, writing[i].mask, writing[i].value, writing[i].upper_is_zero);
}
"""


def stated_rules(arena):
    """[(is for writers only, call, argument, mask, value, whether the upper half must be 0)] as the source says."""
    path, program = os.path.join(arena.work, "table.c"), os.path.join(arena.work, "table")
    with open(path, "w") as file:
        file.write(TABLE % os.path.join(arena.tree, "Preload/seccomp.c"))
    subprocess.run(["cc", "-std=c11", "-D_GNU_SOURCE", "-w", "-I" + os.path.join(arena.tree, "Preload"), *arena.spawner_sources()[:1],
                    path, "-o", program], check=True)
    lines = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split("\n")
    return [(words[0] == "writing", *map(int, words[1:])) for words in map(str.split, lines) if words]


def ledger(writes):
    with open(LEDGER) as file:
        lines = [line.split() for line in file if line.strip() and not line.startswith("#")]
    return {words[0] for words in lines if writes or words[1:] != ["writers"]}


def known_calls():
    """Number to name, of this machine's headers."""
    text = subprocess.run(["cc", "-E", "-dM", "-include", "sys/syscall.h", "-x", "c", "/dev/null"], capture_output=True, text=True,
                          check=True).stdout
    found = re.findall(r"^#define __NR_(\w+) (\d+)$", text, re.M)
    return {int(number): name for name, number in found}


class Prober:
    """Runs the probe in one jail."""

    def __init__(self, arena, writes):
        harness = arena.harness
        self.harness, self.program = harness, arena.program("probe")
        self.view = arena.overlay()
        self.options = {"flags": harness.WRITES if writes else 0, "capabilities": 1 << harness.DAC_OVERRIDE | 1 << harness.FOWNER}

    def run(self, library, *arguments):
        block = self.harness.control([self.view.merged], memory=64 << 20, **self.options)
        result = self.harness.Running([self.program, *map(str, arguments)], block, library=library).finish()
        assert result.status == "ready\n", result
        return result

    def numbers(self, library):
        """{number: its answers, or how the process ended of it}."""
        answers, start = {}, 0
        while start < NUMBERS:
            result = self.run(library, "numbers", start, NUMBERS)
            last = None
            for word, value in map(str.split, result.out.decode().splitlines()):
                if word == "try":
                    last = int(value)
                elif word == "answer":
                    answers.setdefault(last, []).append(int(value))
            if result.out.endswith(b"end 0\n"):
                break
            answers.setdefault(last, []).append(f"ended {result.code}")
            start = last + 1
        return answers

    def argument(self, library, call, index, values):
        """The values with which the call reached the kernel."""
        with open(os.path.join(self.view.merged, "values"), "w") as file:
            file.write("".join(f"{value:x}\n" for value in values))
        lines = self.run(library, "argument", call, index, "/values").out.decode().splitlines()
        answers = [int(line.split()[1]) for line in lines if line.startswith("answer ")]
        assert len(answers) == len(values), f"call {call} was answered {len(answers)} of {len(values)} times"
        return {value for value, answer in zip(values, answers) if answer != MARK}


def swept_values():
    """For an int argument: small numbers, every single bit beside them, and what lies in the upper half, which the kernel
    does not look at."""
    values = set(range(1024)) | set(range(0x5400, 0x5500)) | {1 << bit for bit in range(32)}
    values |= {1 << bit | low for bit in range(10, 32) for low in (0x1, 0x3, 0x81, 0x5401, 0x5413, 0x406)}
    values |= {0xFFFFFFFF, 0x80000000 | 0x40, 1 << 32, 1 << 63, 1 << 32 | 1, 1 << 32 | 0x5401, 1 << 40 | 0x40, 1 << 32 | 4}
    return sorted(values)


def fits(value, mask, wanted, upper_is_zero):
    return value & 0xFFFFFFFF & mask == wanted and not (upper_is_zero and value >> 32)


def reached(answers):
    """What reached the kernel: by its answer, or because it ended the process (exit, a return from no signal)."""
    return {number for number, found in answers.items() if any(answer != MARK for answer in found)}


@attack("syscalls")
def every_number(arena, figures):
    rules, calls = stated_rules(arena), known_calls()
    calls.update({number: name for number, name in EXEMPT.items() if number not in calls})
    marked, product = arena.weak("marked"), arena.harness.LIBRARY
    for writes in (False, True):
        prober = Prober(arena, writes)
        said = {call for for_writers, call, *_ in rules if writes or not for_writers}
        by_argument = {}
        for for_writers, call, argument, *rule in rules:
            if rule[0] and (writes or not for_writers):
                by_argument.setdefault((call, argument), []).append(rule)

        found = prober.numbers(marked)
        assert set(found) == set(range(NUMBERS)), "not every number was tried"
        open_calls = reached(found)
        exempt = sorted(EXEMPT[number] for number in open_calls & EXEMPT.keys() - said)
        done = {number: found[number] for number in EXEMPT.keys() & open_calls if 0 in found[number]}
        assert not done, f"calls that the kernel exempts do something: {done}"
        open_calls -= EXEMPT.keys() - said
        tries, wrong = sum(map(len, found.values())), []
        for (call, index), alternatives in by_argument.items():
            values = swept_values()
            through = prober.argument(marked, call, index, values)
            expected = {value for value in values if any(fits(value, *rule) for rule in alternatives)}
            wrong += [f"{calls.get(call, call)} with {value:#x}" for value in through ^ expected]
            open_calls |= {call} if through else set()
            tries += len(values)
        name = "writers" if writes else "readers"
        figures[f"tried by {name}"] = tries
        unexpected = sorted(calls.get(number, str(number)) for number in open_calls - said)
        closed = sorted(calls.get(number, str(number)) for number in said - open_calls)
        figures[f"beyond the table, {name}"] = len(unexpected) + len(wrong)
        assert not unexpected, f"{name}: reach the kernel without being in the table: {unexpected}"
        assert not closed, f"{name}: are in the table and do not reach the kernel: {closed}"
        assert not wrong, f"{name}: arguments that the table does not say: {wrong[:10]}"

        names = {calls.get(number, str(number)) for number in open_calls}
        added, dropped = sorted(names - ledger(writes)), sorted((ledger(writes) & set(calls.values())) - names)
        assert not added, f"{name}: allowed, and not in {os.path.basename(LEDGER)}: {added}"
        assert not dropped, f"{name}: in {os.path.basename(LEDGER)}, and not allowed: {dropped}"

        # As it is: what is refused answers EPERM, and nothing else differs from the marked build.
        plain = prober.numbers(product)
        different = [number for number in range(NUMBERS)
                     if plain[number] != [EPERM if answer == MARK else answer for answer in found[number]]]
        assert not different, f"{name}: other answers than of the marked build: {different}"
        figures.setdefault("allowed", "")
        figures["allowed"] += f"{', ' if figures['allowed'] else ''}{name} {len(open_calls)} of {len(calls)}"
        figures["passed by the kernel itself, and in vain"] = ", ".join(exempt) or "none"
        figures["limited by argument"] = len({call for call, _ in by_argument})

    # The control: one more call.
    more = reached(Prober(arena, False).numbers(arena.weak("marked-and-one-more")))
    more -= {call for _, call, *_ in rules} | EXEMPT.keys()
    figures["control"] = "caught " + ", ".join(calls[number] for number in more)
    assert {calls[number] for number in more} == {"getppid"}, more


def survivors(prober, library, kind, numbers):
    """The numbers after which the process went on."""
    alive, other = [], []
    for number in numbers:
        result = prober.run(library, kind, number)
        if b"answer" in result.out:
            alive.append(number)
        elif result.code != -signal.SIGSYS:
            other.append((number, result.code))
    return alive, other


@attack("syscalls")
def calls_of_other_conventions(arena, figures):
    """By x32 numbers and by the 32-bit entry, every number ends the process with SIGSYS."""
    if os.uname().machine != "x86_64":
        raise Skip("this processor has one convention only")
    prober = Prober(arena, True)
    weak = arena.weak("foreign-calls-allowed")
    for kind, harmless in (("x32", 39), ("int80", 20)):  # getpid in each
        alive, other = survivors(prober, arena.harness.LIBRARY, kind, range(NUMBERS))
        figures[f"{kind} numbers tried"] = NUMBERS
        figures[f"{kind} numbers survived"] = len(alive)
        assert not alive and not other, (kind, alive[:10], other[:10])
        # The control: with that rule gone, a call goes through (or finds a kernel without it, and lives).
        alive, other = survivors(prober, weak, kind, [harmless])
        assert alive == [harmless], f"the control was not caught: {kind} {alive} {other}"
    figures["control"] = "caught both"
