# SPDX-License-Identifier: MIT
"""What a scenario measured, beside what it must be."""

import json
import sys

COMPARISONS = {
    "<=": lambda value, limit: value <= limit,
    "<": lambda value, limit: value < limit,
    ">=": lambda value, limit: value >= limit,
    "==": lambda value, limit: value == limit,
}


def shown(value):
    if isinstance(value, bytes):
        return repr(value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def plain(value):
    return value.decode("latin-1") if isinstance(value, bytes) else value


class Report:
    """The checks of one scenario in one mode."""

    def __init__(self, fault, name, mode):
        self.fault, self.name, self.mode, self.checks, self.notes = fault, name, mode, [], {}

    def check(self, what, value, comparison, limit):
        """Compares a figure with its limit."""
        passed = COMPARISONS[comparison](value, limit)
        self.checks.append(
            {"what": what, "value": plain(value), "comparison": comparison, "limit": plain(limit), "passed": bool(passed)})
        mark = "ok  " if passed else "FAIL"
        print(f"  {mark} {what}: {shown(value)} {comparison} {shown(limit)}", flush=True)

    def note(self, what, value):
        """A figure without a limit."""
        self.notes[what] = value
        print(f"       {what}: {shown(value)}", flush=True)

    def broke(self, error):
        """The scenario itself ended early."""
        self.check(f"{type(error).__name__}: {error}", "broke", "==", "whole")

    @property
    def passed(self):
        return bool(self.checks) and all(check["passed"] for check in self.checks)

    def as_json(self):
        return {
            "fault": self.fault, "scenario": self.name, "mode": self.mode, "passed": self.passed,
            "checks": self.checks, "notes": self.notes}


def write_results(path, reports):
    """Adds the reports to a file of results, in place of older ones of the same scenario and mode."""
    try:
        with open(path) as file:
            old = json.load(file)
    except FileNotFoundError:
        old = []
    new = [report.as_json() for report in reports]
    keys = {(entry["scenario"], entry["mode"]) for entry in new}
    kept = [entry for entry in old if (entry["scenario"], entry["mode"]) not in keys]
    entries = sorted(kept + new, key=lambda entry: (int(entry["fault"][1:]), entry["scenario"], entry["mode"]))
    text = json.dumps(entries, indent=1)
    with open(path, "w") as file:
        file.write(text + "\n")


def percentile(values, share):
    """The value below which a share of the values lies; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def summary(reports):
    """The exit code, after a line of counts."""
    failed = [report for report in reports if not report.passed]
    print(f"{len(reports) - len(failed)} of {len(reports)} passed")
    for report in failed:
        print(f"failed: {report.fault} {report.name} ({report.mode})", file=sys.stderr)
    return 1 if failed else 0
