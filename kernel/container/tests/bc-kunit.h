/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit tests of charging and uncharging: what each severity allows, to the unit.
 */
#include <kunit/test.h>

static int barrier_hits, limit_hits, room_left;

static void count_barrier_hit(struct container *ctn)
{
	barrier_hits++;
}

/* There is room as often as is said. */
static struct bc_row *limited_row;

static int make_some_room(struct container *ctn, unsigned long val)
{
	limit_hits++;
	if (!room_left)
		return -ENOMEM;
	room_left--;
	atomic_long_sub(val, &limited_row->held);
	return 0;
}

static const struct bc_resource plain_resource = { "plain" };
static const struct bc_resource told_resource = {
	.name = "told",
	.barrier_hit = count_barrier_hit,
	.limit_hit = make_some_room,
};

/* A container that is in no tree: notices of it go nowhere. */
static struct container *make_container(struct kunit *test)
{
	struct container *ctn = kunit_kzalloc(test, sizeof(*ctn), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ctn);
	INIT_DELAYED_WORK(&ctn->notify_work, container_notify_work);
	disable_delayed_work(&ctn->notify_work);
	barrier_hits = 0;
	limit_hits = 0;
	room_left = 0;
	return ctn;
}

static void set_limits(struct bc_row *row, unsigned long barrier,
		       unsigned long limit)
{
	bc_row_init(row);
	row->limits.barrier = barrier;
	row->limits.limit = limit;
}

static void test_severities(struct kunit *test)
{
	struct container *ctn = make_container(test);
	const struct bc_resource *res = &plain_resource;
	struct bc_row row;

	set_limits(&row, 10, 12);
	/* as much as the barrier is allowed, one more is not */
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 10, BC_BARRIER), 0);
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 1, BC_BARRIER), -ENOMEM);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&row.held), 10);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&row.failcnt), 1);
	/* the same of the limit */
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 3, BC_LIMIT), -ENOMEM);
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 2, BC_LIMIT), 0);
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 1, BC_LIMIT), -ENOMEM);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&row.held), 12);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&row.failcnt), 3);
	/* and nothing stops what is forced, nor counts it */
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 5, BC_FORCE), 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&row.held), 17);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&row.failcnt), 3);
	/* nothing fits in what is full, and to charge nothing does not either */
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 0, BC_LIMIT), -ENOMEM);
	bc_row_uncharge(&row, res, ctn, 7);
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 0, BC_BARRIER), 0);
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 1, BC_BARRIER), -ENOMEM);
}

static void test_no_limits(struct kunit *test)
{
	struct container *ctn = make_container(test);
	const struct bc_resource *res = &plain_resource;
	struct bc_row row;

	bc_row_init(&row);
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, BC_MAXVALUE, BC_BARRIER), 0);
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 1, BC_BARRIER), -ENOMEM);
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, BC_MAXVALUE, BC_LIMIT), -ENOMEM);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&row.held), BC_MAXVALUE);
}

static void test_uncharge_too_much(struct kunit *test)
{
	struct container *ctn = make_container(test);
	struct bc_row row;

	bc_row_init(&row);
	ctn->id = 4711;
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, &plain_resource, ctn, 5, BC_LIMIT), 0);
	bc_row_uncharge(&row, &plain_resource, ctn, 6);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&row.held), 0);
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, &plain_resource, ctn, 5, BC_LIMIT), 0);
	bc_row_uncharge(&row, &plain_resource, ctn, 5);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&row.held), 0);
}

static void test_most_and_least(struct kunit *test)
{
	struct container *ctn = make_container(test);
	const struct bc_resource *res = &plain_resource;
	struct bc_resource_parm parm;
	struct bc_row row;

	set_limits(&row, 20, 20);
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 8, BC_LIMIT), 0);
	bc_row_uncharge(&row, res, ctn, 3);
	bc_row_read(&row, &parm);
	KUNIT_EXPECT_EQ(test, parm.held, 5);
	KUNIT_EXPECT_EQ(test, parm.maxheld, 8);
	KUNIT_EXPECT_EQ(test, parm.minheld, 0);

	bc_row_reset(&row);
	bc_row_read(&row, &parm);
	KUNIT_EXPECT_EQ(test, parm.maxheld, 5);
	KUNIT_EXPECT_EQ(test, parm.minheld, 5);
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 2, BC_LIMIT), 0);
	bc_row_uncharge(&row, res, ctn, 4);
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 1, BC_LIMIT), 0);
	/* what fails was never there */
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 90, BC_LIMIT), -ENOMEM);
	bc_row_read(&row, &parm);
	KUNIT_EXPECT_EQ(test, parm.held, 4);
	KUNIT_EXPECT_EQ(test, parm.maxheld, 7);
	KUNIT_EXPECT_EQ(test, parm.minheld, 3);
	KUNIT_EXPECT_EQ(test, parm.failcnt, 1);
}

