/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit tests of the arithmetic in charge.c: tokens, stocks, limits.
 */
#include <kunit/test.h>

/* A container that only counts, and that nobody else knows. */
static struct container *counting_container(struct kunit *test)
{
	struct container *ctn;
	int i;

	/* kmalloc() aligns what is a power of two to that */
	ctn = kunit_kzalloc(test, roundup_pow_of_two(sizeof(*ctn)), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctn);
	ctn->pcpu = alloc_percpu(struct container_pcpu);
	KUNIT_ASSERT_TRUE(test, !!ctn->pcpu);
	for (i = 0; i < NR_CONTAINER_COUNTERS; i++)
		page_counter_init(&ctn->counter[i], NULL, false);
	ctn->page_limit = PAGE_COUNTER_MAX;
	return ctn;
}

static unsigned long rss_charged(struct container *ctn)
{
	return page_counter_read(&ctn->counter[CONTAINER_RSS]);
}

static void test_token(struct kunit *test)
{
	struct container *ctn = counting_container(test);
	unsigned long token = container_token(ctn);

	KUNIT_EXPECT_PTR_EQ(test, token_container(token), ctn);
	KUNIT_EXPECT_EQ(test, token & (BIT(CONTAINER_TOKEN_SHIFT) - 1), 0);

	/* what it says besides does not change whose it is */
	token |= CONTAINER_TOKEN_ACTIVE | CONTAINER_TOKEN_FILE |
		 CONTAINER_TOKEN_SHMEM;
	token += CONTAINER_TOKEN_MAPPED_MAX * CONTAINER_TOKEN_MAPPED;
	KUNIT_EXPECT_PTR_EQ(test, token_container(token), ctn);
	KUNIT_EXPECT_EQ(test, token_mapped(token), CONTAINER_TOKEN_MAPPED_MAX);
	free_percpu(ctn->pcpu);
}

static void test_token_rss(struct kunit *test)
{
	unsigned long file = CONTAINER_TOKEN_FILE;
	unsigned long shmem = file | CONTAINER_TOKEN_SHMEM;

	KUNIT_EXPECT_EQ(test, token_rss(0, 512), 512);
	KUNIT_EXPECT_EQ(test, token_rss(file, 512), 0);
	KUNIT_EXPECT_EQ(test, token_rss(file + 3 * CONTAINER_TOKEN_MAPPED, 512),
			3);
	KUNIT_EXPECT_EQ(test, token_rss(shmem, 512), 512);
	KUNIT_EXPECT_EQ(test, token_rss(shmem + 3 * CONTAINER_TOKEN_MAPPED, 512),
			512);
	KUNIT_EXPECT_EQ(test, token_stat(0), CONTAINER_ANON);
	KUNIT_EXPECT_EQ(test, token_stat(file), CONTAINER_FILE);
	KUNIT_EXPECT_EQ(test, token_stat(shmem), CONTAINER_SHMEM);
}

static void test_stock(struct kunit *test)
{
	struct container *ctn = counting_container(test);
	unsigned long first, taken, given_back, drained;
	int i, err;

	preempt_disable();
	err = reserve(ctn, 1);
	first = rss_charged(ctn);
	for (i = 0; i < CONTAINER_STOCK; i++)
		err |= reserve(ctn, 1);
	taken = rss_charged(ctn);
	uncharge_counter(ctn, CONTAINER_RSS, 1 + CONTAINER_STOCK);
	given_back = rss_charged(ctn);
	container_drain_stock(ctn);
	drained = rss_charged(ctn);
	preempt_enable();

	KUNIT_EXPECT_EQ(test, err, 0);
	/* one, and a stock in advance, out of which the others were */
	KUNIT_EXPECT_EQ(test, first, 1 + CONTAINER_STOCK);
	KUNIT_EXPECT_EQ(test, taken, 1 + CONTAINER_STOCK);
	/* what comes back is a stock again: this is no more than two of them */
	KUNIT_EXPECT_EQ(test, given_back, 1 + CONTAINER_STOCK);
	KUNIT_EXPECT_EQ(test, drained, 0);
	free_percpu(ctn->pcpu);
}

