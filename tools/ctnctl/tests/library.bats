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
			struct rlimit none = { 3, 3 };
			setrlimit(RLIMIT_NOFILE, &none);
			puts(ctn_create(tree, "web") ? "made" : strerror(errno));
			return 0;
		}
	C
	run "$BATS_TEST_TMPDIR/room" 3>&- 4>&-
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
	run ${UNDER:+"$UNDER"} "$BATS_TEST_TMPDIR/escape" $'a b\\c\n\e[31m\xff"čárka"'
	assert_output 'a\x20b\x5cc\x0a\x1b[31m\xff"čárka"'
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
		share/man/man5/ctnctl.conf.5 lib/systemd/system/ctnctl-apply.service \
		share/bash-completion/completions/ctnctl \
		lib/systemd/system/ctnctl-{trim.service,metrics.service,metrics.timer} \
		share/doc/ctnctl/{containers.rst,examples/container.conf} \
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
	for page in man8/ctnctl.8 man5/ctnctl.conf.5; do
		LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 run --separate-stderr \
			man --warnings -E UTF-8 -l "$PREFIX/share/man/$page"
		assert_success
		assert_equal "$stderr" ''
	done
}

@test "the man page names every command, option and column" {
	page=$(man -E UTF-8 -l "$PREFIX/share/man/man8/ctnctl.8" | col -b)
	for command in create delete list show set add-task rm-task add-file \
		rm-file shrink watch trim run apply save metrics top check ps which kill \
		stop; do
		assert grep -qE -- "^ {7}$command( |$)" <<<"$page"
		run ctnctl "$command" --help
		while read -r option; do
			assert grep -qF -- "$option" <<<"$page"
		done < <(grep -oE -- '--[a-z-]+' <<<"$output")
	done
	mapfile -t columns < <(ctnctl list --help | sed -n 's/^  \([A-Z][A-Z%-]*\)  .*/\1/p')
	assert [ "${#columns[@]}" -gt 10 ]
	for column in "${columns[@]}"; do
		assert grep -qF -- "$column" <<<"$page"
	done
}
