#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The demo's guest side: the same work twice, first in a container and then
# outside of one, and what each does to a file that somebody else has in the
# cache. It uses nothing but mkdir and echo in /config/containers, so that it
# can be done by hand; ctnctl is for the summary. Fails when what it claims
# did not happen.
set -u

ctn=/config/containers/batch
limit_mb=64
hog_mb=120
tar_mb=400
keepsake=/mnt/disk/keepsake
page=$(getconf PAGESIZE)
tracing=/sys/kernel/tracing

say()
{
	printf '\n%s\n' "$*"
}

# Run a command, and show it first.
show()
{
	printf '  # %s\n' "$*"
	eval "$*"
}

mb()
{
	echo $(($1 * page >> 20))
}

cached_mb()
{
	local bytes

	bytes=$(cached_bytes "$keepsake")
	echo $((bytes >> 20))
}

# How many bytes of a file are in the cache
cached_bytes()
{
	fincore -n -b -r -o RES "$1"
}

swapped_mb()
{
	awk '/^SwapTotal/{t = $2} /^SwapFree/{f = $2} END{print int((t - f) / 1024)}' /proc/meminfo
}

free_mb()
{
	awk '/^MemFree/{print int($2 / 1024)}' /proc/meminfo
}

keep()
{
	# As somebody else would: read, and not read again.
	echo 3 >/proc/sys/vm/drop_caches
	cat "$keepsake" >/dev/null
}

# The work. It says what it has done in $1. The parts of /usr with large files
# go first: the guest's processors are slow, and memory fills the sooner.
archive()
{
	tar -cf - --ignore-failed-read /usr/bin /usr/lib /usr/share 2>/dev/null | head -c "${tar_mb}M" | wc -c >"$1"
}

hog()
{
	# Fill it, then go over it again a few times as a program would.
	perl -e 'my $pages = $ARGV[0] << 8; my $m = "x" x ($pages << 12);
		for my $round (1 .. 3) {
			for my $i (0 .. $pages - 1) { substr($m, $i << 12, 1) = $round }
			select undef, undef, undef, 0.3;
		}
		print length($m), "\n"' "$hog_mb" >"$1"
}

bar()
{
	local filled=$(($1 * 24 / $2)) i

	for ((i = 0; i < 30; i++)); do
		if [ "$i" -eq 24 ]; then
			printf '|'
		elif [ "$i" -lt "$filled" ]; then
			printf '#'
		else
			printf '.'
		fi
	done
}

# sample NAME: how much of the file is in memory, for demo/run to draw. It is asked less
# often than there is time, as that takes a processor.
sampled=0
sample()
{
	local now=$((${EPOCHREALTIME/./} / 1000))

	[ -n "${DRAW-}" ] && [ "$((now - sampled))" -ge 300 ] || return 0
	sampled=$now
	echo "@curve $1 $((now - began)) $(($(cached_bytes "$keepsake") >> 10))"
}

# Wait for the jobs in "$@", with a line every other second.
peak=0
watch()
{
	local anon file used line=0 start=$SECONDS began=$((${EPOCHREALTIME/./} / 1000))

	while kill -0 "$@" 2>/dev/null; do
		sample contained
		read -r anon <"$ctn/num_anon_pages"
		read -r file <"$ctn/num_file_pages"
		used=$(mb $((anon + file)))
		[ "$used" -le "$peak" ] || peak=$used
		if [ $((SECONDS - start)) -ge "$line" ]; then
			printf '  %3d s  [%s] %3d of %dM: %3dM file, %3dM anon; hits %s, swapped %dM\n' \
				$((SECONDS - start)) "$(bar "$used" "$limit_mb")" "$used" "$limit_mb" \
				"$(mb "$file")" "$(mb "$anon")" "$(cat "$ctn/page_limit_hits")" \
				"$(swapped_mb)"
			line=$((SECONDS - start + 2))
		fi
		sleep 0.1
	done
	took=$((SECONDS - start))
}

watch_outside()
{
	local line=0 start=$SECONDS began=$((${EPOCHREALTIME/./} / 1000))

	while kill -0 "$@" 2>/dev/null; do
		sample uncontained
		if [ $((SECONDS - start)) -ge "$line" ]; then
			printf '  %3d s  free memory %3dM, swapped %3dM, of the other file in memory: %2dM\n' \
				$((SECONDS - start)) "$(free_mb)" "$(swapped_mb)" "$(cached_mb)"
			line=$((SECONDS - start + 2))
		fi
		sleep 0.1
	done
	took=$((SECONDS - start))
}

# kcontainerd is a work item: have the kernel note when it starts and ends.
trace_kcontainerd()
{
	local event

	for event in workqueue_execute_start workqueue_execute_end; do
		echo 'function.function == container_trim_work' \
			>"$tracing/events/workqueue/$event/filter"
		echo "$1" >"$tracing/events/workqueue/$event/enable"
	done
}

# Its worker, how often it ran, and for how long.
kcontainerd_runs()
{
	awk '!/^#/ {
			worker = $1; sub(/-[0-9]+$/, "", worker)
			for (i = 2; i < NF && $(i + 1) !~ /^workqueue_/; i++);
			now = $i + 0
		}
		/workqueue_execute_start/ {begun[$1] = now; runs[worker]++; all++}
		/workqueue_execute_end/ && begun[$1] {time[worker] += now - begun[$1]; sum += now - begun[$1]}
		END {
			for (w in runs)
				printf "  %-28s %6d runs %8.2f s\n", w, runs[w], time[w]
			printf "  %-28s %6d runs %8.2f s\n", "all of kcontainerd", all, sum
		}' "$tracing/trace"
}

