# SPDX-License-Identifier: LGPL-2.1-or-later
"""Containers of the Linux kernel, managed through configfs: libctn in Python.

    import ctn

    tree = ctn.Tree()
    web = tree.create("web")
    web["page_limit"] = "64M"
    web.add_task(os.getpid())
    print(web.usage, web["page_limit"], web.stats["rounds"])
    with tree.watch(["web"]) as watch:
        for event in watch:
            print(event.name, event.attr, event.value)

Memory is in pages of os.sysconf("SC_PAGESIZE") bytes. A limit that is none is MAX,
which is more than any other number. What libctn refuses, the kernel's refusals
included, is an OSError with its errno, often of a subclass such as FileNotFoundError,
and its strerror names the file, the value and the reason. What can be refused, and
why, is in <ctn.h>. Names and paths are str, with os.fsencode()'s escapes.
"""

import errno
import math
import os
import select
import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Optional, Union

from ctn._ctn import ffi as _ffi
from ctn._ctn import lib as _lib

__all__ = ["MAX", "VALUE_MAX", "NAME_MAX", "Beancounter", "Container", "Event", "Mapping", "Tree",
           "Watch", "escape", "parse_pages", "resource_unit", "unescape"]

#: No limit.
MAX: int = _lib.CTN_MAX
#: The longest value that an attribute takes, in bytes.
VALUE_MAX: int = _lib.CTN_VALUE_MAX
#: The longest name of a container, in bytes.
NAME_MAX: int = _lib.CTN_NAME_MAX


def _text(pointer: Any) -> str:
    return os.fsdecode(_ffi.string(pointer))


def _bytes(text: Union[str, os.PathLike[str]]) -> bytes:
    encoded = os.fsencode(text)
    if b"\0" in encoded:
        raise ValueError("embedded null byte")
    return encoded


__version__: str = _text(_lib.ctn_version())


def _check(failed: bool) -> None:
    """Raise what the function of libctn that was called last has failed with."""
    if failed:
        raise OSError(_ffi.errno, _text(_lib.ctn_errmsg()))


def _is_there(ret: int) -> bool:
    """What the function of libctn that was called last, and returned ret, was asked."""
    if ret != 0 and _ffi.errno == errno.ENOENT:
        return False
    _check(ret != 0)
    return True


def _owned(pointer: Any, free: Any) -> Any:
    """A pointer that libctn has returned, and is to be freed in the end."""
    _check(pointer == _ffi.NULL)
    return _ffi.gc(pointer, free)


def _taken(pointer: Any) -> str:
    return _text(_owned(pointer, _lib.free))


def _names(array: Any) -> list[str]:
    array = _owned(array, _lib.ctn_names_free)
    names: list[str] = []
    while array[len(names)] != _ffi.NULL:
        names.append(_text(array[len(names)]))
    return names


def _array(names: Optional[Iterable[str]]) -> tuple[Any, list[Any]]:
    """What libctn takes for a list of names, and what that points to."""
    if names is None:
        return _ffi.NULL, []
    if isinstance(names, str):
        raise TypeError("a list of names is wanted, not one name")
    kept = [_ffi.new("char[]", _bytes(name)) for name in names]
    return _ffi.new("char *[]", kept + [_ffi.NULL]), kept


def _value(value: Union[str, int]) -> bytes:
    if isinstance(value, int):
        if value < 0:
            raise ValueError("a negative number is no value")
        return b"max" if value == MAX else str(value).encode()
    return _bytes(value)


def _read(attr: str, text: str) -> Union[int, str]:
    """The text of an attribute as what it is."""
    known = _lib.ctn_attr_find(_bytes(attr))
    if known != _ffi.NULL and known.kind in (_lib.CTN_KIND_COUNT, _lib.CTN_KIND_PAGES):
        if text == "max":
            return MAX
        if text.isascii() and text.isdigit():
            return int(text)
    return text


def escape(text: str) -> str:
    """Make text safe to send to a terminal, and one word."""
    return _taken(_lib.ctn_escape(_bytes(text)))