static void test_hits(struct kunit *test)
{
	struct container *ctn = make_container(test);
	const struct bc_resource *res = &told_resource;
	struct bc_row row;

	limited_row = &row;
	set_limits(&row, 10, 12);
	/* upward only, and only as it is passed */
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 10, BC_LIMIT), 0);
	KUNIT_EXPECT_EQ(test, barrier_hits, 0);
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 1, BC_LIMIT), 0);
	KUNIT_EXPECT_EQ(test, barrier_hits, 1);
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 1, BC_LIMIT), 0);
	KUNIT_EXPECT_EQ(test, barrier_hits, 1);
	bc_row_uncharge(&row, res, ctn, 2);
	KUNIT_EXPECT_EQ(test, barrier_hits, 1);
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 2, BC_FORCE), 0);
	KUNIT_EXPECT_EQ(test, barrier_hits, 2);

	/* at the barrier it is not asked for room, at the limit it is */
	bc_row_uncharge(&row, res, ctn, 1);
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 1, BC_BARRIER), -ENOMEM);
	KUNIT_EXPECT_EQ(test, limit_hits, 0);
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 3, BC_LIMIT), -ENOMEM);
	KUNIT_EXPECT_EQ(test, limit_hits, 1);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&row.failcnt), 2);
	room_left = 1;
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 3, BC_LIMIT), 0);
	KUNIT_EXPECT_EQ(test, limit_hits, 2);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&row.held), 11);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&row.failcnt), 2);
}

static void test_lowered(struct kunit *test)
{
	struct container *ctn = make_container(test);
	const struct bc_resource *res = &plain_resource;
	struct bc_resource_parm parm;
	struct bc_row row;

	set_limits(&row, 10, 10);
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 10, BC_LIMIT), 0);
	row.limits.limit = 5;
	/* nothing is taken away, nothing more is given */
	bc_row_read(&row, &parm);
	KUNIT_EXPECT_EQ(test, parm.held, 10);
	KUNIT_EXPECT_EQ(test, parm.limit, 5);
	KUNIT_EXPECT_EQ(test, parm.barrier, 5);
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 1, BC_LIMIT), -ENOMEM);
	bc_row_uncharge(&row, res, ctn, 6);
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 1, BC_BARRIER), 0);
	KUNIT_EXPECT_EQ(test, bc_row_charge(&row, res, ctn, 1, BC_BARRIER), -ENOMEM);
}

static void test_bound(struct kunit *test)
{
	const struct bc_limits most = { 10, 20 }, less = { 5, 5 }, more = { 11, 20 },
			       most_limit = { 10, 21 };
	struct bc_row row;

	bc_row_init(&row);
	KUNIT_EXPECT_TRUE(test, bc_may_set(&row, &most_limit, false));
	KUNIT_EXPECT_TRUE(test, bc_may_set(&row, &most, true));
	KUNIT_EXPECT_FALSE(test, bc_may_set(&row, &more, false));
	KUNIT_EXPECT_FALSE(test, bc_may_set(&row, &most_limit, false));
	KUNIT_EXPECT_TRUE(test, bc_may_set(&row, &less, false));
	/* and back: who has lowered it has not bound himself */
	KUNIT_EXPECT_TRUE(test, bc_may_set(&row, &most, false));
	KUNIT_EXPECT_TRUE(test, bc_may_set(&row, &more, true));
	KUNIT_EXPECT_TRUE(test, bc_may_set(&row, &more, false));
}

static struct kunit_case container_bc_cases[] = {
	KUNIT_CASE(test_severities),
	KUNIT_CASE(test_no_limits),
	KUNIT_CASE(test_uncharge_too_much),
	KUNIT_CASE(test_most_and_least),
	KUNIT_CASE(test_hits),
	KUNIT_CASE(test_lowered),
	KUNIT_CASE(test_bound),
	{}
};

static struct kunit_suite container_bc_suite = {
	.name = "container_bc",
	.test_cases = container_bc_cases,
};

kunit_test_suite(container_bc_suite);
