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


def replace(name, tables):
    """Put these tables in place of what is there, if there are any."""
    with open(PAGE, encoding="utf-8") as f:
        page = f.read()
    text = "\n\n".join(tables)
    block = "Not measured yet.\n\n"
    if text:
        block = "::\n\n" + re.sub("^(?=.)", "  ", text, flags=re.M) + "\n\n"
    page, count = re.subn(
        rf"(^\.\. begin {name}\n\n).*?(^\.\. end {name}$)",
        lambda m: m[1] + block + m[2], page, flags=re.M | re.S)
    if count != 1:
        raise machine.Failure(f"{PAGE} has no place for {name}")
    with open(PAGE + ".new", "w", encoding="utf-8") as f:
        f.write(page)
    os.rename(PAGE + ".new", PAGE)


def write(results):
    for group in rows.SETS:
        replace(group.name, table.set_tables(group, group.rows, results))
    plot.draw_all(results, os.path.join(machine.TOP, "Documentation", "benchmarks"))
