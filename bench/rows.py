# SPDX-License-Identifier: GPL-2.0
"""What is measured, in which configurations, and what it may cost at most.

A row is a name that bench/guest knows, too. It yields one or more numbers, each
of which is a line of a table, or a point of a curve. A bound is a function that
gives the most that a line may have in a configuration.
"""

from dataclasses import dataclass, field
from typing import Callable, Optional

# A configuration is a kernel, and what the guest makes of it: bench/guest/group.c
CONFIGURATIONS = {
    "plain": ("bench-plain", "plain"),
    "memcg-root": ("bench-memcg", "memcg root"),
    "memcg": ("bench-memcg", "memcg child"),
    "memcg-high": ("bench-memcg", "memcg high"),
    "none": ("bench-containers", "none created"),
    "outside": ("bench-containers", "outside any"),
    "inside": ("bench-containers", "inside one"),
    "coexist": ("bench-coexist", "coexist"),
}
EACH = ["plain", "memcg-root", "memcg", "none", "outside", "inside", "coexist"]
LIMITED = ["plain", "memcg-root", "memcg", "memcg-high", "none", "outside", "inside", "coexist"]
GROUPS = ["memcg", "inside", "coexist"]
STALLS = ["plain", "memcg", "memcg-high", "inside", "coexist"]
CROSSING = ["memcg", "memcg-high", "inside", "coexist"]


@dataclass
class Line:
    """A line of a table: a number for each configuration."""
    name: str
    title: str
    # configuration -> the most it may be, from this line's numbers and all others
    bounds: dict[str, Callable] = field(default_factory=dict)
    # or it is computed: from all numbers, for a configuration
    derive: Optional[Callable] = None
    # whether it can be said of it how much is added to plain's
    adds: bool = True

    def values(self, results):
        if not self.derive:
            return results.get(self.name, {})
        values = {}
        for configuration in CONFIGURATIONS:
            try:
                values[configuration] = self.derive(results, configuration)
            except KeyError:
                pass
        return values


@dataclass
class Curve:
    """
    The same number for 1, 10, 100...: NAME@1 and so on. In the end it may not be
    more than 5 % above the least, but for what the same grows in a plain kernel, whose
    hash tables fill and trees deepen, too.
    """
    name: str
    title: str
    steps: list[int]
    growth = 1.05

    def points(self, results, configuration):
        return [results.get(f"{self.name}@{n}", {}).get(configuration) for n in self.steps]

    def bound(self, results):
        plain = self.points(results, "plain")
        more = 0 if None in plain else max(plain[-1] - plain[0], 0)
        return min(self.points(results, "inside")) * self.growth + more


@dataclass
class Row:
    name: str
    configurations: list[str]
    lines: list[Line] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    options: dict = field(default_factory=dict)	 # of machine.run
    guest: str = ""	# the guest's name for it, if that is another
    suffix: str = ""	# of the names of its numbers then


@dataclass
class Set:
    name: str
    title: str
    rows: list[Row]


def over_plain(most):
    return lambda v, _: v["plain"] + most


def part_of_memcg(part):
    """Of the cheaper of its two limits, where a row has them both."""
    return lambda v, _: part * min(v[c] for c in ("memcg", "memcg-high") if c in v)


def between_root_and_memcg(part):
    """Over plain, that much of what a memory cgroup adds."""
    return lambda v, _: v["plain"] + part * (v["memcg"] - v["memcg-root"])


def times(factor, other):
    """That many times what another line has in the same configuration."""
    return {"inside": lambda _, results: factor * results[other]["inside"]}


PAGE_BOUNDS = {"inside": over_plain(80), "outside": over_plain(30), "none": over_plain(10)}

ANCHORS = Set("anchors", "Instructions for one unit", [
    Row("anon", EACH, [
        Line("anon", "anonymous page: fault, munmap", PAGE_BOUNDS)]),
    Row("tmpfs", EACH, [
        Line("tmpfs", "tmpfs page: write, truncate", PAGE_BOUNDS)]),
    Row("anon-limit", EACH, [
        Line("anon-limit", "anonymous page, far limit", PAGE_BOUNDS)]),
    Row("tmpfs-limit", EACH, [
        Line("tmpfs-limit", "tmpfs page, far limit", PAGE_BOUNDS)]),
    Row("map", EACH, [
        Line("map", "file page mapped: 1 a fault"),
        Line("map-around", "file page mapped: 16 a fault")]),
    Row("fork", EACH, [
        Line("fork", "fork, exit, wait", {"inside": over_plain(1500)})]),
    Row("fork-counted", EACH, [
        Line("fork-counted", "the same, kernel memory counted",
             {"inside": between_root_and_memcg(0.4)})], suffix="-counted"),
    Row("object", EACH, [
        Line("object", "message sent, received; counted", {"inside": over_plain(150)})]),
    Row("read", LIMITED, [
        Line("read", "ext4 page read, limit 16 MB", {"inside": over_plain(1000)})]),
    Row("write", LIMITED, [
        Line("write", "ext4 page written, limit 16 MB", {"inside": over_plain(1500)})]),
    Row("swap", LIMITED, [
        Line("swap", "anonymous page, limit 16 MB"),
        Line("swap-in", "the same, back from swap", {"inside": part_of_memcg(0.8)})]),
    Row("mkdir", GROUPS, [
        Line("mkdir", "mkdir of a group", {"inside": part_of_memcg(0.25)}),
        Line("rmdir", "rmdir of a group", {"inside": part_of_memcg(0.25)}),
        Line("rmdir-all", "rmdir with what is put off")]),
    Row("kmem", GROUPS, [
        Line("kmem", "bytes for a group", {"inside": lambda v, _: 6 * 1024}),
        Line("kmem-free", "the same, by MemFree")]),
])

