/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit tests of triggers: what is passed within a window.
 */
#include <kunit/test.h>

#define MS	NSEC_PER_MSEC

/* 100 ms in a second, from 7 s on; 4 s had been waited until then */
static struct container_trigger trigger_at_7s(void)
{
	struct container_trigger t = {
		.threshold = 100 * MS,
		.window = 1000 * MS,
	};

	restart(&t, 7000 * MS, 4000 * MS);
	return t;
}

static void test_threshold(struct kunit *test)
{
	struct container_trigger t = trigger_at_7s();
	bool going_on = false;

	KUNIT_EXPECT_FALSE(test, look(&t, 7100 * MS, 4000 * MS, &going_on));
	KUNIT_EXPECT_FALSE(test, going_on);
	KUNIT_EXPECT_FALSE(test, look(&t, 7200 * MS, 4100 * MS - 1, &going_on));
	KUNIT_EXPECT_TRUE(test, going_on);
	KUNIT_EXPECT_TRUE(test, look(&t, 7300 * MS, 4100 * MS, &going_on));
}

static void test_once_in_a_window(struct kunit *test)
{
	struct container_trigger t = trigger_at_7s();
	bool going_on;
	int ms, told = 0;

	/* somebody waits all the time, for 5 s */
	for (ms = 100; ms <= 5000; ms += 100)
		told += look(&t, (7000 + ms) * MS, (4000 + ms) * MS, &going_on);
	KUNIT_EXPECT_EQ(test, told, 5);
}

static void test_two_windows(struct kunit *test)
{
	struct container_trigger t = trigger_at_7s();
	bool going_on;

	/* 80 ms at the end of a window, and 60 at the beginning of the next one */
	KUNIT_EXPECT_FALSE(test, look(&t, 7900 * MS, 4080 * MS, &going_on));
	KUNIT_EXPECT_FALSE(test, look(&t, 8000 * MS, 4080 * MS, &going_on));
	KUNIT_EXPECT_TRUE(test, look(&t, 8100 * MS, 4140 * MS, &going_on));
}

static void test_far_apart(struct kunit *test)
{
	struct container_trigger t = trigger_at_7s();
	bool going_on;
	int s;

	/* 60 ms every other second are never 100 in one */
	for (s = 1; s < 20; s++)
		KUNIT_EXPECT_FALSE(test, look(&t, (7000 + 1000 * s) * MS,
					      (4000 + s / 2 * 60) * MS, &going_on));
	/* and two windows in which nothing happens end it */
	s = 20;
	KUNIT_EXPECT_FALSE(test, look(&t, 27000 * MS, 4540 * MS, &going_on));
	going_on = false;
	KUNIT_EXPECT_FALSE(test, look(&t, 28000 * MS, 4540 * MS, &going_on));
	KUNIT_EXPECT_FALSE(test, going_on);
}

/* The longest window, waited for all of it: the products are over 64 bits. */
static void test_longest(struct kunit *test)
{
	struct container_trigger t = {
		.threshold = WINDOW_MAX * (u64)NSEC_PER_USEC,
		.window = WINDOW_MAX * (u64)NSEC_PER_USEC,
	};
	bool going_on;
	int s;

	for (s = 1; s < 10; s++)
		KUNIT_EXPECT_FALSE(test, look(&t, s * NSEC_PER_SEC, s * NSEC_PER_SEC,
					      &going_on));
	KUNIT_EXPECT_TRUE(test, look(&t, 10 * NSEC_PER_SEC, 10 * NSEC_PER_SEC, &going_on));
	t.next = 0;
	/* nothing more for half a window: less and less of it counts */
	KUNIT_EXPECT_FALSE(test, look(&t, 15 * NSEC_PER_SEC, 10 * NSEC_PER_SEC, &going_on));
	t.threshold /= 2;
	KUNIT_EXPECT_TRUE(test, look(&t, 15 * NSEC_PER_SEC, 10 * NSEC_PER_SEC, &going_on));
}

static struct kunit_case trigger_cases[] = {
	KUNIT_CASE(test_threshold),
	KUNIT_CASE(test_once_in_a_window),
	KUNIT_CASE(test_two_windows),
	KUNIT_CASE(test_far_apart),
	KUNIT_CASE(test_longest),
	{}
};

static struct kunit_suite trigger_suite = {
	.name = "container_trigger",
	.test_cases = trigger_cases,
};

kunit_test_suite(trigger_suite);
