#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154
#
# libctn, as a program that links to it has it.

load helper

setup_file() {
	make -s -C "$CTNCTL_SOURCE" BUILD="$BATS_FILE_TMPDIR/build" \
		PREFIX="$BATS_FILE_TMPDIR/usr" install
	export PREFIX=$BATS_FILE_TMPDIR/usr
	export PKG_CONFIG_PATH=$PREFIX/lib/pkgconfig
	export LD_LIBRARY_PATH=$PREFIX/lib
	export CTNCTL=$PREFIX/sbin/ctnctl
}

# compile NAME [CC-ARGUMENT...] <SOURCE
compile() {
	# shellcheck disable=SC2046
	"${CC:-cc}" -std=c11 -Wall -Wextra -Werror -pedantic -xc - \
		-o "$BATS_TEST_TMPDIR/$1" "${@:2}" \
		$(pkg-config --cflags --libs libctn)
}

@test "the header stands on its own in C and C++" {
	for language in 'c -std=c11' 'c++ -std=c++11'; do
		# shellcheck disable=SC2086
		run cc -x$language -Wall -Wextra -Werror -pedantic -fsyntax-only \
			"$PREFIX/include/ctn.h"
		assert_success
		assert_output ''
	done
}

@test "a program finds the library through pkg-config" {
	container web page_limit=7
	compile program "-DCONFIG=\"$CTN_CONFIG\"" <<-'C'
		#include <ctn.h>
		#include <stdio.h>
		int main(void)
		{
			struct ctn_tree *tree = ctn_tree_open(CONFIG);
			struct ctn *ctn = tree ? ctn_open(tree, "web") : NULL;
			uint64_t limit;
			if (!ctn || ctn_get_number(ctn, "page_limit", &limit)) {
				puts(ctn_errmsg());
				return 1;
			}
			printf("%s %d %s\n", ctn_name(ctn), (int)limit, ctn_version());
			ctn_close(ctn);
			ctn_tree_close(tree);
			return 0;
		}
	C
	run ${UNDER:+"$UNDER"} "$BATS_TEST_TMPDIR/program"
	assert_success
	assert_output --regexp '^web 7 [0-9.]+$'
}

# other_program: one that opens web, and has it replaced by another of its name.
other_program() {
	container web page_limit=7
	container ../other page_limit=8
	compile other "-DCONFIG=\"$CTN_CONFIG\"" <<-'C'
		#include <ctn.h>
		#include <errno.h>
		#include <inttypes.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		static void say(const char *what, int failed)
		{
			printf("%s: %s\n", what, !failed ? "done" :
			       errno == ENOENT ? ctn_errmsg() : strerror(errno));
		}
		int main(int argc, char **argv)
		{
			struct ctn_tree *tree = ctn_tree_open(CONFIG);
			struct ctn *ctn = tree ? ctn_open(tree, "web") : NULL;
			uint64_t limit = 0;
			pid_t *tids;
			if (!ctn || ctn_exists(ctn) || ctn_fd(ctn) < 0)
				return 1;
			if (argc > 1 && system(argv[1]))
				return 2;
			say("exists", ctn_exists(ctn));
			say("get", ctn_get_number(ctn, "page_limit", &limit));
			printf("%d\n", (int)limit);
			say("set", ctn_set(ctn, "page_limit", "77"));
			say("has", ctn_has(ctn, "page_limit"));
			say("tasks", ctn_tasks(ctn, &tids) < 0);
			say("attrs", !ctn_attrs(ctn));
			say("remove", ctn_remove(ctn));
			ctn_close(ctn);
			ctn_tree_close(tree);
			return 0;
		}
	C
}

@test "a container object is the container that was opened, and not another of its name" {
	other_program
	run ${UNDER:+"$UNDER"} "$BATS_TEST_TMPDIR/other" \
		"rm -r '$tree/web' && mv '$CTN_CONFIG/other' '$tree/web'"
	assert_success
	gone="$tree/web: No such container"
	assert_output "exists: $gone
get: $gone
0
set: $gone
has: $gone
tasks: $gone
attrs: $gone
remove: $gone"
	assert_equal "$(<"$tree/web/page_limit")" 8
}

