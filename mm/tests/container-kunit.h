/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit tests of when kcontainerd trims, and how far.
 */
#include <kunit/test.h>

static struct container *test_container(struct kunit *test, long anon, long file)
{
	struct container *ctn;
	int i;

	ctn = kunit_kzalloc(test, sizeof(*ctn), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctn);
	ctn->pcpu = alloc_percpu(struct container_pcpu);
	KUNIT_ASSERT_TRUE(test, !!ctn->pcpu);
	for (i = 0; i < NR_CONTAINER_COUNTERS; i++)
		page_counter_init(&ctn->counter[i], NULL, false);
	ctn->page_limit = PAGE_COUNTER_MAX;
	ctn->shrink_pages = ULONG_MAX;
	for (i = 0; i < NR_CONTAINER_TRIMMERS; i++)
		ctn->trimmer[i].ctn = ctn;
	KUNIT_ASSERT_EQ(test, container_bc_create(ctn), 0);
	raw_cpu_add(ctn->pcpu->stat[CONTAINER_ANON], anon);
	raw_cpu_add(ctn->pcpu->stat[CONTAINER_FILE], file);
	return ctn;
}

static struct trim *test_round(struct kunit *test, struct container *ctn,
			       enum container_trim_goal what)
{
	struct trim *tr = kunit_kzalloc(test, sizeof(*tr), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, tr);
	tr->ctn = ctn;
	tr->what = what;
	return tr;
}

static void test_room_to_make(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, room_to_make(0), 0);
	KUNIT_EXPECT_EQ(test, room_to_make(80), 10);
	KUNIT_EXPECT_EQ(test, room_to_make(4096), 64);
	KUNIT_EXPECT_EQ(test, room_to_make(1UL << 20), 1UL << 14);
}

static void test_usage_goal(struct kunit *test)
{
	struct container *ctn = test_container(test, 600, 400);
	struct trim *tr = test_round(test, ctn, CONTAINER_TRIM_USAGE);

	/* at the limit is not over it */
	ctn->page_limit = 1000;
	tr->began_over = over_limit(ctn);
	KUNIT_EXPECT_EQ(test, usage_goal(tr), ULONG_MAX);
	KUNIT_EXPECT_TRUE(test, trim_reached(tr));

	/* one over it: an eighth below it */
	tr->reached = false;
	ctn->page_limit = 999;
	tr->began_over = over_limit(ctn);
	KUNIT_EXPECT_EQ(test, usage_goal(tr), 999 - 124);
	KUNIT_EXPECT_FALSE(test, trim_reached(tr));
	KUNIT_EXPECT_EQ(test, trim_excess(tr), 125);
	KUNIT_EXPECT_FALSE(test, is_urgent(tr));

	/* file pages count if they are more than half, anonymous than 1/64 */
	KUNIT_EXPECT_FALSE(test, worth_trimming(tr, 499, 1));
	KUNIT_EXPECT_TRUE(test, worth_trimming(tr, 500, 1));
	KUNIT_EXPECT_FALSE(test, worth_trimming(tr, 15, 6));
	KUNIT_EXPECT_TRUE(test, worth_trimming(tr, 16, 6));

	/* whatever is asked for goes further */
	ctn->shrink_pages = 100;
	KUNIT_EXPECT_EQ(test, usage_goal(tr), 100);
	KUNIT_EXPECT_TRUE(test, is_urgent(tr));

	/* if that is not wanted any more, and the limit is raised, the round is over */
	ctn->shrink_pages = ULONG_MAX;
	KUNIT_EXPECT_FALSE(test, trim_reached(tr));
	ctn->page_limit = PAGE_COUNTER_MAX;
	KUNIT_EXPECT_TRUE(test, trim_reached(tr));

	/* and stays so, whatever is charged until it looks the next time */
	ctn->page_limit = 999;
	KUNIT_EXPECT_EQ(test, trim_excess(tr), 125);
	KUNIT_EXPECT_TRUE(test, trim_reached(tr));
	free_percpu(ctn->pcpu);
}

static void test_held_goal(struct kunit *test)
{
	struct container *ctn = test_container(test, 4096, 10000);
	struct trim *tr = test_round(test, ctn, CONTAINER_TRIM_HELD);

	/* nobody waits, and cache is not held */
	page_counter_set_max(&ctn->counter[CONTAINER_HELD], 4096);
	KUNIT_EXPECT_EQ(test, held_goal(ctn), 4096);
	KUNIT_EXPECT_TRUE(test, trim_reached(tr));
	KUNIT_EXPECT_FALSE(test, container_over_held(ctn));

	atomic_inc(&ctn->room_waiters);
	KUNIT_EXPECT_EQ(test, held_goal(ctn), 4096 - 64);
	KUNIT_EXPECT_EQ(test, trim_excess(tr), 64);
	atomic_dec(&ctn->room_waiters);

	/* what is mapped of the cache is over the limit for another round only */
	KUNIT_EXPECT_FALSE(test, over_mapped(ctn));
	raw_cpu_inc(ctn->pcpu->stat[CONTAINER_MAPPED_FILE]);
	KUNIT_EXPECT_TRUE(test, over_mapped(ctn));
	KUNIT_EXPECT_FALSE(test, container_over_held(ctn));
	KUNIT_EXPECT_TRUE(test, trim_reached(tr));
	tr->unmap = true;
	KUNIT_EXPECT_EQ(test, trim_excess(tr), 1);
	free_percpu(ctn->pcpu);
}

