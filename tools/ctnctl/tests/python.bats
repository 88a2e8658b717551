#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154
#
# ctn for Python, on libctn. What libctn does is tested in the other suites; here is
# whether all of it is there, and is Python's.

load helper

eval "$(declare -f setup_file | sed '1s/.*/set_up_kernel()/')"
setup_file() {
	# a module with a sanitizer in it is not loaded by a Python without: see setup()
	[[ ! ${ASAN_OPTIONS-} ]] || return 0
	set_up_kernel
	make -s -C "$CTNCTL_SOURCE" BUILD="$BATS_FILE_TMPDIR/build" PREFIX="$BATS_FILE_TMPDIR/usr" \
		install install-python >&2
	export PYTHONPATH=$BATS_FILE_TMPDIR/usr/lib/python3/dist-packages
}

eval "$(declare -f setup | sed '1s/.*/set_up_tree()/')"
setup() {
	[[ ! ${ASAN_OPTIONS-} ]] || skip "not with sanitizers"
	set_up_tree
}

# py [ARGUMENT...]: the program on standard input, in which there are a tree and the
# container web.
py() {
	{
		printf '%s\n' 'import errno, os, sys, ctn' \
			'tree = ctn.Tree(os.environ["CTN_CONFIG"])' \
			'web = tree.open("web") if "web" in tree else None'
		cat
	} >"$BATS_TEST_TMPDIR/program.py"
	run /usr/bin/python3 "$BATS_TEST_TMPDIR/program.py" "$@"
}

@test "containers are made, listed, found and removed" {
	py <<-'PY'
		os.mkdir(tree.path + "/web10")
		web = tree.create("web2")
		print(list(tree), len(tree), "web2" in tree, "web3" in tree)
		print(tree, web, web.name, web.path == tree.path + "/web2")
		del tree["web2"]
		print(list(tree))
		for name, error in ("web2", KeyError), ("a/b", OSError):
		    try:
		        tree[name]
		    except error as e:
		        print(type(e).__name__, e.args[0])
		try:
		    del tree["web2"]
		except KeyError as e:
		    print("KeyError", e)
	PY
	assert_success
	assert_output "['web2', 'web10'] 2 True False
<ctn.Tree '$tree'> <ctn.Container 'web2'> web2 True
['web10']
KeyError web2
OSError 22
KeyError 'web2'"
}

@test "an object means the container that was opened, until it is closed" {
	container web page_limit=7
	container ../other page_limit=8
	py <<-'PY'
		print(web.exists(), os.fstat(web.fileno()).st_ino == os.stat(web.path).st_ino)
		os.system(f"rm -r {web.path} && mv {tree.path}/../other {web.path}")
		print(web.exists(), tree["web"]["page_limit"])
		for what in web.remove, lambda: web["page_limit"]:
		    try:
		        what()
		    except FileNotFoundError as e:
		        print(e.strerror.replace(tree.path, "TREE"))
		with tree.create("new") as new:
		    new.remove()
		    print(new.exists(), os.path.exists(new.path))
		print(new)
		try:
		    new.name
		except ValueError as e:
		    print(e)
	PY
	assert_success
	assert_output "True True
False 8
TREE/web: No such container
TREE/web: No such container
False False
<ctn.Container closed>
the container is closed"
}

@test "attributes are numbers where they are, and text where not" {
	container web page_limit=16384 over_limit=deactivate num_tasks=0
	py <<-'PY'
		print(web["page_limit"], web["rss_limit"] == ctn.MAX, web["over_limit"], web["tasks"] == "")
		print("page_limit" in web, "no_such" in web, "page_limit" in list(web))
		for value in "64M", 7, ctn.MAX, "max":
		    web["page_limit"] = value
		    print(repr(web.get("page_limit")))
		tree.set("default_page_limit", 500)
		print(tree.get("default_page_limit"), tree.get("default_task_limit") == ctn.MAX,
		      tree.get("description"), tree.attrs)
	PY
	assert_success
	assert_output "16384 True deactivate True
True False True
'64M'
'7'
'max'
'max'
500 True a tree of files ['default_page_limit', 'default_task_limit', 'description']"
}

@test "what is refused is an OSError that says why, or is no value at all" {
	container web
	picky "$tree/web/page_limit"
	py <<-'PY'
		def refused(what, *args):
		    try:
		        what(*args)
		    except Exception as e:
		        print(type(e).__name__, getattr(e, "errno", None), getattr(e, "strerror", e))
		refused(tree.open, "none")
		refused(tree.create, "web")
		refused(web.__setitem__, "page_limit", "12Q")
		refused(web.get, "none")
		refused(ctn.Tree, "/nonexistent")
		refused(web.__setitem__, "page_limit", -1)
		refused(tree.open, "a\0b")
		refused(tree.watch, "web")
		refused(ctn.parse_pages, "64MB")
	PY
	assert_success
	assert_line --index 0 "FileNotFoundError 2 $tree/none: No such container"
	assert_line --index 1 --regexp '^FileExistsError 17 .*/web: '
	assert_line --index 2 --regexp '^OSError 22 .*/page_limit: "12Q": Invalid argument'
	assert_line --index 3 --regexp '^FileNotFoundError 2 .*/web/none: No such attribute'
	assert_line --index 4 'FileNotFoundError 2 /nonexistent: No such file or directory'
	assert_line --index 5 'ValueError None a negative number is no value'
	assert_line --index 6 'ValueError None embedded null byte'
	assert_line --index 7 'TypeError None a list of names is wanted, not one name'
	assert_line --index 8 --regexp '^OSError 22 '
}