def unescape(text: str) -> str:
    """Undo escape()."""
    return _taken(_lib.ctn_unescape(_bytes(text)))


def resource_unit(resource: str) -> Optional[str]:
    """What beancounters count a resource in: "count", "pages" or "bytes"; None if unknown."""
    known = _lib.ctn_resource_find(_bytes(resource))
    if known == _ffi.NULL:
        return None
    return {_lib.CTN_UNIT_COUNT: "count", _lib.CTN_UNIT_PAGES: "pages",
            _lib.CTN_UNIT_BYTES: "bytes"}[known.unit]


def parse_pages(text: str) -> int:
    """Read a size as the kernel does: pages, or bytes with K, M, G or T, or "max"."""
    pages = _ffi.new("uint64_t *")
    _check(_lib.ctn_parse_pages(_bytes(text), pages) != 0)
    return int(pages[0])


class Mapping(NamedTuple):
    """A file that a container owns, or has memory in."""

    pages: int
    major: int
    minor: int
    inode: int
    #: from the root of its file system, if it has a path
    fspath: Optional[str]
    #: in the mount namespace of this process, if it has one there
    path: Optional[str]


class Beancounter(NamedTuple):
    """What a container holds of a resource; MAX is no limit."""

    held: int
    #: the most and the least since the last reset
    maxheld: int
    minheld: int
    barrier: int
    limit: int
    #: how often a charge found no room and failed
    failcnt: int


class Event(NamedTuple):
    """Something that has happened."""

    #: "count", "added" or "removed"
    type: str
    #: of the container
    name: str
    #: the counter that has grown, for "count"
    attr: Optional[str]
    value: int
    #: since its last event
    increase: int


