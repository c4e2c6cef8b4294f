#!/usr/bin/env python3
"""What troupe_link_purity_test runs; link_purity.bzl says what it checks and why."""

import argparse
import collections
import re
import subprocess
import sys


class Object:
    """One object file, in an archive or alone, with the symbols of `nm`."""

    def __init__(self, name):
        self.name = name
        self.defined = set()
        self.weak = set()  # defined here and perhaps elsewhere: inline functions
        self.undefined = set()

    def names(self):
        return self.defined | self.weak | self.undefined


def read_objects(files):
    """Returns the objects in the files."""
    if not files:
        return []
    objects = {}
    # -A: "archive[member]: name type value size", or "file: name ..." for an object.
    output = subprocess.run(
        ["nm", "-A", "-P", "--no-sort"] + files, check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout
    for line in output.splitlines():
        where, _, symbol = line.partition(": ")
        fields = symbol.split(" ")
        name, kind = fields[0], fields[1]
        found = objects.setdefault(where, Object(where))
        if kind in "Uwv" and (kind == "U" or len(fields) < 3 or not fields[2]):
            found.undefined.add(name)
        elif kind in "WVu":
            found.weak.add(name)
        elif kind.isupper():
            found.defined.add(name)
    return list(objects.values())


def linked_objects(target, own):
    """Returns {object: (object that needs it, symbol), or None for the target's} as the linker would take them."""
    provider = {}
    for candidate in own:
        for name in candidate.defined | candidate.weak:
            provider.setdefault(name, candidate)
    reached = {item: None for item in target}
    present = set()
    for item in target:
        present |= item.defined | item.weak
    queue = collections.deque(target)
    while queue:
        item = queue.popleft()
        for name in sorted(item.undefined):
            if name in present or name not in provider:
                continue
            needed = provider[name]
            if needed not in reached:
                reached[needed] = (item, name)
                present |= needed.defined | needed.weak
                queue.append(needed)
    return reached


def demangle(names):
    names = sorted(names)
    output = subprocess.run(["c++filt"], input="\n".join(names) + "\n", check=True, stdout=subprocess.PIPE,
                            universal_newlines=True).stdout.splitlines()
    if len(output) != len(names):
        raise RuntimeError("c++filt gave %d lines for %d names" % (len(output), len(names)))
    return dict(zip(names, output))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forbidden", required=True)
    parser.add_argument("--allowed", action="append", default=[])
    parser.add_argument("--expect_found", action="append", default=[])
    parser.add_argument("--target", nargs="+", required=True)
    parser.add_argument("--own", nargs="*", default=[])
    args = parser.parse_args()

    rules = []
    with open(args.forbidden) as file:
        for line in file:
            what, _, pattern = line.rstrip("\n").partition("\t")
            rules.append((what.rstrip(":"), re.compile(pattern)))
    allowed = [re.compile(pattern) for pattern in args.allowed]

    reached = linked_objects(read_objects(args.target), read_objects(args.own))
    every_name = set().union(*(item.names() for item in reached))
    if not every_name:
        print("FAILED: the target's objects name no symbol at all, so nothing was checked")
        return 1
    readable = demangle(every_name)

    found = []  # (what, demangled name, object)
    for item in reached:
        for name in sorted(item.names()):
            # "read@GLIBC_2.2.5" and the like are versions of read.
            text = readable[name].split("@")[0]
            if any(pattern.search(text) for pattern in allowed):
                continue
            for what, pattern in rules:
                if pattern.search(text):
                    found.append((what, text, item))
                    break

    for what, text, item in found:
        print("%s: %s" % (what, text))
        step = item
        while step is not None:
            needed_by = reached[step]
            if needed_by is None:
                print("    in %s" % step.name)
                break
            print("    in %s, linked for %s of" % (step.name, readable[needed_by[1]]))
            step = needed_by[0]
    print("%d objects and %d symbols checked, %d forbidden" % (len(reached), len(every_name), len(found)))

    if args.expect_found:
        missed = [p for p in args.expect_found if not any(re.search(p, text) for _, text, _ in found)]
        for pattern in missed:
            print("FAILED: expected to find something that matches %s" % pattern)
        return 1 if missed else 0
    if found:
        print("FAILED: this target is to be pure: hand it the time, the bytes and the decision's inputs as arguments")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