TRIM = Set("trim", "Trimming", [
    Row("trim-page", GROUPS, [
        Line("trim-clean", "a clean file page trimmed"),
        Line("trim-dirty", "a dirty file page trimmed"),
        Line("trim-tmpfs", "a tmpfs page trimmed"),
        Line("trim-anon", "an anonymous page trimmed")]),
    Row("crossing", CROSSING, [
        Line("crossing-read", "us over the limit: 4 MB read"),
        Line("crossing-write", "us over the limit: 4 MB written"),
        Line("crossing-anon", "us over the limit: 4 MB touched")]),
    Row("stall", STALLS, [
        Line("stall-quiet", "us another waits: nobody trims", adds=False),
        Line("stall-read", "us another waits: reads trimmed", adds=False),
        Line("stall-write", "us another waits: writes trimmed", adds=False),
        Line("stall-anon", "us another waits: swapping", adds=False)]),
    Row("vma", GROUPS, [Line("vmas-1", "page trimmed, in 1 VMA")]),
    Row("vmas", GROUPS, [
        Line("vmas-100000", "page trimmed, in 100,000 VMAs", times(1.25, "vmas-1"))],
        options={"mem": "2G"}),
    Row("file", GROUPS, [Line("files-1", "page trimmed, of 1 file")], options={"mem": "2G"}),
    Row("files", GROUPS, [
        Line("files-100000", "page trimmed, of 100,000 files", times(1.25, "files-1"))],
        options={"mem": "3G", "timeout": 1800}),
])

STEPS = [1, 10, 100, 1000, 10000]
FILE_STEPS = [*STEPS, 100000]

SCALE = Set("scale", "With many of them", [
    Row("groups", ["plain", "memcg", "inside"], curves=[
        Curve("scale-mkdir", "mkdir", STEPS),
        Curve("scale-fork", "fork, exit, wait", STEPS),
        Curve("scale-anon", "anonymous page", STEPS),
        Curve("scale-stat", "one group's numbers", STEPS),
        Curve("scale-stat-all", "the same, read of all at once", STEPS),
        Curve("scale-rmdir", "rmdir", STEPS)],
        options={"mem": "3G", "timeout": 1800}),
    Row("owned", ["plain", "inside"], curves=[
        Curve("files-addfile", "addfile", FILE_STEPS),
        Curve("files-evict", "unlink, evict", FILE_STEPS),
        Curve("files-mappings", "a line of mappings", FILE_STEPS)],
        options={"mem": "2G", "timeout": 1800}),
])

CONTENTION = Set("contention", "Two processors: pages a second, in real time", [
    Row("contend", ["plain", "memcg", "none", "outside", "inside"], [
        Line("contend-one", "both tasks in one group", adds=False),
        Line("contend-two", "a group for each", adds=False)],
        options={"smp": 2, "icount": False}),
])


def per_page(results, configuration):
    """What is no longer free after boot, for each page of 1 GB."""
    free = results["memory-free"]
    return (free["plain"] - free[configuration]) / ((1 << 30) / 4096)


def per_cpu(results, configuration):
    return (results["kmem-smp4"][configuration] - results["kmem"][configuration]) / 3


MEMORY = Set("memory", "Memory, in bytes", [
    Row("objects", ["plain", "memcg", "none", "inside", "coexist"], [
        Line("memory-page", "for a page of the machine", derive=per_page),
        Line("memory-file", "for a file on tmpfs, inode and all"),
        Line("memory-task", "for a task, stack and all"),
        Line("memory-tmpfs-inode", "slab: inode of tmpfs"),
        Line("memory-ext4-inode", "slab: inode of ext4"),
        Line("memory-task-struct", "slab: task_struct"),
        Line("memory-mm-struct", "slab: mm_struct")]),
    Row("kmem-smp4", GROUPS, [
        Line("kmem-smp4", "for a group, with 4 processors"),
        Line("memory-cpu", "of that, for a processor", derive=per_cpu)],
        guest="kmem", suffix="-smp4", options={"smp": 4}),
])

SETS = [ANCHORS, TRIM, SCALE, CONTENTION, MEMORY]


def find(names):
    """The rows of these names or sets, or all."""
    rows = [row for group in SETS for row in group.rows]
    if not names:
        return rows
    known = {row.name for row in rows} | {group.name for group in SETS}
    unknown = set(names) - known
    if unknown:
        raise KeyError(f"there is no {', '.join(sorted(unknown))}; there are "
                       + ", ".join(sorted(known)))
    return [row for group in SETS for row in group.rows
            if row.name in names or group.name in names]
