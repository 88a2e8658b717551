# SPDX-License-Identifier: GPL-2.0
"""The guests of the benchmark: what they boot with, and what they print.

A guest is QEMU with one processor that counts instructions (-icount shift=0),
a kernel of configs/bench*.config, and an initramfs that holds one static
program, bench/guest. Nothing in it is random: QEMU's generator has a seed, the
clock begins at the same date, and addresses are not randomized. So a number
repeats, to the last digit mostly.
"""

import os
import re
import struct
import subprocess
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
BUILD = os.path.join(TOP, "build")
OURS = os.path.join(BUILD, "bench")
DISK_MB = 256

# What tests/vm/run looks for in a kernel's log, in short: the guests here print
# nothing else from the level of a warning up.
REPORTS = re.compile(rb"^(?!= |bench: |(\[.*\] )?reboot: Restarting|mtrr: |tsc: |\s*$).*", re.M)


class Failure(Exception):
    """There is no number to be had."""


def make_disk():
    """An empty ext4 file system: its blocks that are not all zeros, each after its number."""
    path = os.path.join(OURS, "ext4")
    if os.path.exists(path):
        return path
    with tempfile.NamedTemporaryFile(dir=OURS) as image:
        image.truncate(DISK_MB << 20)
        subprocess.run(
            ["mkfs.ext4", "-q", "-F", "-b", "4096", "-N", "131072",
             "-U", "00000000-0000-4000-8000-000000000000",
             "-E", "lazy_itable_init=0,lazy_journal_init=0,assume_storage_prezeroed=1,"
             "hash_seed=00000000-0000-4000-8000-000000000001", image.name],
            check=True, env={**os.environ, "E2FSPROGS_FAKE_TIME": "1700000000",
                             "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})
        fresh = path + ".new"
        with open(fresh, "wb") as out:
            number = 0
            while block := image.read(4096):
                if any(block):
                    out.write(struct.pack("<Q", number) + block)
                number += 1
        os.rename(fresh, path)
    return path


def build():
    """The guest's program, and the initramfs."""
    os.makedirs(OURS, exist_ok=True)
    subprocess.run(["make", "-s", "-C", os.path.join(TOP, "bench", "guest"),
                    f"BUILD={OURS}"], check=True)
    make_disk()
    with tempfile.TemporaryDirectory(dir=OURS) as work:
        os.link(os.path.join(OURS, "guest"), os.path.join(work, "init"))
        os.link(os.path.join(OURS, "ext4"), os.path.join(work, "ext4"))
        made = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "--reproducible"],
                              cwd=work, input=b"init\next4\n", stdout=subprocess.PIPE, check=True)
        fresh = os.path.join(work, "initramfs")
        with open(fresh, "wb") as out:
            out.write(made.stdout)
        # Others may be about to boot from the old one.
        os.rename(fresh, os.path.join(OURS, "initramfs"))


def command(kernel, arguments, mem="1G", smp=1, icount=True, plugin=None):
    # The kernels are built without mitigations and KASLR.
    parameters = ["console=ttyS0", "loglevel=5", "panic=-1", "oops=panic", "reboot=t",
                  "rdinit=/init", "norandmaps",
                  # To try the timer's interrupt, and to calibrate the local APIC's
                  # timer, the kernel polls for 0.1 s each, which takes QEMU longer
                  # than all the rest; the PIT does as well.
                  "no_timer_check",
                  *(["noapictimer"] if icount else []),
                  f"brd.rd_size={DISK_MB << 10}", "--", *arguments]
    return [
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
        "-no-reboot", "-machine", "pc,hpet=off", "-cpu", "max", "-seed", "1",
        *(["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off",
           "-rtc", "base=2024-01-01,clock=vm"] if icount
          else ["-accel", "tcg,thread=multi"]),
        *(["-plugin", plugin] if plugin else []),
        "-smp", f"{smp},sockets={smp}", "-m", mem, "-serial", "stdio",
        "-kernel", os.path.join(BUILD, kernel, "arch/x86/boot/bzImage"),
        "-initrd", os.path.join(OURS, "initramfs"), "-append", " ".join(parameters)]


def run(kernel, arguments, timeout=600, **options):
    """Boot, run one row, and return its numbers by their names."""
    where = f"{kernel}: {' '.join(arguments)}"
    try:
        done = subprocess.run(command(kernel, arguments, **options), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=timeout, check=False)
    except subprocess.TimeoutExpired as late:
        raise Failure(f"{where}: not done after {timeout} seconds\n"
                      + (late.stdout or b"").decode(errors="replace")) from None
    out = done.stdout.replace(b"\r", b"")
    if not re.search(rb"^bench: done$", out, re.M) or REPORTS.search(out):
        raise Failure(f"{where}:\n{out.decode(errors='replace')}")
    return {name: float(value) for name, value in
            re.findall(r"^= (\S+) (\S+)$", out.decode(), re.M)}
