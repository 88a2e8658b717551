/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit tests of pressure: how time becomes averages.
 */
#include <kunit/test.h>

#define TENTH	(NSEC_PER_SEC / 10)

static void begin_at(struct container_pressure *p, u64 now)
{
	memset(p, 0, sizeof(*p));
	p->since = now;
	p->avg_time = now;
	p->avg_next = now + PRESSURE_PERIOD;
}

/* So many tenths of a second, in each of which @of ten parts somebody waits. */
static u64 go_on(struct container_pressure *p, u64 now, int tenths, int of)
{
	while (tenths--) {
		update(p, now);
		p->stalled = 1;
		now += TENTH / 10 * of;
		update(p, now);
		p->stalled = 0;
		now += TENTH / 10 * (10 - of);
	}
	update(p, now);
	return now;
}

static void test_share(struct kunit *test)
{
	struct container_pressure p;
	u64 now = 12345;

	begin_at(&p, now);
	/* a minute of three tenths: ten seconds know of nothing else, five minutes do */
	now = go_on(&p, now, 600, 3);
	KUNIT_EXPECT_EQ(test, p.total, 18 * NSEC_PER_SEC);
	KUNIT_EXPECT_GE(test, LOAD_INT(p.avg[0]), 29);
	KUNIT_EXPECT_LE(test, LOAD_INT(p.avg[0]), 30);
	KUNIT_EXPECT_GE(test, LOAD_INT(p.avg[1]), 18);
	KUNIT_EXPECT_LE(test, LOAD_INT(p.avg[1]), 20);
	KUNIT_EXPECT_GE(test, LOAD_INT(p.avg[2]), 4);
	KUNIT_EXPECT_LE(test, LOAD_INT(p.avg[2]), 6);
}

static void test_nobody_looked(struct kunit *test)
{
	struct container_pressure p, q;
	u64 now = 0, later;

	/* nobody waits for a minute, and it is looked at all the time, or only then */
	begin_at(&p, now);
	now = go_on(&p, now, 200, 10);
	q = p;
	KUNIT_EXPECT_GE(test, LOAD_INT(p.avg[0]), 85);
	later = go_on(&p, now, 600, 0);
	update(&q, later);
	KUNIT_EXPECT_EQ(test, p.total, q.total);
	KUNIT_EXPECT_EQ(test, LOAD_INT(p.avg[0]), 0);
	KUNIT_EXPECT_EQ(test, LOAD_INT(q.avg[0]), 0);
	KUNIT_EXPECT_EQ(test, LOAD_INT(p.avg[1]), LOAD_INT(q.avg[1]));
	KUNIT_EXPECT_EQ(test, LOAD_INT(p.avg[2]), LOAD_INT(q.avg[2]));

	/* or somebody does, all of it */
	q.stalled = 1;
	update(&q, later + 60 * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, q.total - p.total, 60 * NSEC_PER_SEC);
	KUNIT_EXPECT_GE(test, LOAD_INT(q.avg[0]), 99);
	KUNIT_EXPECT_LE(test, LOAD_INT(q.avg[0]), 100);
}

static void test_late(struct kunit *test)
{
	struct container_pressure p;

	/* a tenth of a second, and then two whole periods before somebody looks */
	begin_at(&p, 0);
	update(&p, 19 * TENTH);
	p.stalled = 1;
	update(&p, 61 * TENTH);
	KUNIT_EXPECT_EQ(test, p.total, 42 * TENTH);
	KUNIT_EXPECT_GE(test, LOAD_INT(p.avg[0]), 27);
	KUNIT_EXPECT_LE(test, LOAD_INT(p.avg[0]), 30);
}

static void test_has_more(struct kunit *test)
{
	struct container_pressure p;

	begin_at(&p, 0);
	KUNIT_EXPECT_FALSE(test, has_more(&p));
	p.stalled = 1;
	KUNIT_EXPECT_TRUE(test, has_more(&p));
	/* it has ended, but is in no average yet */
	update(&p, 5 * TENTH);
	p.stalled = 0;
	KUNIT_EXPECT_TRUE(test, has_more(&p));
	KUNIT_EXPECT_GE(test, jiffies_to_nsecs(until_next(&p)), 15 * TENTH);
	update(&p, 20 * TENTH);
	KUNIT_EXPECT_FALSE(test, has_more(&p));
	KUNIT_EXPECT_NE(test, p.avg[0], 0);
}

static void test_revive(struct kunit *test)
{
	struct container *ctn = kunit_kzalloc(test, sizeof(*ctn), GFP_KERNEL);
	struct container_pressure *p;
	u64 total;

	KUNIT_ASSERT_NOT_NULL(test, ctn);
	container_pressure_init(ctn);
	p = &ctn->pressure;
	/* one that rmdir has sent away while it waits */
	p->stalled = 1;
	container_pressure_revive(ctn);
	total = p->total;
	update(p, p->since + TENTH);
	KUNIT_EXPECT_EQ(test, p->total, total);
	disable_delayed_work_sync(&p->work);
}

static struct kunit_case container_pressure_cases[] = {
	KUNIT_CASE(test_share),
	KUNIT_CASE(test_nobody_looked),
	KUNIT_CASE(test_late),
	KUNIT_CASE(test_has_more),
	KUNIT_CASE(test_revive),
	{}
};

static struct kunit_suite container_pressure_suite = {
	.name = "container_pressure",
	.test_cases = container_pressure_cases,
};

kunit_test_suite(container_pressure_suite);
