# SPDX-License-Identifier: GPL-2.0
"""Write the tables of Documentation/benchmarks.rst from what was measured.

A table is between two comments there, ".. begin NAME" and ".. end NAME": it is
replaced, and all else is left as it is.
"""

import os
import re

import machine
import plot
import rows
import table

PAGE = os.path.join(machine.TOP, "Documentation", "benchmarks.rst")


def write(results):
    with open(PAGE, encoding="utf-8") as f:
        page = f.read()
    for group in rows.SETS:
        tables = "\n\n".join(table.set_tables(group, group.rows, results))
        block = "Not measured yet.\n\n"
        if tables:
            block = "::\n\n" + re.sub("^(?=.)", "  ", tables, flags=re.M) + "\n\n"
        page, count = re.subn(
            rf"(^\.\. begin {group.name}\n\n).*?(^\.\. end {group.name}$)",
            lambda m, block=block: m[1] + block + m[2], page, flags=re.M | re.S)
        if count != 1:
            raise machine.Failure(f"{PAGE} has no place for {group.name}")
    with open(PAGE + ".new", "w", encoding="utf-8") as f:
        f.write(page)
    os.rename(PAGE + ".new", PAGE)
    plot.draw_all(results, os.path.join(machine.TOP, "Documentation", "benchmarks"))