@test "what another of its name has counted is no event of a container that has gone" {
	container ../web page_limit_hits=5
	container ../other page_limit_hits=7
	ln -s ../web "$tree/web"
	compile events "-DCONFIG=\"$CTN_CONFIG\"" <<-'C'
		#include <ctn.h>
		#include <stdio.h>
		#include <stdlib.h>
		int main(int argc, char **argv)
		{
			struct ctn_tree *tree = ctn_tree_open(CONFIG);
			struct ctn_watch *watch = ctn_watch_open(tree, NULL);
			struct ctn_event event;
			if (!watch || argc < 2 || system(argv[1]))
				return 1;
			while (ctn_watch_next(watch, &event) > 0)
				printf("%d %s %s %d\n", event.type, event.name,
				       event.attr ? event.attr : "-", (int)event.increase);
			ctn_watch_close(watch);
			ctn_tree_close(tree);
			return 0;
		}
	C
	run ${UNDER:+"$UNDER"} "$BATS_TEST_TMPDIR/events" "
		cd '$tree' && echo 6 1<>web/page_limit_hits
		rm web && ln -s ../other web"
	assert_success
	assert_output '2 web - 0
1 web - 0
0 web page_limit_hits 7'
}

@test "a container object removes what was opened" {
	mkdir "$tree/web"
	compile remove "-DCONFIG=\"$CTN_CONFIG\"" <<-'C'
		#include <ctn.h>
		#include <stdio.h>
		int main(void)
		{
			struct ctn_tree *tree = ctn_tree_open(CONFIG);
			struct ctn *ctn = ctn_open(tree, "web");
			printf("%d\n", ctn_remove(ctn));
			printf("%d %s\n", ctn_remove(ctn), ctn_errmsg());
			ctn_close(ctn);
			ctn_tree_close(tree);
			return 0;
		}
	C
	run ${UNDER:+"$UNDER"} "$BATS_TEST_TMPDIR/remove"
	assert_output "0
-1 $tree/web: No such container"
	assert [ ! -e "$tree/web" ]
}

@test "without room for its descriptor no container is made" {
	compile room "-DCONFIG=\"$CTN_CONFIG\"" <<-'C'
		#include <ctn.h>
		#include <errno.h>
		#include <stdio.h>
		#include <string.h>
		#include <sys/resource.h>
		int main(void)
		{
			struct ctn_tree *tree = ctn_tree_open(CONFIG);
			struct rlimit before, none;
			struct ctn *ctn;
			int err;
			getrlimit(RLIMIT_NOFILE, &before);
			none = before;
			none.rlim_cur = 3;
			setrlimit(RLIMIT_NOFILE, &none);
			ctn = ctn_create(tree, "web");
			err = errno;
			setrlimit(RLIMIT_NOFILE, &before);
			puts(ctn ? "made" : strerror(err));
			ctn_tree_close(tree);
			return 0;
		}
	C
	run ${UNDER:+"$UNDER"} "$BATS_TEST_TMPDIR/room" 3>&- 4>&-
	assert_output 'Too many open files'
	assert [ ! -e "$tree/web" ]
}

