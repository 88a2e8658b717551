#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154,SC2016,SC2030,SC2031
#
# beancounters: the table of what containers hold; and set, with the names of resources.

load helper

# counted NAME [LIMIT]: a container with beancounters
counted() {
	container "$1"
	cat >"$tree/$1/beancounters" <<-END
		resource       held  maxheld  minheld  barrier    limit  failcnt
		numproc           3        7        0       30       32        2
		physpages       100      200        1      max   ${2:-max}        0
	END
}

@test "a line for each resource of each container" {
	counted web 500
	counted db
	run ctnctl beancounters -r
	assert_success
	assert_output 'NAME RESOURCE HELD MAXHELD BARRIER LIMIT FAILCNT
db numproc 3 7 30 32 2
db physpages 100 200 max max 0
web numproc 3 7 30 32 2
web physpages 100 200 max 500 0'
	run ctnctl beancounters -rno NAME,RESOURCE,MINHELD web
	assert_output $'web numproc 0\nweb physpages 1'
}

# fails NAME RESOURCE FAILCNT: as the kernel counts it.
fails() {
	sed -i -E "s/^($2 .*) [0-9]+$/\1 $3/" "$tree/$1/beancounters"
}

# failed [ARGUMENT...]: what --failed prints, in one line.
failed() {
	run --separate-stderr ctnctl beancounters -rno NAME,RESOURCE,FAILCNT --failed "$@"
	output=${output//$'\n'/, }
}

@test "only what a charge has failed of since the last call" {
	counted web
	failed
	assert_success
	assert_equal "$output$stderr" 'web numproc 2'
	failed
	assert_success
	assert_equal "$output$stderr" ''
	# others do not count
	run ctnctl beancounters -rno NAME,FAILCNT
	assert_output $'web 2\nweb 0'
	fails web numproc 5
	fails web physpages 1
	failed
	assert_output 'web numproc 5, web physpages 1'
	failed
	assert_output ''
	json .beancounters beancounters --json --failed
	assert_output '[]'
}

@test "what was not asked for is not seen by it" {
	counted web
	counted db
	echo 2 >"$tree/db/id"
	failed web
	assert_output 'web numproc 2'
	failed
	assert_output 'db numproc 2'
	failed
	assert_output ''
	fails web numproc 3
	failed db
	assert_output ''
	failed web
	assert_output 'web numproc 3'
}

@test "a container that was made anew, and another boot, begin at 0" {
	counted web
	counted db
	echo 2 >"$tree/db/id"
	failed
	# fewer than before, or another directory of the same id
	fails web numproc 1
	mv "$tree/db" "$tree/old"
	counted db
	echo 2 >"$tree/db/id"
	rm -r "$tree/old"
	failed
	assert_output 'db numproc 2, web numproc 1'
	failed
	assert_output ''
	assert_equal "$(head -n 1 "$CTN_STATE/beancounters")" "boot $(</proc/sys/kernel/random/boot_id)"
	sed -i '1s/.*/boot 11111111-2222-3333-4444-555555555555/' "$CTN_STATE/beancounters"
	failed
	assert_output 'db numproc 2, web numproc 1'
	# what was removed is not kept for ever
	rm -r "$tree/db"
	failed
	assert_equal "$(wc -l <"$CTN_STATE/beancounters")" 2
}

@test "what could not be read is not forgotten" {
	counted web
	counted db
	echo 2 >"$tree/db/id"
	failed
	assert_output 'db numproc 2, web numproc 2'
	mv "$tree/web/beancounters" kept
	ln -s /proc/self/mem "$tree/web/beancounters"
	failed
	assert_failure 1
	assert_equal "$output$stderr" "ctnctl: $tree/web/beancounters: Input/output error"
	rm "$tree/web/beancounters"
	mv kept "$tree/web/beancounters"
	failed
	assert_success
	assert_output ''
	# the state of what could be read was kept all the same
	fails db numproc 4
	ln -s /proc/self/mem mem
	mv "$tree/web/beancounters" kept
	mv mem "$tree/web/beancounters"
	failed
	assert_output 'db numproc 4'
	failed
	assert_output ''
}

@test "one that cannot be read is told of, and the others are printed" {
	counted app
	counted db
	counted web
	ln -sf /proc/self/mem "$tree/db/beancounters"
	run --separate-stderr ctnctl beancounters -rno NAME,RESOURCE
	assert_failure 1
	assert_equal "$stderr" "ctnctl: $tree/db/beancounters: Input/output error"
	assert_output 'app numproc
app physpages
web numproc
web physpages'
	# one that has gone when it is looked at was not asked for
	rm "$tree/db/beancounters"
	mkfifo "$tree/app/beancounters.new"
	cp "$tree/app/beancounters" table
	mv "$tree/app/beancounters.new" "$tree/app/beancounters"
	background ctnctl beancounters -rno NAME,RESOURCE
	exec 9>"$tree/app/beancounters"
	rm -r "${tree:?}/db"
	cat table >&9
	exec 9>&-
	join
	assert_equal "$status $output $stderr" '0 app numproc
app physpages
web numproc
web physpages '
}

@test "what could not be shown was not seen" {
	counted web
	run bash -c '"$CTNCTL" beancounters --failed >/dev/full'
	assert_refused 'standard output: No space left on device'
	failed
	assert_output 'web numproc 2'
}

@test "calls at the same time keep what each has seen" {
	local i pids=()

	for i in {1..30}; do
		counted "c$i"
		echo "$i" >"$tree/c$i/id"
	done
	for i in {1..30}; do
		"$CTNCTL" beancounters -rn --failed "c$i" >"out$i" 2>&1 3>&- &
		pids+=($!)
	done
	for i in {1..30}; do
		wait "${pids[i - 1]}"
		assert_equal "$(cut -d ' ' -f 1,2 "out$i")" "c$i numproc"
	done
	failed
	assert_success
	assert_output ''
	assert_equal "$(wc -l <"$CTN_STATE/beancounters")" 31
}

# slow_reader: --failed as $pid, which has read and cannot write yet; what
# it prints goes to a pipe that is full until drained is called.
slow_reader() {
	rm -f pager
	mkfifo pager
	exec 9<>pager
	head -c 65536 /dev/zero >&9
	"$CTNCTL" beancounters --failed >pager 3>&- 9>&- &
	pid=$!
	is_writing() {
		[[ $(readlink "/proc/$pid/fd/1") == */pager && $(cut -d ' ' -f 3 "/proc/$pid/stat") == S ]]
	}
	wait_until is_writing
	sleep 0.2
}

drained() {
	head -c 65536 <&9 >/dev/null
	wait "$pid"
	pid=
	exec 9<&-
}

@test "nobody waits while another looks at what is printed" {
	counted web
	slow_reader
	run timeout 5 "$CTNCTL" beancounters -rn --failed
	assert_success
	assert_output 'web numproc 3 7 30 32 2'
	drained
}

@test "without a place to keep it, what has ever failed is printed, and that is said" {
	local why=': what has ever failed is printed, as nothing can be kept there'

	counted web
	: >"$CTN_STATE"
	failed
	assert_failure 1
	assert_equal "$stderr" "ctnctl: $CTN_STATE: it is no directory$why"
	assert_output 'web numproc 2'
	failed
	assert_output 'web numproc 2'
	rm "$CTN_STATE"
	# neither a link, nor where others may write
	mkdir real
	ln -s "$PWD/real" "$CTN_STATE"
	failed
	assert_equal "$stderr" "ctnctl: $CTN_STATE: it is no directory$why"
	assert_equal "$(ls real)" ''
	rm "$CTN_STATE"
	mkdir -m 770 "$CTN_STATE"
	failed
	assert_equal "$stderr" "ctnctl: $CTN_STATE: others may write to it$why"
	assert_equal "$(ls "$CTN_STATE")" ''
	chmod 702 "$CTN_STATE"
	failed
	assert_equal "$stderr" "ctnctl: $CTN_STATE: others may write to it$why"
	chmod 700 "$CTN_STATE"
	failed
	assert_success
	if [ "$(id -u)" = 0 ]; then
		chown nobody "$CTN_STATE"
		failed
		assert_equal "$stderr" "ctnctl: $CTN_STATE: it is another user's$why"
		chown root "$CTN_STATE"
	fi
}

@test "a link in the place of its files is not followed" {
	counted web
	mkdir -m 700 "$CTN_STATE"
	echo precious | tee a b c >/dev/null
	ln -s "$PWD/a" "$CTN_STATE/beancounters"
	ln -s "$PWD/b" "$CTN_STATE/beancounters.new"
	failed
	assert_success
	assert_output 'web numproc 2'
	failed
	assert_output ''
	ln -sf "$PWD/c" "$CTN_STATE/beancounters.lock"
	failed
	assert_failure 1
	assert_equal "$(cat a b c)" $'precious\nprecious\nprecious'
}

@test "a link in the place of its directory is not followed, with a slash at its end either" {
	counted web
	mkdir -m 700 elsewhere
	ln -s elsewhere link
	CTN_STATE=$PWD/link/ failed
	CTN_STATE=$PWD/link// failed
	assert_equal "$(ls elsewhere)" ''
}

@test "a pipe in the place of its files is not waited for" {
	counted web
	mkdir -m 700 "$CTN_STATE"
	mkfifo "$CTN_STATE/beancounters" "$CTN_STATE/beancounters.new"
	run timeout 10 "$CTNCTL" beancounters -rno NAME,FAILCNT --failed
	assert_success
	assert_output 'web 2'
	assert [ -f "$CTN_STATE/beancounters" ]
	failed
	assert_equal "$status $output" '0 '
}

@test "what a call that was killed has left is no hindrance, and a failure leaves nothing" {
	counted web
	mkdir -m 700 "$CTN_STATE"
	echo left >"$CTN_STATE/beancounters.new"
	failed
	assert_success
	assert_output 'web numproc 2'
	fails web numproc 3
	run bash -c 'trap "" XFSZ; ulimit -f 0; "$CTNCTL" beancounters -rno NAME,FAILCNT --failed 2>&1 | cat; exit ${PIPESTATUS[0]}'
	assert_failure 1
	assert_output "web 3
ctnctl: $CTN_STATE: File too large: what was seen is not kept"
	assert_equal "$(cd "$CTN_STATE" && echo *)" 'beancounters beancounters.lock'
	failed
	assert_success
	assert_output 'web numproc 3'
}

@test "a name of any length is kept" {
	local name

	container web
	name=$(printf 'x%.0s' {1..100})
	printf '%s\n' 'resource held' "$name 1 1 1 max max 4" 'numproc 1 1 1 max max 5' >"$tree/web/beancounters"
	failed
	assert_output "web $name 4, web numproc 5"
	failed
	assert_output ''
}

@test "a slow call does not take back what another has kept meanwhile" {
	counted web
	slow_reader
	fails web numproc 5
	failed
	assert_output 'web numproc 5'
	drained
	failed
	assert_output ''
	# nor what it has not seen and another has
	fails web numproc 6
	mv "$tree/web" gone
	counted db
	echo 2 >"$tree/db/id"
	slow_reader
	mv gone "$tree/web"
	failed web
	assert_output 'web numproc 6'
	drained
	failed
	assert_output ''
}

@test "what is no file of its own is as if there were none" {
	counted web
	mkdir -m 700 "$CTN_STATE"
	for text in '' nonsense "boot $(</proc/sys/kernel/random/boot_id)"$'\n1 x y z' $'\1\2\3'; do
		printf %s "$text" >"$CTN_STATE/beancounters"
		failed
		assert_success
		assert_output 'web numproc 2'
		failed
		assert_output ''
	done
}

@test "each user has a place, and root's is nobody else's" {
	counted web
	unset CTN_STATE
	[ "$(id -u)" = 0 ] || skip 'takes root'
	unshare -m true 2>/dev/null || skip 'takes another mount namespace'
	chmod -R a+rX "$BATS_TEST_TMPDIR" "$BATS_RUN_TMPDIR"
	mkdir -m 777 home
	run unshare -m bash -c 'mount -t tmpfs tmpfs /var/lib && export HOME=$PWD/home XDG_STATE_HOME=$PWD/home/xdg &&
		"$CTNCTL" beancounters -rn --failed && ls -A home && stat -c "%a %n" /var/lib/ctnctl /var/lib/ctnctl/*'
	assert_success
	assert_output 'web numproc 3 7 30 32 2
700 /var/lib/ctnctl
600 /var/lib/ctnctl/beancounters
600 /var/lib/ctnctl/beancounters.lock'
	for state in '' "$PWD/home/xdg" relative; do
		run setpriv --reuid=nobody --clear-groups env HOME="$PWD/home" XDG_STATE_HOME="$state" \
			"$CTNCTL" beancounters -rn --failed
		case $state in
		relative) assert_output '' ;;
		*) assert_output 'web numproc 3 7 30 32 2' ;;
		esac
	done
	assert_equal "$(find home -type f | sort)" 'home/.local/state/ctnctl/beancounters
home/.local/state/ctnctl/beancounters.lock
home/xdg/ctnctl/beancounters
home/xdg/ctnctl/beancounters.lock'
	run setpriv --reuid=nobody --clear-groups env -u HOME -u XDG_STATE_HOME "$CTNCTL" beancounters -rn --failed
	assert_failure 1
	assert_line --partial 'ctnctl: HOME: it says no directory'
}

@test "sorted, and the help has the columns that are usual" {
	counted web
	counted db
	fails db physpages 9
	run ctnctl beancounters -rno NAME,RESOURCE -s failcnt,name
	assert_success
	assert_output $'db physpages\ndb numproc\nweb numproc\nweb physpages'
	run ctnctl beancounters --help
	assert_line 'Usual are NAME,RESOURCE,HELD,MAXHELD,BARRIER,LIMIT,FAILCNT.'
}

@test "as JSON" {
	counted web
	json .beancounters beancounters --json web
	assert_success
	assert_output '[{"name":"web","resource":"numproc","held":3,"maxheld":7,"barrier":30,"limit":32,"failcnt":2},{"name":"web","resource":"physpages","held":100,"held_bytes":'$((100 * pagesize))',"maxheld":200,"maxheld_bytes":'$((200 * pagesize))',"barrier":"max","barrier_bytes":"max","limit":"max","limit_bytes":"max","failcnt":0}]'
}

@test "one that is not there, and a kernel without them, are refused" {
	run ctnctl beancounters missing
	assert_failure 1
	assert_output --partial "ctnctl: $tree/missing: "
	container web
	run ctnctl beancounters web
	assert_failure 1
	assert_output --partial "ctnctl: $tree/web/beancounters: "
}

@test "what is no such table is refused" {
	local line

	for line in 'numproc' 'numproc 1 2 3 4 5' 'numproc 1 2 3 4 5 6 7' \
		'numproc 1 2 3 4 5 x' 'numproc 1 2 3 4 5 -1'; do
		container web
		printf 'resource held\n%s\n' "$line" >"$tree/web/beancounters"
		run ctnctl beancounters web
		assert_refused "$tree/web/beancounters: \"$line\": Not what is expected of this file"
		rm -r "${tree:?}/web"
	done
}

@test "set writes a barrier and a limit by the name of the resource" {
	counted web
	run ctnctl set web numproc=30:33
	assert_success
	assert_equal "$(<"$tree/web/beancounters")" 'numproc 30 33'
	counted db
	run ctnctl set db physpages=64M
	assert_success
	assert_equal "$(<"$tree/db/beancounters")" 'physpages 64M 64M'
	# as sizes and limits are written elsewhere
	counted cache
	run ctnctl set cache physpages=1MiB:64m
	assert_success
	assert_equal "$(<"$tree/cache/beancounters")" 'physpages 1M 64M'
	counted app
	run ctnctl set app numproc=reset
	assert_success
	assert_equal "$(<"$tree/app/beancounters")" 'numproc reset'
}

@test "set does not take what is neither a file nor counted" {
	container web
	counts web
	run with_kernel "$CTNCTL" set web kmemsize=30M:32M
	assert_refused "$tree/web/beancounters: kmemsize: this kernel does not count that"
	run with_kernel "$CTNCTL" set web numproc=5:4
	assert_refused "$tree/web/beancounters: \"numproc 5:4\": the barrier is over the limit"
	run with_kernel "$CTNCTL" set web numpro=1
	assert_refused "$tree/web/numpro: \"1\": No such attribute; did you mean numproc?"
	container db
	run ctnctl set db numproc=1
	assert_refused "$tree/db/beancounters: numproc: this kernel does not count that"
	assert_equal "$(sed 1d "$tree/web/table")" $'numproc 3 7 0 max max 2\nphyspages 100 200 1 max max 0'
}

@test "a table that cannot be read is told of, and not taken for what is not counted" {
	counted web
	ln -sf /proc/self/mem "$tree/web/beancounters"
	for args in 'set web numproc=1' 'set web nosuch=1' 'show web numproc' 'show web nosuch' 'beancounters web' beancounters; do
		# shellcheck disable=SC2086
		run ctnctl $args
		assert_refused "$tree/web/beancounters: Input/output error"
	done
	printf '[web]\n%s\n' 'numproc = max' >file
	run apply file
	assert_refused "file:2: $tree/web/beancounters: Input/output error"
	printf '%s\n' '[defaults]' 'numproc = 3' >file
	ln -sf /proc/self/mem "$tree/default_beancounters"
	run apply file
	assert_failure 1
	assert_output --partial "file:2: $tree/default_beancounters: Input/output error"
}

@test "set does the same for the defaults" {
	printf 'resource barrier limit\nnumproc max max\nphyspages 1 2\n' \
		>"$tree/default_beancounters"
	run ctnctl set --defaults physpages=32M:64M
	assert_success
	assert_equal "$(<"$tree/default_beancounters")" 'physpages 32M 64M'
}

@test "pages are bytes if that is wanted, and a column has the unit" {
	counted web 50
	printf '%s 1 2 0 3 max 5\n' tcpsndbuf numfile numnew >>"$tree/web/beancounters"
	run ctnctl beancounters -rnbo RESOURCE,HELD,MAXHELD,MINHELD,BARRIER,LIMIT,FAILCNT,UNIT
	assert_success
	assert_output "numproc 3 7 0 30 32 2 tasks
physpages $((100 * pagesize)) $((200 * pagesize)) $pagesize max $((50 * pagesize)) 0 bytes
tcpsndbuf 1 2 0 3 max 5 bytes
numfile 1 2 0 3 max 5 number
numnew 1 2 0 3 max 5 -"
	run ctnctl beancounters -rno RESOURCE,HELD,UNIT
	assert_line 'physpages 100 pages'
	# JSON is of the file
	json '.beancounters[1].held' beancounters --json --bytes
	assert_output 100
}