static void test_stock_is_bounded(struct kunit *test)
{
	struct container *ctn = counting_container(test);
	unsigned long left;

	preempt_disable();
	charge_counter(ctn, CONTAINER_CACHE, 1000);
	uncharge_counter(ctn, CONTAINER_CACHE, 1000);
	left = page_counter_read(&ctn->counter[CONTAINER_CACHE]);
	preempt_enable();

	KUNIT_EXPECT_LE(test, left, 2 * CONTAINER_STOCK);
	container_drain_stock(ctn);
	KUNIT_EXPECT_EQ(test, counted(ctn), 0);
	free_percpu(ctn->pcpu);
}

static void test_limit_holds(struct kunit *test)
{
	struct container *ctn = counting_container(test);
	unsigned long at_limit;
	int i, over, again, large;

	page_counter_set_max(&ctn->counter[CONTAINER_RSS], 100);

	preempt_disable();
	for (i = 0; i < 1000; i++)
		if (reserve(ctn, 1))
			break;
	at_limit = rss_charged(ctn);
	over = reserve(ctn, 1);
	uncharge_counter(ctn, CONTAINER_RSS, 1);
	again = reserve(ctn, 1);
	uncharge_counter(ctn, CONTAINER_RSS, 20);
	large = reserve(ctn, 21);
	preempt_enable();

	/* to the page: nothing of it is lost in a stock */
	KUNIT_EXPECT_EQ(test, i, 100);
	KUNIT_EXPECT_EQ(test, at_limit, 100);
	KUNIT_EXPECT_EQ(test, over, -ENOMEM);
	KUNIT_EXPECT_EQ(test, again, 0);
	KUNIT_EXPECT_EQ(test, large, -ENOMEM);
	uncharge_counter(ctn, CONTAINER_RSS, 80);
	container_drain_stock(ctn);
	KUNIT_EXPECT_EQ(test, rss_charged(ctn), 0);
	free_percpu(ctn->pcpu);
}

static void test_mapping_moves_between_counters(struct kunit *test)
{
	struct container *ctn = counting_container(test);
	unsigned long token = container_token(ctn) | CONTAINER_TOKEN_FILE;

	charge_token(token, 10);
	move_mapped(token, 4);
	container_drain_stock(ctn);
	KUNIT_EXPECT_EQ(test, rss_charged(ctn), 4);
	KUNIT_EXPECT_EQ(test, counted(ctn), 10);

	/* shmem is rss, mapped or not */
	move_mapped(token | CONTAINER_TOKEN_SHMEM, 4);
	container_drain_stock(ctn);
	KUNIT_EXPECT_EQ(test, rss_charged(ctn), 4);

	move_mapped(token, -4);
	uncharge_token(token, 10);
	container_drain_stock(ctn);
	KUNIT_EXPECT_EQ(test, counted(ctn), 0);
	free_percpu(ctn->pcpu);
}

static void test_close_to_page_limit(struct kunit *test)
{
	struct container *ctn = counting_container(test);
	unsigned long far, near;

	preempt_disable();
	ctn->page_limit = 1 + CONTAINER_STOCK;
	charge_counter(ctn, CONTAINER_CACHE, 1);
	far = counted(ctn);
	container_drain_stock(ctn);
	uncharge_counter(ctn, CONTAINER_CACHE, 1);
	container_drain_stock(ctn);

	ctn->page_limit = CONTAINER_STOCK;
	charge_counter(ctn, CONTAINER_CACHE, 1);
	near = counted(ctn);
	preempt_enable();

	KUNIT_EXPECT_EQ(test, far, 1 + CONTAINER_STOCK);
	/* nothing in advance, so that the limit is noticed when it is passed */
	KUNIT_EXPECT_EQ(test, near, 1);
	free_percpu(ctn->pcpu);
}

static struct kunit_case container_charge_cases[] = {
	KUNIT_CASE(test_token),
	KUNIT_CASE(test_token_rss),
	KUNIT_CASE(test_stock),
	KUNIT_CASE(test_stock_is_bounded),
	KUNIT_CASE(test_limit_holds),
	KUNIT_CASE(test_mapping_moves_between_counters),
	KUNIT_CASE(test_close_to_page_limit),
	{}
};

static struct kunit_suite container_charge_suite = {
	.name = "container_charge",
	.test_cases = container_charge_cases,
};

kunit_test_suite(container_charge_suite);
