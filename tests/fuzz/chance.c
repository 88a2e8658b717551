// SPDX-License-Identifier: GPL-2.0
/*
 * Chance, from a seed, and the values and names that are made by it.
 */
#include <stdio.h>
#include <string.h>

#include "fuzz.h"

static uint64_t state;

void seed_chance(uint64_t seed)
{
	state = seed;
}

/* splitmix64 */
uint64_t chance(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

unsigned int below(unsigned int n)
{
	return (unsigned int)(((chance() >> 32) * n) >> 32);
}

static void add(struct text *text, const char *bytes, size_t len)
{
	if (len > TEXT_MAX - text->len)
		len = TEXT_MAX - text->len;
	memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
}

static void add_string(struct text *text, const char *string)
{
	add(text, string, strlen(string));
}

static void add_times(struct text *text, char c, unsigned int times)
{
	while (times--)
		add(text, &c, 1);
}

void mutate(struct text *text)
{
	static const char bytes[] = "0123456789KMGTPkmax -+.\n\t\0\x01\x7f\x80\xff/\\";

	for (unsigned int n = 1 + below(3); n; n--) {
		size_t at = text->len ? below((unsigned int)text->len) : 0;
		char c = one_in(2) ? bytes[below(sizeof(bytes) - 1)] : (char)below(256);

		switch (below(4)) {
		case 0:
			if (text->len)
				text->bytes[at] = c;
			break;
		case 1:
			if (text->len < TEXT_MAX) {
				memmove(text->bytes + at + 1, text->bytes + at,
					text->len - at);
				text->bytes[at] = c;
				text->len++;
			}
			break;
		case 2:
			if (text->len) {
				memmove(text->bytes + at, text->bytes + at + 1,
					text->len - at - 1);
				text->len--;
			}
			break;
		default:
			text->len = at;
		}
	}
}

static void gen_number(struct text *text)
{
	static const char *const edges[] = {
		"0", "1", "511", "512", "513", "4095", "4096", "4097", "65536",
		"2147483647", "2147483648", "4294967295", "4294967296",
		"2251799813685246", "2251799813685247", "2251799813685248",
		"8388607", "8388608", "8589934591", "8589934592",
		"8796093022207", "8796093022208", "9007199254740991",
		"9007199254740992", "16777215", "16777216", "17179869184",
		"9223372036854775807", "9223372036854775808",
		"18446744073709551615", "18446744073709551616",
		"18014398509481983", "18014398509481984",
		"340282366920938463463374607431768211456",
	};
	char number[32];

	if (one_in(8))
		add_times(text, '0', one_in(20) ? below(4100) : below(8));
	if (one_in(3)) {
		add_string(text, ONE_OF(edges));
	} else {
		snprintf(number, sizeof(number), "%llu",
			 (unsigned long long)(chance() >> below(64)));
		add_string(text, number);
	}
	if (one_in(2))
		add(text, &"KMGTkP"[below(one_in(8) ? 6 : 4)], 1);
}

void gen_value(struct text *text)
{
	static const char *const words[] = {
		"max", "reclaim", "deactivate", "task", "container", "none",
	};

	text->len = 0;
	switch (below(16)) {
	case 0 ... 8:
		gen_number(text);
		break;
	case 9 ... 12:
		add_string(text, ONE_OF(words));
		break;
	case 13:
		for (unsigned int n = below(40); n; n--)
			add_times(text, (char)below(256), 1);
		break;
	case 14:
		if (one_in(20))
			add_times(text, "09xK\n"[below(5)],
				  one_in(2) ? 4090 + below(12) : below(TEXT_MAX));
		break;
	default:
		gen_number(text);
		add_times(text, ' ', 1);
		gen_number(text);
	}
	if (one_in(6))
		mutate(text);
	if (one_in(2))
		add_times(text, '\n', 1);
}

void gen_bc(struct text *text)
{
	static const char *const names[] = {
		"numproc", "physpages", "numfile", "numflock", "numsiginfo", "lockedpages",
		"privvmpages", "shmpages", "oomguarpages", "dummy", "numprocs", "PHYSPAGES", "",
	};

	text->len = 0;
	add_string(text, names[below(one_in(6) ? ARRAY_SIZE(names) : 8)]);
	for (unsigned int n = one_in(8) ? below(5) : 1 + below(2); n; n--) {
		add_times(text, ' ', one_in(30) ? below(3) : 1);
		if (one_in(6))
			add_string(text, one_in(3) ? "reset" : "max");
		else
			gen_number(text);
	}
	if (one_in(10))
		mutate(text);
	if (one_in(2))
		add_times(text, '\n', 1);
}

void gen_name(struct text *text)
{
	static const char *const names[] = {
		"", ".", "..", "description", "default_page_limit", "beancounters", "stat",
		"witness",
		"7", "12345", "2147483647", "2147483648", "007", "0",
		"./x", "../containers/x", "a/b", "x/", "/", "...", "-", "--help",
		"*", "%s%n", "\\", "two words", "new\nline", "\x1b[31m", "\x7f",
		/* NOLINTNEXTLINE(misc-misleading-bidirectional) */
		"\xc3\xbc\xe2\x80\xae", "\xff\xfe", "\xed\xa0\x80", "id", "tasks",
	};
	unsigned int len;

	text->len = 0;
	switch (below(4)) {
	case 0:
		add_string(text, ONE_OF(names));
		break;
	case 1:
		add_times(text, (char)('a' + below(26)),
			  one_in(2) ? 253 + below(5) : below(600));
		break;
	default:
		for (len = 1 + below(12); len; len--)
			add_times(text, (char)(1 + below(255)), 1);
	}
	text->bytes[text->len] = 0;
}