@test "sizes are read as the kernel reads them" {
	compile sizes <<-'C'
		#include <ctn.h>
		#include <stdio.h>
		#include <string.h>
		#include <errno.h>
		int main(int argc, char **argv)
		{
			for (int i = 1; i < argc; i++) {
				uint64_t pages;
				if (ctn_parse_pages(argv[i], &pages))
					puts(errno == ERANGE ? "ERANGE" :
					     errno == EINVAL ? "EINVAL" : strerror(errno));
				else if (pages == CTN_MAX)
					puts("max");
				else
					printf("%llu\n", (unsigned long long)pages);
			}
			return 0;
		}
	C
	sizes() {
		run ${UNDER:+"$UNDER"} "$BATS_TEST_TMPDIR/sizes" "$@"
		assert_output "${expected// /$'\n'}"
	}
	expected="0 7 $(((64 << 20) / pagesize)) $(((3 << 30) / pagesize)) $(((1 << 40) / pagesize)) max"
	sizes 0 007 64M 3G 1T max
	expected='0 0 1'
	sizes 1K $((pagesize / 1024 - 1))K $((pagesize * 2 / 1024 - 1))K
	expected='EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL'
	sizes '' M 64m 1.5G -1 +1 ' 1' 64MB MAX
	most=$((0x7fffffffffffffff / pagesize))
	expected="$((most - 1)) max ERANGE ERANGE ERANGE EINVAL"
	sizes $((most - 1)) $most $((most + 1)) 16777216T 99999999999999999999 99999999999999999999x
}

@test "escaped text is one word that a terminal can take" {
	compile escape <<-'C'
		#include <ctn.h>
		#include <locale.h>
		#include <stdio.h>
		#include <stdlib.h>
		int main(int argc, char **argv)
		{
			setlocale(LC_ALL, "");
			char *text = argc > 1 ? ctn_escape(argv[1]) : NULL;
			puts(text ? text : ctn_errmsg());
			free(text);
			return 0;
		}
	C
	# what cannot be seen, or turns the text around
	run ${UNDER:+"$UNDER"} "$BATS_TEST_TMPDIR/escape" $'a\u202eb\u200b\ufeff\u00ad'
	assert_output 'a\xe2\x80\xaeb\xe2\x80\x8b\xef\xbb\xbf\xc2\xad'
	# other spaces, private characters, and those that there are not
	run ${UNDER:+"$UNDER"} "$BATS_TEST_TMPDIR/escape" $'a\u00a0\u3000\u2800\ue000\U10fffd\u0378'
	assert_output 'a\xc2\xa0\xe3\x80\x80\xe2\xa0\x80\xee\x80\x80\xf4\x8f\xbf\xbd\xcd\xb8'
	# an accent on what is not of the text
	run ${UNDER:+"$UNDER"} "$BATS_TEST_TMPDIR/escape" $'\u0301e\u0301 \u0301'
	assert_output "\\xcc\\x81e"$'\u0301''\x20\xcc\x81'
	run ${UNDER:+"$UNDER"} "$BATS_TEST_TMPDIR/escape" $'a b\\c\n\e[31m\xff"čárka"'
	assert_output 'a\x20b\x5cc\x0a\x1b[31m\xff"čárka"'
}

