# SPDX-License-Identifier: GPL-2.0
"""Where the instructions of a row go: by symbol, and against the plain kernel."""

import bisect
import collections
import os
import re
import subprocess
import tempfile

import machine
import rows


def build_plugin():
    plugin = os.path.join(machine.OURS, "plugin.so")
    subprocess.run(["gcc", "-shared", "-fPIC", "-fvisibility=hidden", "-O2", "-Wall", "-Wextra",
                    "-o", plugin, os.path.join(machine.TOP, "bench", "plugin.c")], check=True)
    return plugin


class Symbols:
    """Functions by address, of a kernel and of the guest's program."""

    def __init__(self, kernel):
        symbols = []
        with open(os.path.join(machine.BUILD, kernel, "System.map"), encoding="ascii") as f:
            symbols += [(int(line.split()[0], 16), line.split()[2]) for line in f
                        if line.split()[1] in "tTwW"]
        nm = subprocess.run(["nm", os.path.join(machine.OURS, "guest")], check=True,
                            stdout=subprocess.PIPE, text=True)
        for address, kind, name in re.findall(r"^(\S+) (\S) (\S+)$", nm.stdout, re.M):
            if kind in "tTwWi":
                symbols.append((int(address, 16), "user: " + name))
        # of several names for one address, the first
        self.names = dict(sorted(symbols, reverse=True))
        self.addresses = sorted(self.names)

    def name(self, address):
        at = bisect.bisect_right(self.addresses, address) - 1
        return self.names[self.addresses[at]] if at >= 0 else "?"

    def address(self, name):
        return next(a for a, n in self.names.items() if n == name)


def take(row, configuration, kernel, options):
    """Instructions by symbol, all together, and the row's numbers."""
    symbols = Symbols(kernel)
    with tempfile.TemporaryDirectory(dir=machine.OURS) as work:
        out = os.path.join(work, "counts")
        plugin = (f"{build_plugin()},begin={symbols.address('user: profile_begin'):x},"
                  f"end={symbols.address('user: profile_end'):x},out={out}")
        numbers = machine.run(kernel, [row, configuration], plugin=plugin, **options)
        by_symbol = collections.Counter()
        with open(out, encoding="ascii") as f:
            for line in f:
                address, count = line.split()
                by_symbol[symbols.name(int(address, 16))] += int(count)
    return by_symbol, numbers


def per_unit(row, configuration):
    """Instructions for a unit of the row, by symbol."""
    counts, numbers = take(row.name, configuration, rows.CONFIGURATIONS[configuration][0],
                           row.options)
    return {name: count / numbers["units"] for name, count in counts.items()}


def show(row, configuration, base):
    """
    Print both profiles side by side, the largest difference first; only the one
    where the row has no such base.
    """
    profile = per_unit(row, configuration)
    against = per_unit(row, base) if base in row.configurations else {}
    lines = sorted(((profile.get(name, 0) - against.get(name, 0), against.get(name, 0),
                     profile.get(name, 0), name) for name in {*profile, *against}),
                   reverse=True)
    print(f"Instructions for a unit of {row.name}: {configuration}"
          + (f" against {base}" if against else ""))
    print(f"{'more':>10} {base if against else '':>11} {configuration:>11}  symbol")
    lines.append((*(sum(line[i] for line in lines) for i in range(3)), "all"))
    for more, before, after, name in lines:
        if abs(more) >= 0.05:
            print(f"{more:+10.1f} {before:11.1f} {after:11.1f}  {name}")
