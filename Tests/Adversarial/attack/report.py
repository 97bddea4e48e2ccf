"""Running attacks one after the other, and the figures that they found."""

import json
import time
import traceback


class Skip(Exception):
    """The attack cannot be made here; the text says why."""


class Attack:
    def __init__(self, group, name, function):
        self.group, self.name, self.function = group, name, function


ATTACKS = []


def attack(group):
    """Puts a function on the list: it takes the arena and its own figures, a dictionary that it fills."""

    def add(function):
        ATTACKS.append(Attack(group, function.__name__.replace("_", "-"), function))
        return function

    return add


def chosen(names):
    """The attacks whose group or name it is."""
    return [one for one in ATTACKS if one.group in names or one.name in names]


def show(figures, indent="    "):
    for name, value in figures.items():
        if isinstance(value, dict):
            print(f"{indent}{name}:")
            show(value, indent + "  ")
        elif isinstance(value, list):
            print(f"{indent}{name}: {len(value)}")
            for row in value:
                print(f"{indent}  {row}")
        else:
            print(f"{indent}{name}: {value}")


class Report:
    def __init__(self):
        self.rows = []

    def run(self, arena, one):
        figures, verdict, note = {}, "passed", ""
        started = time.monotonic()
        try:
            one.function(arena, figures)
        except Skip as reason:
            verdict, note = "skipped", str(reason)
        except AssertionError as reason:
            verdict, note = "failed", str(reason) or traceback.format_exc()
        except Exception:
            verdict, note = "failed", traceback.format_exc()
        seconds = time.monotonic() - started
        self.rows.append({"attack": one.name, "group": one.group, "verdict": verdict, "note": note, "seconds": round(seconds, 2),
                          "figures": figures})
        word = {"passed": "ok", "failed": "not ok", "skipped": "skip"}[verdict]
        print(f"{word} {one.group}/{one.name} ({seconds:.1f} s) {note}".rstrip(), flush=True)
        show(figures)

    def count(self, verdict):
        return sum(row["verdict"] == verdict for row in self.rows)

    def write(self, path, totals):
        with open(path, "w") as file:
            json.dump({"totals": totals, "attacks": self.rows}, file, indent=1)
            file.write("\n")

    def totals(self):
        """The figures that are asked for, over all attacks that were made."""

        def total(name):
            return sum(row["figures"].get(name, 0) for row in self.rows if isinstance(row["figures"].get(name, 0), int))

        made = {row["group"] for row in self.rows if row["verdict"] != "skipped"}
        totals = {}
        if "races" in made:
            totals["race runs"] = total("runs")
            totals["escapes"] = total("escapes")
            controls = [row["figures"]["control hits"] for row in self.rows if "control hits" in row["figures"] and row["group"] == "races"]
            totals["least hits of a control"] = min(controls, default=0)
        if "syscalls" in made:
            totals["system calls"] = "; ".join(row["figures"]["allowed"] for row in self.rows if "allowed" in row["figures"])
        if "faults" in made:
            totals["setup faults injected"] = total("injected")
            totals["run anyway"] = total("run anyway")
        if "mutants" in made:
            totals["mutants caught"] = f"{total('caught')} of {total('mutants')}"
        return totals