@test "what was escaped comes back, whatever bytes it is" {
	compile back <<-'C'
		#include <ctn.h>
		#include <locale.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		/* of all bytes, of those that are special, and of UTF-8 */
		static size_t make(char *text)
		{
			static const char *const parts[] = {
				"\\", "\\x", "20", "\\x5c", " ", "\xc2\xa0", "\xe2\x80\xae", "\xcc\x81",
				"\xc4\x8d", "\xf0\x9f\x98\x80", "\n", "\xff", "\xf4\x8f\xbf\xbd", "a",
			};
			size_t len = 0;
			for (int i = rand() % 20; i >= 0; i--) {
				if (rand() % 2) {
					text[len++] = (char)(rand() % 255 + 1);
				} else {
					const char *part = parts[(size_t)rand() % (sizeof(parts) / sizeof(*parts))];
					memcpy(text + len, part, strlen(part));
					len += strlen(part);
				}
			}
			text[len] = '\0';
			return len;
		}
		int main(int argc, char **argv)
		{
			char text[256];
			setlocale(LC_ALL, "");
			srand(argc > 1 ? (unsigned)atoi(argv[1]) : 0);
			for (int i = 0; i < 50000; i++) {
				make(text);
				char *escaped = ctn_escape(text);
				char *back = escaped ? ctn_unescape(escaped) : NULL;
				char *again = back ? ctn_escape(back) : NULL;
				if (!again || strcmp(back, text) || strcmp(again, escaped) ||
				    strpbrk(escaped, " \n\t")) {
					printf("%d: %s\n", i, escaped);
					return 1;
				}
				free(escaped);
				free(back);
				free(again);
			}
			for (int i = 2; i < argc; i++) {
				char *plain = ctn_unescape(argv[i]);
				puts(plain ? "taken" : ctn_errmsg());
				free(plain);
			}
			return 0;
		}
	C
	for locale in C C.UTF-8; do
		LC_ALL=$locale run ${UNDER:+"$UNDER"} "$BATS_TEST_TMPDIR/back" $RANDOM
		assert_success
	done
	# shellcheck disable=SC1003
	run "$BATS_TEST_TMPDIR/back" 1 'a\' '\x0' '\x00' '\y20' '\x4g' '\040' '\x4A'
	assert_line --index 0 '"\x5c": Not an escape (want \xNN for a byte)'
	assert_equal "$(grep -c 'Not an escape' <<<"$output")" 6
	assert_line --index 6 taken
}

@test "the shared library exports what the header declares, and nothing else" {
	exported=$(nm -D --defined-only "$PREFIX/lib/libctn.so.0" |
		sed -n 's/.* T \(.*\)@@.*/\1/p' | sort)
	declared=$(cc -E -P "$PREFIX/include/ctn.h" | tr '\n' ' ' |
		grep -oE '\bctn_[a-z_]+ ?\(' | tr -d '( ' | sort -u)
	assert_equal "$exported" "$declared"
	run nm -D --defined-only "$PREFIX/lib/libctn.so.0"
	refute_line --regexp ' [TDBR] (fail|join|attr_get)'
}

@test "a program of an older release runs as it did" {
	container web page_limit=7
	printf 'rounds 3\nscanned 99\n' >"$tree/web/stat"
	printf '%s\n' 'resource held maxheld minheld barrier limit failcnt' \
		'numproc 3 5 1 30 max 2' 'physpages 4 6 2 40 50 1' >"$tree/web/beancounters"
	printf '%s\n' '5 0:999999 12 /a\040b' '6 0:999998 13 -' >"$tree/web/mappings"
	"${CC:-cc}" -Wall -Wextra -Werror -I"$CTNCTL_SOURCE/tests/abi/0.2" \
		"$CTNCTL_SOURCE/tests/abi/witness.c" -o witness -L"$PREFIX/lib" -lctn
	run ${UNDER:+"$UNDER"} ./witness "$CTN_CONFIG" "echo 4 1<>'$tree/web/rss_failcnt'
		echo 2 1<>'$tree/web/page_limit_hits'"
	assert_success
	assert_output 'page_limit LIMIT 2 19 want pages, a size such as 64M, or "max" memory that the container is trimmed to
rss_failcnt RSS-HITS 1 9 - charges that found no room below rss_limit
limit 7
rounds=3
scanned=99
numproc 3 5 1 30 18446744073709551615 2
physpages 4 6 2 40 50 1
5 0:999999 12 /a b -
6 0:999998 13 - -
0 web rss_failcnt 4 +4
0 web page_limit_hits 2 +2'
}

