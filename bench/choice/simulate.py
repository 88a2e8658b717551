# SPDX-License-Identifier: GPL-2.0
"""What other ways to choose would make of the same accesses.

An access is four times the number of a page, plus 1 if it is counted; with 2 it is none, and
the page is given back: "choice list". There is room for so many pages, whatever they are; a
page that has been there before and is not now has come back. The functions return how many
of the counted accesses that were.
"""

import array
import collections
import heapq
import random
import subprocess

ROOM = 8192	# pages: 32 MB


def accesses(program, row):
    done = subprocess.run([program, "list", row], stdout=subprocess.PIPE, check=True)
    return array.array("I", done.stdout)


def counted(trace):
    return sum(access & 1 for access in trace)


def lru(trace, room=ROOM):
    there, seen, again = collections.OrderedDict(), set(), 0
    for access in trace:
        page = access >> 2
        if access & 2:
            there.pop(page, None)
            continue
        if page in there:
            there.move_to_end(page)
            continue
        again += access & 1 and page in seen
        seen.add(page)
        there[page] = True
        if len(there) > room:
            there.popitem(last=False)
    return again


def at_random(trace, room=ROOM):
    chance = random.Random(1)
    there, place, seen, again = [], {}, set(), 0
    for access in trace:
        page = access >> 2
        if access & 2:
            if page in place:
                # the last one takes its place
                i, other = place.pop(page), there.pop()
                if other != page:
                    there[i], place[other] = other, i
            continue
        if page in place:
            continue
        again += access & 1 and page in seen
        seen.add(page)
        if len(there) < room:
            place[page] = len(there)
            there.append(page)
            continue
        i = chance.randrange(room)
        del place[there[i]]
        there[i], place[page] = page, i
    return again


def ideal(trace, room=ROOM):
    """Belady's: the one goes that is used again last, which nobody can know."""
    never = len(trace)
    following, last = array.array("l", [never]) * len(trace), {}
    for i in range(len(trace) - 1, -1, -1):
        page = trace[i] >> 2
        following[i] = last.get(page, never)
        last[page] = never if trace[i] & 2 else i
    there, heap, seen, again = {}, [], set(), 0
    for i, access in enumerate(trace):
        page = access >> 2
        if access & 2:
            there.pop(page, None)
            continue
        if page not in there:
            again += access & 1 and page in seen
            seen.add(page)
            while len(there) >= room:
                when, other = heapq.heappop(heap)
                # what was used since is in the heap once more
                if there.get(other) == -when:
                    del there[other]
        there[page] = following[i]
        heapq.heappush(heap, (-following[i], page))
    return again


POLICIES = {"lru": lru, "random": at_random, "ideal": ideal}
