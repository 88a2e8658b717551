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
	ctn->shrink_rss = ULONG_MAX;
	raw_cpu_add(ctn->pcpu->stat[CONTAINER_ANON], anon);
	raw_cpu_add(ctn->pcpu->stat[CONTAINER_FILE], file);
	return ctn;
}

static struct trim *test_round(struct kunit *test, struct container *ctn)
{
	struct trim *tr = kunit_kzalloc(test, sizeof(*tr), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, tr);
	tr->ctn = ctn;
	return tr;
}

static void test_rss_headroom(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, rss_headroom(0), 0);
	KUNIT_EXPECT_EQ(test, rss_headroom(80), 10);
	KUNIT_EXPECT_EQ(test, rss_headroom(4096), 64);
	KUNIT_EXPECT_EQ(test, rss_headroom(1UL << 20), 1UL << 14);
}

static void test_page_goal(struct kunit *test)
{
	struct container *ctn = test_container(test, 600, 400);
	struct trim *tr = test_round(test, ctn);

	/* at the limit is not over it */
	ctn->page_limit = 1000;
	set_goals(tr);
	KUNIT_EXPECT_EQ(test, tr->goal, ULONG_MAX);
	KUNIT_EXPECT_TRUE(test, reached(tr));

	/* one over it: an eighth below it */
	ctn->page_limit = 999;
	set_goals(tr);
	KUNIT_EXPECT_EQ(test, tr->goal, 999 - 124);
	KUNIT_EXPECT_FALSE(test, reached(tr));
	KUNIT_EXPECT_FALSE(test, is_urgent(tr));

	/* file pages count if they are more than half, anonymous than 1/64 */
	KUNIT_EXPECT_FALSE(test, worth_trimming(tr, 499, 1));
	KUNIT_EXPECT_TRUE(test, worth_trimming(tr, 500, 1));
	KUNIT_EXPECT_FALSE(test, worth_trimming(tr, 15, 6));
	KUNIT_EXPECT_TRUE(test, worth_trimming(tr, 16, 6));

	/* whatever is asked for goes further */
	ctn->shrink_pages = 100;
	set_goals(tr);
	KUNIT_EXPECT_EQ(test, tr->goal, 100);
	KUNIT_EXPECT_TRUE(test, is_urgent(tr));
	free_percpu(ctn->pcpu);
}

static void test_rss_goal(struct kunit *test)
{
	struct container *ctn = test_container(test, 4096, 10000);
	struct trim *tr = test_round(test, ctn);

	/* nobody waits */
	page_counter_set_max(&ctn->counter[CONTAINER_RSS], 4096);
	set_goals(tr);
	KUNIT_EXPECT_EQ(test, tr->rss_goal, ULONG_MAX);
	KUNIT_EXPECT_TRUE(test, reached(tr));

	atomic_inc(&ctn->room_waiters);
	set_goals(tr);
	KUNIT_EXPECT_EQ(test, tr->rss_goal, 4096 - 64);
	KUNIT_EXPECT_EQ(test, tr->goal, ULONG_MAX);
	KUNIT_EXPECT_FALSE(test, reached(tr));
	atomic_dec(&ctn->room_waiters);

	/* a few mapped pages over it are let be, more are not */
	raw_cpu_add(ctn->pcpu->stat[CONTAINER_MAPPED_FILE],
		    CONTAINER_MAPPED_MIN);
	KUNIT_EXPECT_FALSE(test, container_over_rss(ctn));
	raw_cpu_inc(ctn->pcpu->stat[CONTAINER_MAPPED_FILE]);
	KUNIT_EXPECT_TRUE(test, container_over_rss(ctn));
	set_goals(tr);
	KUNIT_EXPECT_EQ(test, tr->rss_goal, 4096);
	free_percpu(ctn->pcpu);
}

static void test_large(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, is_large(49));
	KUNIT_EXPECT_TRUE(test, is_large(50));
}

static struct kunit_case container_trim_cases[] = {
	KUNIT_CASE(test_rss_headroom),
	KUNIT_CASE(test_page_goal),
	KUNIT_CASE(test_rss_goal),
	KUNIT_CASE(test_large),
	{}
};

static struct kunit_suite container_trim_suite = {
	.name = "container_trim",
	.test_cases = container_trim_cases,
};

kunit_test_suite(container_trim_suite);