@test "what has had a version keeps it, and what is new has that of its release" {
	# the packages know when each symbol came
	known=$(sed -n 's/^ \(ctn_[a-z_]*\)@\(LIBCTN_[0-9.]*\) .*/\1@@\2/p' \
		"$CTNCTL_SOURCE/../../debian/libctn0.symbols" | sort)
	there=$(nm -D --defined-only "$PREFIX/lib/libctn.so.0" |
		sed -n 's/.* T \(ctn_.*@@LIBCTN.*\)/\1/p' | sort)
	assert_equal "$there" "$known"
	# those of a release that is out are written down once more
	for release in 0.1 0.2; do
		assert_equal "$(sed -n "s/@@LIBCTN_$release\$//p" <<<"$there" | paste -sd' ')" \
			"$(cat "$CTNCTL_SOURCE/tests/abi/$release/symbols")"
	done
	# and no release has two nodes
	assert_equal "$(grep -o 'LIBCTN_[0-9.]*@.*' "$CTNCTL_SOURCE/../../debian/libctn0.symbols" |
		sed 's/@.* / /' | tail -n 1)" "LIBCTN_$(cut -d. -f1,2 <<<"$(pkg-config --modversion libctn)") $(pkg-config --modversion libctn)"
}

@test "events, statistics and beancounters are read by functions" {
	container web
	printf 'rounds 3\nscanned 99\n' >"$tree/web/stat"
	printf '%s\n' 'resource held maxheld minheld barrier limit failcnt' \
		'numproc 3 5 1 30 max 2' >"$tree/web/beancounters"
	compile functions "-DCONFIG=\"$CTN_CONFIG\"" <<-'C'
		#include <ctn.h>
		#include <stdio.h>
		#include <stdlib.h>
		int main(int argc, char **argv)
		{
			struct ctn_tree *tree = ctn_tree_open(CONFIG);
			struct ctn *ctn = ctn_open(tree, "web");
			struct ctn_watch *watch = ctn_watch_open(tree, NULL);
			struct ctn_stats *stats = ctn_stats_read(ctn);
			struct ctn_bcs *bcs = ctn_bcs_read(ctn);
			for (size_t i = 0; i <= ctn_stats_count(stats); i++)
				printf("%s %d\n", ctn_stats_key(stats, i) ? ctn_stats_key(stats, i) : "-",
				       (int)ctn_stats_value(stats, i));
			for (size_t i = 0; i < ctn_bcs_count(bcs); i++)
				puts(ctn_bcs_resource(bcs, i));
			for (int what = CTN_BC_HELD; what <= CTN_BC_FAILCNT + 1; what++) {
				uint64_t number = 0;
				int ret = ctn_bcs_number(bcs, 0, (enum ctn_bc_what)what, &number);
				printf("%d %d\n", ret, number == CTN_MAX ? -1 : (int)number);
			}
			ctn_stats_free(stats);
			ctn_bcs_free(bcs);
			if (argc < 2 || system(argv[1]))
				return 1;
			while (ctn_watch_take(watch) > 0)
				printf("%d %s %s %d +%d\n", ctn_watch_type(watch), ctn_watch_name(watch),
				       ctn_watch_attr(watch), (int)ctn_watch_value(watch),
				       (int)ctn_watch_increase(watch));
			ctn_watch_close(watch);
			ctn_close(ctn);
			ctn_tree_close(tree);
			return 0;
		}
	C
	run ${UNDER:+"$UNDER"} "$BATS_TEST_TMPDIR/functions" "echo 2 1<>'$tree/web/page_limit_hits'"
	assert_success
	assert_output 'rounds 3
scanned 99
- 0
numproc
0 3
0 5
0 1
0 30
0 -1
0 2
-1 0
0 web page_limit_hits 2 +2'
}

@test "a program can take the library from the archive" {
	cat >"$BATS_TEST_TMPDIR/archive.c" <<-'C'
		#include <ctn.h>
		#include <stdio.h>
		int main(void)
		{
			ctn_tree_open("/nonexistent");
			puts(ctn_errmsg());
			return 0;
		}
	C
	# shellcheck disable=SC2046
	cc "$BATS_TEST_TMPDIR/archive.c" -o "$BATS_TEST_TMPDIR/archive" \
		-I"$PREFIX/include" "$PREFIX/lib/libctn.a" \
		$(pkg-config --libs mount)
	LD_LIBRARY_PATH='' run ${UNDER:+"$UNDER"} "$BATS_TEST_TMPDIR/archive"
	assert_success
	assert_output '/nonexistent: No such file or directory'
}