@test "tasks, files, usage and statistics" {
	container web num_anon_pages=40 num_file_pages=2
	printf '7\n12\n' >"$tree/web/tasks"
	printf 'rounds 3\nscanned 99\n' >"$tree/web/stat"
	printf '%s\n' '5 0:999999 12 /a\040b' '6 0:999999 13 -' >"$tree/web/mappings"
	touch f
	py "$PWD/f" <<-'PY'
		print(web.tasks, web.usage, web.stats)
		for mapping in web.mappings:
		    print(mapping.pages, mapping.inode, mapping.fspath, mapping.path)
		web.add_task(12)
		web.rm_task(13)
		web.add_file(sys.argv[1])
		print(web.get("addtask"), web.get("rmtask"), web.get("addfile") == sys.argv[1])
		print(ctn.escape("a b\n"), ctn.parse_pages("max") == ctn.MAX)
		print(ctn.unescape(ctn.escape("a\u00a0\udcff")) == "a\u00a0\udcff")
	PY
	assert_success
	assert_output "[7, 12] 42 {'rounds': 3, 'scanned': 99}
5 12 /a b None
6 13 None None
12 13 True
a\\x20b\\x0a True
True"
}

@test "names and paths that are not UTF-8 come back as they were" {
	container $'web\xff'
	py <<-'PY'
		name = list(tree)[0]
		print(os.fsencode(name), tree[name].name == name)
	PY
	assert_success
	assert_output "b'web\\xff' True"
}

@test "a watch tells of counters that grow, and of containers that come and go" {
	container web
	container ../later
	py <<-'PY'
		import shutil
		def grow(name, value):
		    with open(f"{tree.path}/web/{name}", "r+") as f:
		        f.write(str(value))
		with tree.watch() as watch:
		    print(len(watch), watch.next())
		    grow("page_limit_hits", 3)
		    print(watch.next(10))
		    grow("rss_failcnt", 2)
		    for event in watch:
		        print(event.attr, event.increase)
		        break
		    shutil.rmtree(tree.path + "/web")
		    print(watch.next(10))
		try:
		    watch.next()
		except ValueError as e:
		    print(e)
		with tree.watch(["later"], wait=True) as watch:
		    os.symlink("../later", tree.path + "/later")
		    print(watch.next(10))
	PY
	assert_success
	assert_output "1 None
Event(type='count', name='web', attr='page_limit_hits', value=3, increase=3)
rss_failcnt 2
Event(type='removed', name='web', attr=None, value=0, increase=0)
the watch is closed
Event(type='added', name='later', attr=None, value=0, increase=0)"
}

@test "beancounters are read, set and reset" {
	container web
	printf '%s\n' 'resource held maxheld minheld barrier limit failcnt' \
		'numproc 3 5 1 30 max 2' >"$tree/web/beancounters"
	py <<-'PY'
		rows = web.beancounters
		print(rows, rows["numproc"].limit == ctn.MAX)
	PY
	assert_success
	assert_output "{'numproc': Beancounter(held=3, maxheld=5, minheld=1, barrier=30,\
 limit=18446744073709551615, failcnt=2)} True"
	py <<-'PY'
		web.set_beancounter("physpages", "32M", ctn.MAX)
		print(web.get("beancounters"))
		web.reset_beancounter("physpages")
		print(web.get("beancounters"))
	PY
	assert_success
	assert_line --index 0 'physpages 32M max'
	assert_line --partial 'physpages reset'
	py <<<'print(*map(ctn.resource_unit, ("numfile", "physpages", "kmemsize", "none")))'
	assert_output 'count pages bytes None'
}

@test "all functions of the header are used, and checkers know all types" {
	for name in $(grep -oE '\bctn_[a-z_]+\(' "$PYTHONPATH/../../../include/ctn.h" | tr -d '(' | sort -u); do
		case $name in
		# a number is read by ctn_get(), and known attributes are the help's
		ctn_get_number | ctn_attr_at | ctn_resource_at) continue ;;
		# and of these there are better ones
		ctn_stats | ctn_bc_list | ctn_watch_next) continue ;;
		esac
		assert grep -q "_lib\.$name\b" "$PYTHONPATH/ctn/__init__.py"
	done
	assert [ -f "$PYTHONPATH/ctn/py.typed" ]
	hash mypy 2>/dev/null || skip "there is no mypy here"
	run mypy --strict --cache-dir="$BATS_TEST_TMPDIR" "$PYTHONPATH/ctn"
	assert_success
}

@test "all that is public is exported, and a watch waits on any descriptor" {
	container web
	py <<-'PY'
		public = {name for name, value in vars(ctn).items() if not name.startswith("_")
		          and getattr(value, "__module__", "") == "ctn"}
		print(sorted(public - set(ctn.__all__)))
		import resource, threading
		hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
		resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 1100), hard))
		files = [os.open("/dev/null", os.O_RDONLY) for _ in range(1030)]
		def grow():
		    with open(f"{tree.path}/web/rss_failcnt", "r+") as f:
		        f.write("3")
		with tree.watch() as watch:
		    threading.Timer(0.3, grow).start()
		    print(watch.fileno() > 1023, watch.next(0.001), watch.next(10).value)
	PY
	assert_success
	assert_output "[]
True None 3"
}
