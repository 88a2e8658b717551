/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit tests of how configfs.c reads what is written.
 */
#include <kunit/test.h>

struct limit_case {
	const char *text;
	bool pages;
	int err;
	unsigned long limit;
};

static const struct limit_case limit_cases[] = {
	{ "0",			true,	0,	0 },
	{ "1\n",		true,	0,	1 },
	{ "4K",			true,	0,	SZ_4K >> PAGE_SHIFT },
	{ "3G\n",		true,	0,	3UL << (30 - PAGE_SHIFT) },
	{ "2T",			true,	0,	2UL << (40 - PAGE_SHIFT) },
	{ "1K",			true,	0,	SZ_1K >> PAGE_SHIFT },
	{ "max",		true,	0,	PAGE_COUNTER_MAX },
	{ "max\n",		false,	0,	PAGE_COUNTER_MAX },
	{ "4K",			false,	-EINVAL },
	{ "",			true,	-EINVAL },
	{ "\n",			true,	-EINVAL },
	{ "K",			true,	-EINVAL },
	{ "-1",			true,	-EINVAL },
	{ "+1",			true,	-EINVAL },
	{ " 1",			true,	-EINVAL },
	{ "1 ",			true,	-EINVAL },
	{ "1\n\n",		true,	-EINVAL },
	{ "0x10",		true,	-EINVAL },
	{ "1.5",		true,	-EINVAL },
	{ "1k",			true,	-EINVAL },
	{ "1KB",		true,	-EINVAL },
	{ "maxx",		true,	-EINVAL },
	{ "18446744073709551616",	true,	-ERANGE },
	{ "99999999999999999999x",	true,	-EINVAL },
	{ "16777217T",		true,	-ERANGE },
};

static void test_parse_limit(struct kunit *test)
{
	const struct limit_case *c;
	unsigned long limit;
	int i, err;

	for (i = 0; i < ARRAY_SIZE(limit_cases); i++) {
		c = &limit_cases[i];
		limit = 4711;
		err = container_parse_limit(c->text, strlen(c->text), c->pages,
					    &limit);
		KUNIT_EXPECT_EQ_MSG(test, err, c->err, "\"%s\"", c->text);
		/* what is refused changes nothing */
		KUNIT_EXPECT_EQ_MSG(test, limit, c->err ? 4711 : c->limit,
				    "\"%s\"", c->text);
	}
}

static void test_largest_limit(struct kunit *test)
{
	unsigned long limit;
	char text[32];
	int len;

	len = sprintf(text, "%lu", PAGE_COUNTER_MAX);
	KUNIT_EXPECT_EQ(test, container_parse_limit(text, len, true, &limit), 0);
	KUNIT_EXPECT_EQ(test, limit, PAGE_COUNTER_MAX);
	len = sprintf(text, "%lu", PAGE_COUNTER_MAX + 1);
	KUNIT_EXPECT_EQ(test, container_parse_limit(text, len, true, &limit),
			-ERANGE);
}

static void test_parse_pid(struct kunit *test)
{
	pid_t pid = 0;

	KUNIT_EXPECT_EQ(test, parse_pid("42\n", 3, &pid), 0);
	KUNIT_EXPECT_EQ(test, pid, 42);
	KUNIT_EXPECT_EQ(test, parse_pid("0", 1, &pid), -EINVAL);
	KUNIT_EXPECT_EQ(test, parse_pid("max", 3, &pid), -EINVAL);
	KUNIT_EXPECT_EQ(test, parse_pid("2147483648", 10, &pid), -ERANGE);
	KUNIT_EXPECT_EQ(test, parse_pid("2147483647", 10, &pid), 0);
	KUNIT_EXPECT_EQ(test, pid, INT_MAX);
}

static struct kunit_case container_configfs_cases[] = {
	KUNIT_CASE(test_parse_limit),
	KUNIT_CASE(test_largest_limit),
	KUNIT_CASE(test_parse_pid),
	{}
};

static struct kunit_suite container_configfs_suite = {
	.name = "container_configfs",
	.test_cases = container_configfs_cases,
};

kunit_test_suite(container_configfs_suite);