@test "each thread has its own message" {
	compile threads -pthread <<-'C'
		#include <ctn.h>
		#include <pthread.h>
		#include <stdio.h>
		static void *other(void *arg)
		{
			(void)arg;
			ctn_tree_open("/nonexistent/other");
			return NULL;
		}
		int main(void)
		{
			pthread_t thread;
			printf("[%s]\n", ctn_errmsg());
			ctn_tree_open("/nonexistent/mine");
			pthread_create(&thread, NULL, other, NULL);
			pthread_join(thread, NULL);
			puts(ctn_errmsg());
			return 0;
		}
	C
	run ${UNDER:+"$UNDER"} "$BATS_TEST_TMPDIR/threads"
	assert_line --index 0 '[]'
	assert_line --index 1 '/nonexistent/mine: No such file or directory'
}

@test "install puts everything in its place" {
	for file in sbin/ctnctl lib/libctn.a lib/libctn.so lib/libctn.so.0 \
		lib/pkgconfig/libctn.pc include/ctn.h share/man/man8/ctnctl.8 \
		share/man/man3/ctn.3 share/man/man3/ctn_open.3 share/man/man7/containers{,-guide}.7 \
		share/man/man5/ctnctl.conf.5 lib/systemd/system/ctnctl-apply.service \
		share/bash-completion/completions/ctnctl share/zsh/site-functions/_ctnctl \
		share/fish/vendor_completions.d/ctnctl.fish \
		lib/systemd/system/ctnctl-{rules.service,trim.service,metrics.service,metrics.timer} \
		share/doc/ctnctl/{containers.rst,guide.rst,schedulers.rst,examples/container.conf} \
		lib/ctnctl/ctnctl-add-unit; do
		assert [ -s "$PREFIX/$file" ]
	done
	run readelf -d "$PREFIX/lib/libctn.so"
	assert_output --partial 'soname: [libctn.so.0]'
}

@test "what is installed takes the library from where that is installed" {
	run readelf -d "$PREFIX/sbin/ctnctl"
	assert_output --partial 'Shared library: [libctn.so.0]'
	assert_output --partial "runpath: [$PREFIX/lib]"
	LD_LIBRARY_PATH='' run "$PREFIX/sbin/ctnctl" --version
	assert_success
	assert_output --regexp '^ctnctl [0-9]'
	# where the dynamic linker looks by itself
	make -s -C "$CTNCTL_SOURCE" BUILD="$BATS_FILE_TMPDIR/build" \
		DESTDIR="$BATS_TEST_TMPDIR" PREFIX=/usr install
	run readelf -d "$BATS_TEST_TMPDIR/usr/sbin/ctnctl"
	assert_output --partial 'Shared library: [libctn.so.0]'
	refute_output --partial "runpath"
}

@test "the version is that of the last entry of the changelog" {
	version=$(dpkg-parsechangelog -l "$CTNCTL_SOURCE/../../debian/changelog" -S Version)
	run "$CTNCTL" --version
	assert_output "ctnctl $version"
	run pkg-config --modversion libctn
	assert_output "$version"
	assert [ -f "$PREFIX/lib/libctn.so.$version" ]
}

@test "the man pages have no warnings" {
	for page in man8/ctnctl.8 man5/ctnctl.conf.5 man7/containers.7 man7/containers-guide.7 \
		man3/ctn.3; do
		LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 run --separate-stderr \
			man --warnings -E UTF-8 -l "$PREFIX/share/man/$page"
		assert_success
		assert_equal "$stderr" ''
	done
}

