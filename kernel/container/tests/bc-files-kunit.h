/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit tests of how bc_files.c reads what is written.
 */
#include <kunit/test.h>

struct bc_value_case {
	const char *text;
	enum bc_unit unit;
	int err;
	unsigned long value;
};

static const struct bc_value_case bc_value_cases[] = {
	{ "0",			BC_NUMBER,	0,	0 },
	{ "30",			BC_NUMBER,	0,	30 },
	{ "max",		BC_NUMBER,	0,	BC_MAXVALUE },
	{ "9223372036854775807", BC_NUMBER,	0,	BC_MAXVALUE },
	{ "9223372036854775808", BC_NUMBER,	-ERANGE },
	{ "18446744073709551616", BC_BYTES,	-ERANGE },
	{ "1K",			BC_NUMBER,	-EINVAL },
	{ "1K",			BC_BYTES,	0,	1024 },
	{ "4095",		BC_BYTES,	0,	4095 },
	{ "32M",		BC_BYTES,	0,	32 << 20 },
	{ "1K",			BC_PAGES,	0,	0 },
	{ "9K",			BC_PAGES,	0,	SZ_8K >> PAGE_SHIFT },
	{ "2T",			BC_PAGES,	0,	2UL << (40 - PAGE_SHIFT) },
	{ "8388607T",		BC_BYTES,	0,	8388607UL << 40 },
	{ "8388608T",		BC_BYTES,	-ERANGE },
	{ "8388608T",		BC_PAGES,	0,	8388608UL << (40 - PAGE_SHIFT) },
	{ "16777216T",		BC_PAGES,	-ERANGE },
	{ "K",			BC_BYTES,	-EINVAL },
	{ "-1",			BC_NUMBER,	-EINVAL },
	{ "+1",			BC_NUMBER,	-EINVAL },
	{ "0x10",		BC_NUMBER,	-EINVAL },
	{ "1k",			BC_BYTES,	-EINVAL },
	{ "1.5G",		BC_BYTES,	-EINVAL },
	{ "maxx",		BC_NUMBER,	-EINVAL },
	{ "99999999999999999999x", BC_NUMBER,	-EINVAL },
};

static void test_parse_value(struct kunit *test)
{
	const struct bc_value_case *c;
	struct bc_word word;
	unsigned long value;
	int i, err;

	for (i = 0; i < ARRAY_SIZE(bc_value_cases); i++) {
		c = &bc_value_cases[i];
		word = (struct bc_word){ c->text, strlen(c->text) };
		value = 4711;
		err = parse_value(&word, c->unit, &value);
		KUNIT_EXPECT_EQ_MSG(test, err, c->err, "\"%s\"", c->text);
		KUNIT_EXPECT_EQ_MSG(test, value, c->err ? 4711 : c->value,
				    "\"%s\"", c->text);
	}
}

struct bc_line_case {
	const char *text;
	int nr;
	int words;
};

static const struct bc_line_case bc_line_cases[] = {
	{ "numproc 30",		BC_NUMPROC,	2 },
	{ "numproc 30 32\n",	BC_NUMPROC,	3 },
	{ "physpages reset",	BC_PHYSPAGES,	2 },
	{ "",			-EINVAL },
	{ "\n",			-EINVAL },
	{ "numproc",		-EINVAL },
	{ "numproc ",		-EINVAL },
	{ " numproc 1",		-EINVAL },
	{ "numproc  1",		-EINVAL },
	{ "numproc 1 ",		-EINVAL },
	{ "numproc 1 2 3",	-EINVAL },
	{ "numproc\t1",		-EINVAL },
	{ "numprocs 1",		-EINVAL },
	{ "numpro 1",		-EINVAL },
	{ "dummy 1",		-EINVAL },
	{ "vmguarpages 1",	-EOPNOTSUPP },
	{ "vmguarpages nonsense", -EOPNOTSUPP },
	{ "vmguarpages",	-EINVAL },
};

static void test_parse_line(struct kunit *test)
{
	const struct bc_line_case *c;
	struct bc_word words[BC_WORDS];
	int i, nr, nr_words;

	for (i = 0; i < ARRAY_SIZE(bc_line_cases); i++) {
		c = &bc_line_cases[i];
		nr = parse_line(c->text, strlen(c->text), words, &nr_words);
		KUNIT_EXPECT_EQ_MSG(test, nr, c->nr, "\"%s\"", c->text);
		if (c->words)
			KUNIT_EXPECT_EQ_MSG(test, nr_words, c->words, "\"%s\"",
					    c->text);
	}
}

static void test_parse_limits(struct kunit *test)
{
	struct bc_word words[] = { { "30", 2 }, { "32", 2 } };
	struct bc_word bad[] = { { "99999999999999999999", 20 }, { "x", 1 } };
	struct bc_limits limits;

	KUNIT_EXPECT_EQ(test, parse_limits(words, 2, BC_NUMBER, &limits), 0);
	KUNIT_EXPECT_EQ(test, limits.barrier, 30);
	KUNIT_EXPECT_EQ(test, limits.limit, 32);
	KUNIT_EXPECT_EQ(test, parse_limits(words, 1, BC_NUMBER, &limits), 0);
	KUNIT_EXPECT_EQ(test, limits.barrier, 30);
	KUNIT_EXPECT_EQ(test, limits.limit, 30);
	KUNIT_EXPECT_EQ(test, parse_limits(bad, 1, BC_NUMBER, &limits), -ERANGE);
	KUNIT_EXPECT_EQ(test, parse_limits(bad, 2, BC_NUMBER, &limits), -EINVAL);
}

static struct kunit_case container_bc_files_cases[] = {
	KUNIT_CASE(test_parse_value),
	KUNIT_CASE(test_parse_line),
	KUNIT_CASE(test_parse_limits),
	{}
};

static struct kunit_suite container_bc_files_suite = {
	.name = "container_bc_files",
	.test_cases = container_bc_files_cases,
};

kunit_test_suite(container_bc_files_suite);
