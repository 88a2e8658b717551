# SPDX-License-Identifier: GPL-2.0
"""What there is to compare, for run on the host and guest in the guest: the files
of this directory that are lists, and the classes of stress-ng."""

import os

HERE = os.path.dirname(os.path.realpath(__file__))
# A stressor of several of them runs in the first.
CLASSES = ["memory", "vm", "filesystem"]


def lines_of(name):
    """The lines of a list, without comments, each as its fields."""
    with open(os.path.join(HERE, name), encoding="ascii") as f:
        return [line.rstrip("\n").split("\t") for line in f if line[0] not in "#\n"]