@test "the help, the man page and what is completed have the same commands and options" {
	run "$CTNCTL_SOURCE/tests/agree.py" "$CTNCTL" "$PREFIX/share/man/man8/ctnctl.8"
	assert_success
	assert_output ''
	# and it would be seen if not
	sed -e '/^\.BR create/d' -e 's/^\.BR \\-T ", " \\-\\-tree$/.BR \\-Q ", " \\-\\-tree/' \
		-e 's/^\.BR \\-w ", " \\-\\-wait$/.BR \\-w ", " \\-\\-waits/' \
		"$PREFIX/share/man/man8/ctnctl.8" >page
	run "$CTNCTL_SOURCE/tests/agree.py" "$CTNCTL" page
	assert_failure
	assert_line 'commands: create is in help, and not in manual'
	assert_line 'options of show: --tree is -T in help, and not in manual'
	assert_line 'options of kill: --wait is in help, and not in manual'
	assert_line 'options of kill: --waits is in manual, and not in help'
}

@test "the man page names every column" {
	page=$(man -E UTF-8 -l "$PREFIX/share/man/man8/ctnctl.8" | col -b)
	mapfile -t columns < <(ctnctl list --help | sed -n 's/^  \([A-Z][A-Z%-]*\)  .*/\1/p')
	assert [ "${#columns[@]}" -gt 10 ]
	for column in "${columns[@]}"; do
		assert grep -qF -- "$column" <<<"$page"
	done
}

@test "each function of the header has its man page, which says what the header says" {
	page=$(MANWIDTH=400 man -E UTF-8 -l "$PREFIX/share/man/man3/ctn.3" | col -bx)
	for name in $(nm -D --defined-only "$PREFIX/lib/libctn.so.0" |
		sed -n 's/.* T \(ctn_.*\)@@.*/\1/p'); do
		assert_equal "$(<"$PREFIX/share/man/man3/$name.3")" '.so man3/ctn.3'
		grep -qxF "   $name()" <<<"$page" || fail "$name is not in the page"
		grep -q "^ *[a-z].*\b$name(.*" <<<"$page" || fail "$name is not declared"
	done
	assert_equal "$(find "$PREFIX/share/man/man3" -name 'ctn_*' | wc -l)" \
		"$(grep -c '^   ctn_.*()$' <<<"$page")"
	for text in 'ENAMETOOLONG   this cannot be a name' 'NULL to look it up in /proc/self/mountinfo' \
		'Units. Memory is counted in pages' 'BEANCOUNTERS' 'uint64_t failcnt;'; do
		grep -qF "$text" <<<"$page" || fail "missing: $text"
	done
	run man -M "$PREFIX/share/man" -w ctn_open
	assert_success
	assert_output --partial man3/
}

# is_page PAGE MANUAL: is it all of it, but for how to install it?
is_page() {
	page=$(MANWIDTH=80 man -E UTF-8 -l "$PREFIX/share/man/man7/$1" | col -bx)
	while IFS= read -r title; do
		[[ $title != Containers && $title != 'Using containers' && $title != Installing ]] || continue
		grep -qiF -- "$title" <<<"$page" || fail "missing: $title"
	done < <(sed -n 'N; s/^\([A-Z].*\)\n[=-]\{3,\}$/\1/p; D' "$CTNCTL_SOURCE/../../Documentation/$2")
	run grep -c 'apt-get' <<<"$page"
	assert_output 0
}

@test "containers(7) and containers-guide(7) are the manual, but for how it is installed" {
	is_page containers-guide.7 guide.rst
	run lexgrog "$PREFIX/share/man/man7/containers-guide.7"
	assert_output --partial '"containers-guide - how to use containers'
	is_page containers.7 containers.rst
	run lexgrog "$PREFIX/share/man/man7/containers.7"
	assert_output --partial '"containers - sets of processes and files'
	run lexgrog "$PREFIX/share/man/man3/ctn.3"
	assert_output --partial '"ctn - containers of the Linux kernel'
	version=$(dpkg-parsechangelog -l "$CTNCTL_SOURCE/../../debian/changelog" -S Version)
	grep -qF "ctnctl $version" <<<"$page" || fail 'it has another version'
}