class Container:
    """A container, opened by Tree.create() or Tree.open(): this one, and never another
    that has its name later. When it was removed, what is called on it is a
    FileNotFoundError.

    It holds a descriptor of its directory until close(), the end of its with, or until
    nothing refers to it any more; as long as it does, configfs cannot be unmounted."""

    def __init__(self, handle: Any) -> None:
        self._handle = _owned(handle, _lib.ctn_close)

    def __repr__(self) -> str:
        return "<ctn.Container closed>" if self._handle is None else \
            f"<ctn.Container {self.name!r}>"

    def __enter__(self) -> "Container":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give its descriptor back. The container lives on."""
        if self._handle is not None:
            _ffi.release(self._handle)
            self._handle = None

    @property
    def _ctn(self) -> Any:
        if self._handle is None:
            raise ValueError("the container is closed")
        return self._handle

    def fileno(self) -> int:
        """The descriptor of its directory, with O_PATH."""
        return int(_lib.ctn_fd(self._ctn))

    def exists(self) -> bool:
        """Whether it is there still; another of its name does not count."""
        return _is_there(_lib.ctn_exists(self._ctn))

    def remove(self) -> None:
        """Remove it, and no other. What is in it goes on without a container."""
        _check(_lib.ctn_remove(self._ctn) != 0)

    @property
    def name(self) -> str:
        return _text(_lib.ctn_name(self._ctn))

    @property
    def path(self) -> str:
        """Its directory, such as "/config/containers/web"."""
        return _text(_lib.ctn_path(self._ctn))

    def __getitem__(self, attr: str) -> Union[int, str]:
        """Read an attribute: a number where it is one, else its text."""
        return _read(attr, self.get(attr))

    def __setitem__(self, attr: str, value: Union[str, int]) -> None:
        """Write an attribute."""
        _check(_lib.ctn_set(self._ctn, _bytes(attr), _value(value)) != 0)

    def __contains__(self, attr: str) -> bool:
        """Whether this kernel has the attribute."""
        return _is_there(_lib.ctn_has(self._ctn, _bytes(attr)))

    def __iter__(self) -> Iterator[str]:
        """The names of its attributes on this kernel."""
        return iter(_names(_lib.ctn_attrs(self._ctn)))

    def get(self, attr: str) -> str:
        """The text of an attribute, whole."""
        return _taken(_lib.ctn_get(self._ctn, _bytes(attr)))

    @property
    def usage(self) -> int:
        """Pages charged to it."""
        pages = _ffi.new("uint64_t *")
        _check(_lib.ctn_usage(self._ctn, pages) != 0)
        return int(pages[0])

    def shrink(self, pages: int) -> None:
        """Trim it now until no more than so many pages are charged to it. Blocks."""
        _check(_lib.ctn_shrink(self._ctn, pages) != 0)

    @property
    def stats(self) -> dict[str, int]:
        """All its numbers, and what the kernel has done about its limits."""
        stats = _owned(_lib.ctn_stats_read(self._ctn), _lib.ctn_stats_free)
        return {_text(_lib.ctn_stats_key(stats, i)): int(_lib.ctn_stats_value(stats, i))
                for i in range(_lib.ctn_stats_count(stats))}

    @property
    def beancounters(self) -> dict[str, Beancounter]:
        """What it holds of each resource that the kernel counts."""
        bcs = _owned(_lib.ctn_bcs_read(self._ctn), _lib.ctn_bcs_free)
        found = _ffi.new("uint64_t *")

        def number(i: int, what: int) -> int:
            _check(_lib.ctn_bcs_number(bcs, i, what, found) != 0)
            return int(found[0])

        order = (_lib.CTN_BC_HELD, _lib.CTN_BC_MAXHELD, _lib.CTN_BC_MINHELD,
                 _lib.CTN_BC_BARRIER, _lib.CTN_BC_LIMIT, _lib.CTN_BC_FAILCNT)
        return {_text(_lib.ctn_bcs_resource(bcs, i)):
                Beancounter(*(number(i, what) for what in order))
                for i in range(_lib.ctn_bcs_count(bcs))}

    def set_beancounter(self, resource: str, barrier: Union[str, int],
                        limit: Union[str, int]) -> None:
        """Set the barrier and the limit of a resource, both at once."""
        _check(_lib.ctn_bc_set(self._ctn, _bytes(resource), _value(barrier),
                               _value(limit)) != 0)

    def reset_beancounter(self, resource: str) -> None:
        """Have maxheld and minheld of a resource begin anew."""
        _check(_lib.ctn_bc_reset(self._ctn, _bytes(resource)) != 0)

    @property
    def tasks(self) -> list[int]:
        """The threads in it."""
        where = _ffi.new("pid_t **")
        count = _lib.ctn_tasks(self._ctn, where)
        _check(count < 0)
        return list(_ffi.unpack(_ffi.gc(where[0], _lib.free), count))

    def add_task(self, pid: int) -> None:
        """Move a process into it, with all its threads."""
        _check(_lib.ctn_add_task(self._ctn, pid) != 0)

    def rm_task(self, pid: int) -> None:
        """Move a process out of it."""
        _check(_lib.ctn_rm_task(self._ctn, pid) != 0)

    @property
    def mappings(self) -> list[Mapping]:
        """The files that it owns, or has memory in."""
        where = _ffi.new("struct ctn_mapping ***")
        count = _lib.ctn_mappings(self._ctn, where)
        _check(count < 0)
        found = _ffi.gc(where[0], _lib.ctn_mappings_free)

        def path(pointer: Any) -> Optional[str]:
            return None if pointer == _ffi.NULL else _text(pointer)

        return [Mapping(int(m.pages), m.major, m.minor, int(m.inode), path(m.fspath),
                        path(m.path)) for m in _ffi.unpack(found, count)]

    def add_file(self, path: Union[str, os.PathLike[str]]) -> None:
        """Make it the owner of a file."""
        _check(_lib.ctn_add_file(self._ctn, _bytes(path)) != 0)

    def rm_file(self, path: Union[str, os.PathLike[str]]) -> None:
        """Take a file from it."""
        _check(_lib.ctn_rm_file(self._ctn, _bytes(path)) != 0)


class Watch:
    """What happens to containers: made by Tree.watch(). For one thread at a time."""

    _TYPES = {_lib.CTN_EVENT_COUNT: "count", _lib.CTN_EVENT_ADDED: "added",
              _lib.CTN_EVENT_REMOVED: "removed"}

    def __init__(self, handle: Any) -> None:
        self._watch = _owned(handle, _lib.ctn_watch_close)

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._watch is not None:
            _ffi.release(self._watch)
            self._watch = None

    def _open(self) -> Any:
        if self._watch is None:
            raise ValueError("the watch is closed")
        return self._watch

    def fileno(self) -> int:
        """Readable, for select and the like, when next() has something to do."""
        return int(_lib.ctn_watch_fd(self._open()))

    def __len__(self) -> int:
        """How many containers are watched now."""
        return int(_lib.ctn_watch_count(self._open()))

    def next(self, timeout: Optional[float] = 0) -> Optional[Event]:
        """The next event. Waits for it so many seconds, or without end if that is
        None, and returns None if there is none by then."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            watch = self._open()
            found = _lib.ctn_watch_take(watch)
            _check(found < 0)
            if found:
                attr = _lib.ctn_watch_attr(watch)
                return Event(self._TYPES[_lib.ctn_watch_type(watch)],
                             _text(_lib.ctn_watch_name(watch)),
                             None if attr == _ffi.NULL else _text(attr),
                             int(_lib.ctn_watch_value(watch)),
                             int(_lib.ctn_watch_increase(watch)))
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return None
            # select() takes no descriptor above 1023
            poll = select.poll()
            poll.register(self, select.POLLIN)
            poll.poll(None if left is None else math.ceil(left * 1000))

    def __iter__(self) -> Iterator[Event]:
        """Events, one after the other, without end."""
        while True:
            event = self.next(None)
            if event is not None:
                yield event


