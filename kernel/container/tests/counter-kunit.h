/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit tests of counter.c: stocks and limits.
 */
#include <kunit/test.h>

/* A container that only counts, and that nobody else knows. */
static struct container *counting_container(struct kunit *test)
{
	struct container *ctn;
	int i;

	ctn = kunit_kzalloc(test, sizeof(*ctn), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctn);
	ctn->pcpu = alloc_percpu(struct container_pcpu);
	KUNIT_ASSERT_TRUE(test, !!ctn->pcpu);
	for (i = 0; i < NR_CONTAINER_COUNTERS; i++)
		page_counter_init(&ctn->counter[i], NULL, false);
	ctn->stock_most = CONTAINER_STOCK_MOST;
	ctn->page_limit = PAGE_COUNTER_MAX;
	KUNIT_ASSERT_EQ(test, container_bc_create(ctn), 0);
	/* that nobody calls kcontainerd for it */
	set_bit(CONTAINER_DYING, &ctn->flags);
	return ctn;
}

static unsigned long held_charged(struct container *ctn)
{
	return page_counter_read(&ctn->counter[CONTAINER_HELD]);
}

static void test_stock(struct kunit *test)
{
	struct container *ctn = counting_container(test);
	unsigned long first, taken, given_back, drained;
	int i, err;

	preempt_disable();
	err = container_reserve(ctn, 1);
	first = held_charged(ctn);
	for (i = 0; i < CONTAINER_STOCK; i++)
		err |= container_reserve(ctn, 1);
	taken = held_charged(ctn);
	container_uncharge_pages(ctn, CONTAINER_HELD, 1 + CONTAINER_STOCK);
	given_back = held_charged(ctn);
	container_drain_stock(ctn);
	drained = held_charged(ctn);
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
	container_charge_pages(ctn, CONTAINER_DROPPABLE, 1000);
	container_uncharge_pages(ctn, CONTAINER_DROPPABLE, 1000);
	left = page_counter_read(&ctn->counter[CONTAINER_DROPPABLE]);
	preempt_enable();

	KUNIT_EXPECT_LE(test, left, 2 * CONTAINER_STOCK);
	container_drain_stock(ctn);
	KUNIT_EXPECT_EQ(test, container_charged(ctn), 0);
	free_percpu(ctn->pcpu);
}

static void test_limit_holds(struct kunit *test)
{
	struct container *ctn = counting_container(test);
	unsigned long at_limit;
	int i, over, again, large;

	page_counter_set_max(&ctn->counter[CONTAINER_HELD], 100);

	preempt_disable();
	for (i = 0; i < 1000; i++)
		if (container_reserve(ctn, 1))
			break;
	at_limit = held_charged(ctn);
	over = container_reserve(ctn, 1);
	container_uncharge_pages(ctn, CONTAINER_HELD, 1);
	again = container_reserve(ctn, 1);
	container_uncharge_pages(ctn, CONTAINER_HELD, 20);
	large = container_reserve(ctn, 21);
	preempt_enable();

	/* to the page: nothing of it is lost in a stock */
	KUNIT_EXPECT_EQ(test, i, 100);
	KUNIT_EXPECT_EQ(test, at_limit, 100);
	KUNIT_EXPECT_EQ(test, over, -ENOMEM);
	KUNIT_EXPECT_EQ(test, again, 0);
	KUNIT_EXPECT_EQ(test, large, -ENOMEM);
	container_uncharge_pages(ctn, CONTAINER_HELD, 80);
	container_drain_stock(ctn);
	KUNIT_EXPECT_EQ(test, held_charged(ctn), 0);
	free_percpu(ctn->pcpu);
}

static void test_close_to_page_limit(struct kunit *test)
{
	struct container *ctn = counting_container(test);
	unsigned long far, near;

	preempt_disable();
	ctn->page_limit = 1 + CONTAINER_STOCK;
	container_charge_pages(ctn, CONTAINER_DROPPABLE, 1);
	far = container_charged(ctn);
	container_drain_stock(ctn);
	container_uncharge_pages(ctn, CONTAINER_DROPPABLE, 1);
	container_drain_stock(ctn);

	ctn->page_limit = CONTAINER_STOCK;
	container_charge_pages(ctn, CONTAINER_DROPPABLE, 1);
	near = container_charged(ctn);
	preempt_enable();

	KUNIT_EXPECT_EQ(test, far, 1 + CONTAINER_STOCK);
	/* nothing in advance, so that the limit is noticed when it is passed */
	KUNIT_EXPECT_EQ(test, near, 1);
	free_percpu(ctn->pcpu);
}

static struct kunit_case container_counter_cases[] = {
	KUNIT_CASE(test_stock),
	KUNIT_CASE(test_stock_is_bounded),
	KUNIT_CASE(test_limit_holds),
	KUNIT_CASE(test_close_to_page_limit),
	{}
};

static struct kunit_suite container_counter_suite = {
	.name = "container_counter",
	.test_cases = container_counter_cases,
};

kunit_test_suite(container_counter_suite);