failures=0
claim()
{
	local text=$1

	shift
	if "$@"; then
		echo "  yes: $text"
	else
		echo "  NO:  $text"
		failures=$((failures + 1))
	fi
}

[ -d /config/containers ] || {
	echo "This kernel has no containers: there is no /config/containers" >&2
	exit 1
}

say "Linux $(uname -r), $(awk '/^MemTotal/{print int($2 / 1024)}' /proc/meminfo)M of memory." \
	"A file of 32M, which is none of the batch job's business, is in the page cache:"
head -c 32M /dev/urandom >"$keepsake"
sync
keep
kept_before=$(cached_mb)
show "fincore $keepsake"

say "The batch job gets a container, and with it a limit:"
show "mkdir $ctn"
show "echo ${limit_mb}M >$ctn/page_limit"

trace_kcontainerd 1
say "Inside: tar reads ${tar_mb}M of /usr while a program fills ${hog_mb}M of memory." \
	"kcontainerd keeps both below the mark:"
(
	echo $BASHPID >"$ctn/addtask"
	archive /tmp/tar-inside
) &
archiver=$!
(
	echo $BASHPID >"$ctn/addtask"
	hog /tmp/hog-inside
) &
watch "$archiver" $!
wait "$archiver"
inside_took=$took
kept_inside=$(cached_mb)
hits=$(cat "$ctn/page_limit_hits")
left=$(mb $(($(cat "$ctn/num_anon_pages") + $(cat "$ctn/num_file_pages"))))

trace_kcontainerd 0

say "Who did the trimming, in kernel threads:"
kcontainerd_runs
echo "  the limit was hit $hits times; most in use at once: ${peak}M; now: ${left}M"
ctnctl=$(dirname "$0")/../build/ctnctl/ctnctl
if [ -x "$ctnctl" ]; then
	echo
	show "ctnctl() { '$ctnctl' \"\$@\"; }" >/dev/null
	show "ctnctl list"
fi

say "A container whose own backup reads 64M once, while it reads 16M of its own again and" \
	"again, with 32M to be had: what has to come from the disk a second time?"
work=/mnt/disk/work
set_size=$((16 << 20))
mkdir "$work"
head -c "$set_size" /dev/urandom >"$work/set"
head -c 64M /dev/urandom >"$work/backup"
sync
echo 3 >/proc/sys/vm/drop_caches
show "mkdir ${ctn%/*}/service"
show "echo 32M >${ctn%/*}/service/page_limit"
(
	echo $BASHPID >"${ctn%/*}/service/addtask"
	for mb in {0..63}; do
		cat "$work/set" >/dev/null
		dd if="$work/backup" bs=1M count=1 skip="$mb" status=none >/dev/null
	done
	cached_bytes "$work/set" >/tmp/set-left
)
show "awk '/^(rounds|dropped|refaulted)/' ${ctn%/*}/service/stat"
refaulted=$(awk '/^refaulted/{print $2}' "${ctn%/*}/service/stat")
trimmed=$(awk '/^dropped/{print $2}' "${ctn%/*}/service/stat")
set_left=$(cat /tmp/set-left)
rmdir "${ctn%/*}/service"
rm -r "$work"

say "The same work outside of any container, with the file read anew:"
rmdir "$ctn"
keep
archive /tmp/tar-outside &
archiver=$!
hog /tmp/hog-outside &
watch_outside "$archiver" $!
wait
kept_outside=$(cached_mb)

say "Side by side:"
printf '  %-34s %12s %12s\n' "" contained uncontained \
	"tar read" "$(($(cat /tmp/tar-inside) >> 20))M" "$(($(cat /tmp/tar-outside) >> 20))M" \
	"the program filled" "$(($(cat /tmp/hog-inside) >> 20))M" "$(($(cat /tmp/hog-outside) >> 20))M" \
	"seconds" "$inside_took" "$took" \
	"left of the ${kept_before}M file in memory" "${kept_inside}M" "${kept_outside}M"

say "So:"
claim "tar finished inside, and read what it read outside" \
	cmp -s /tmp/tar-inside /tmp/tar-outside
claim "the program finished inside" cmp -s /tmp/hog-inside /tmp/hog-outside
claim "the container went over its limit" [ "$hits" -gt 0 ]
claim "kcontainerd trimmed it" grep -q container_trim_work "$tracing/trace"
claim "it was never more than a quarter above its limit, ${limit_mb}M (most: ${peak}M)" \
	[ "$peak" -le $((limit_mb * 5 / 4)) ]
claim "it ended at or below its limit (${left}M)" [ "$left" -le "$limit_mb" ]
claim "the other file stayed in the cache while the work was contained" \
	[ "$kept_inside" -ge $((kept_before * 9 / 10)) ]
claim "a backup made room among its own pages: of $trimmed that were dropped, $refaulted came back" \
	[ "$refaulted" -le $((trimmed / 50)) -a "$set_left" -eq "$set_size" ]
claim "and was pushed out of it when it was not" [ "$kept_outside" -le $((kept_before / 4)) ]
[ "$failures" -eq 0 ]