class Tree:
    """The directory of all containers, and their names in the order that people
    count in."""

    def __init__(self, configfs: Optional[str] = None) -> None:
        """Find it where configfs is mounted, or in the configfs that is given."""
        where = _ffi.NULL if configfs is None else _bytes(configfs)
        self._tree = _owned(_lib.ctn_tree_open(where), _lib.ctn_tree_close)

    def __repr__(self) -> str:
        return f"<ctn.Tree {self.path!r}>"

    @property
    def path(self) -> str:
        """Its directory, such as "/config/containers"."""
        return _text(_lib.ctn_tree_path(self._tree))

    def __iter__(self) -> Iterator[str]:
        return iter(_names(_lib.ctn_tree_names(self._tree)))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, name: str) -> bool:
        return name in list(iter(self))

    def __getitem__(self, name: str) -> Container:
        """The container of this name. A KeyError if there is none."""
        try:
            return self.open(name)
        except FileNotFoundError:
            raise KeyError(name) from None

    def __delitem__(self, name: str) -> None:
        """Remove a container. A KeyError if there is none."""
        try:
            self.delete(name)
        except FileNotFoundError:
            raise KeyError(name) from None

    def open(self, name: str) -> Container:
        """The container of this name."""
        return Container(_lib.ctn_open(self._tree, _bytes(name)))

    def create(self, name: str) -> Container:
        """Make a container."""
        return Container(_lib.ctn_create(self._tree, _bytes(name)))

    def delete(self, name: str) -> None:
        """Remove a container. What is in it goes on without one."""
        _check(_lib.ctn_delete(self._tree, _bytes(name)) != 0)

    @property
    def attrs(self) -> list[str]:
        """The names of the attributes of the tree itself."""
        return _names(_lib.ctn_tree_attrs(self._tree))

    def get(self, attr: str) -> Union[int, str]:
        """Read one of these: a number where it is one, else its text."""
        return _read(attr, _taken(_lib.ctn_tree_get(self._tree, _bytes(attr))))

    def set(self, attr: str, value: Union[str, int]) -> None:
        """Write one of these."""
        _check(_lib.ctn_tree_set(self._tree, _bytes(attr), _value(value)) != 0)

    def watch(self, names: Optional[Iterable[str]] = None, wait: bool = False) -> Watch:
        """Begin to watch containers, or all of them; with wait, also those that are
        not there yet."""
        begin = _lib.ctn_watch_await if wait else _lib.ctn_watch_open
        array, _kept = _array(names)
        return Watch(begin(self._tree, array))