#ifdef CONFIG_BEANCOUNTERS
static void test_barrier_goal(struct kunit *test)
{
	struct container *ctn = test_container(test, 1000, 10000);
	struct trim *tr = test_round(test, ctn, CONTAINER_TRIM_HELD);

	/* at the barrier is not over it */
	ctn->rss_barrier = 1000;
	KUNIT_EXPECT_FALSE(test, is_over(tr));
	begin_round(tr, &ctn->trimmer[CONTAINER_TRIM_HELD]);
	KUNIT_EXPECT_EQ(test, barrier_goal(tr), ULONG_MAX);

	/* one over it: an eighth below it */
	ctn->rss_barrier = 999;
	KUNIT_EXPECT_TRUE(test, is_over(tr));
	begin_round(tr, &ctn->trimmer[CONTAINER_TRIM_HELD]);
	KUNIT_EXPECT_TRUE(test, tr->unasked);
	KUNIT_EXPECT_EQ(test, trim_excess(tr), 1000 - (999 - 124));

	/* whoever waits for room below the limit wants a round of his own */
	page_counter_set_max(&ctn->counter[CONTAINER_HELD], 1000);
	atomic_inc(&ctn->room_waiters);
	begin_round(tr, &ctn->trimmer[CONTAINER_TRIM_HELD]);
	KUNIT_EXPECT_FALSE(test, tr->unasked);

	/* and of cache, what is mapped is compared with the less of both */
	ctn->rss_barrier = 1000;
	raw_cpu_inc(ctn->pcpu->stat[CONTAINER_MAPPED_FILE]);
	KUNIT_EXPECT_TRUE(test, over_mapped(ctn));
	ctn->rss_barrier = 1001;
	page_counter_set_max(&ctn->counter[CONTAINER_HELD], 1001);
	KUNIT_EXPECT_FALSE(test, over_mapped(ctn));
	free_percpu(ctn->pcpu);
}
#endif

static void test_delays(struct kunit *test)
{
	struct container *ctn = test_container(test, 1000, 0);
	struct trim *tr = test_round(test, ctn, CONTAINER_TRIM_USAGE);

	ctn->page_limit = 100;
	tr->began_over = over_limit(ctn);
	tr->trimmer = &ctn->trimmer[CONTAINER_TRIM_USAGE];

	/* more than a quarter of what was to go is a help */
	tr->trimmed = 201;
	KUNIT_EXPECT_EQ(test, next_delay(tr, 800), 1);
	KUNIT_EXPECT_FALSE(test, test_bit(CONTAINER_TRIM_FAILED, &ctn->flags));

	/* less is not: ever later, a second at most */
	tr->trimmed = 200;
	KUNIT_EXPECT_EQ(test, next_delay(tr, 800), HZ / 10);
	KUNIT_EXPECT_TRUE(test, test_bit(CONTAINER_TRIM_FAILED, &ctn->flags));
	KUNIT_EXPECT_EQ(test, ctn->failed_usage, 1000);
	KUNIT_EXPECT_EQ(test, next_delay(tr, 800), 2 * (HZ / 10));
	next_delay(tr, 800);
	next_delay(tr, 800);
	KUNIT_EXPECT_EQ(test, next_delay(tr, 800), HZ);

	/* what is being written will be one */
	tr->writing = true;
	KUNIT_EXPECT_EQ(test, next_delay(tr, 800), HZ / 50);
	KUNIT_EXPECT_FALSE(test, test_bit(CONTAINER_TRIM_FAILED, &ctn->flags));
	free_percpu(ctn->pcpu);
}

static void test_large(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, is_large(49));
	KUNIT_EXPECT_TRUE(test, is_large(50));
}

static struct kunit_case container_trim_cases[] = {
	KUNIT_CASE(test_room_to_make),
	KUNIT_CASE(test_usage_goal),
	KUNIT_CASE(test_held_goal),
#ifdef CONFIG_BEANCOUNTERS
	KUNIT_CASE(test_barrier_goal),
#endif
	KUNIT_CASE(test_delays),
	KUNIT_CASE(test_large),
	{}
};

static struct kunit_suite container_trim_suite = {
	.name = "container_trim",
	.test_cases = container_trim_cases,
};

kunit_test_suite(container_trim_suite);
