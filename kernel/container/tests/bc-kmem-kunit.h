/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit tests of charging the kernel's own pages: what their tokens say, how much it is,
 * and which of barrier and limit it has to fit below; and of what is left of dcachesize.
 */
#include <kunit/test.h>

struct kmem_test {
	struct container ctn;
	struct beancounter bc;
	struct container *was;
};

/* The task that runs the tests is in a container that nobody else knows. */
static int kmem_test_init(struct kunit *test)
{
	struct kmem_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	INIT_DELAYED_WORK(&t->ctn.notify_work, container_notify_work);
	disable_delayed_work(&t->ctn.notify_work);
	for (i = 0; i < BC_RESOURCES; i++)
		bc_row_init(&t->bc.row[i]);
	t->bc.ctn = &t->ctn;
	container_kmem_init(&t->bc);
	t->ctn.bc = &t->bc;
	KUNIT_ASSERT_EQ(test, container_table_add(&t->ctn), 0);
	t->was = rcu_access_pointer(current->container);
	rcu_assign_pointer(current->container, &t->ctn);
	test->priv = t;
	return 0;
}

static void kmem_test_exit(struct kunit *test)
{
	struct kmem_test *t = test->priv;

	if (!t)
		return;
	rcu_assign_pointer(current->container, t->was);
	container_table_remove(&t->ctn);
	irq_work_sync(&t->bc.failed);
	synchronize_rcu();
}

static long held(struct kmem_test *t)
{
	return atomic_long_read(&t->bc.row[BC_KMEMSIZE].held);
}

static long failures(struct kmem_test *t)
{
	return atomic_long_read(&t->bc.row[BC_KMEMSIZE].failcnt);
}

static unsigned long token_of(struct page *page)
{
	return *page_token_slot(page);
}

static struct page *get_page_of(struct kunit *test, unsigned int order)
{
	struct page *page = alloc_pages(GFP_KERNEL, order);

	KUNIT_ASSERT_NOT_NULL(test, page);
	return page;
}

static void test_page_token(struct kunit *test)
{
	struct kmem_test *t = test->priv;
	unsigned int order;

	for (order = 0; order <= MAX_PAGE_ORDER; order++) {
		unsigned long token = container_token(&t->ctn) | token_kmem(order);

		KUNIT_EXPECT_TRUE(test, token_is_kmem(token));
		KUNIT_EXPECT_EQ(test, token_kmem_order(token), order);
		/* it is never taken for that of one page which is neither active nor mapped */
		KUNIT_EXPECT_NE(test, token & CONTAINER_TOKEN_STATE, 0);
		rcu_read_lock();
		KUNIT_EXPECT_PTR_EQ(test, token_container(token), &t->ctn);
		rcu_read_unlock();
	}
	KUNIT_EXPECT_FALSE(test, token_is_kmem(container_token(&t->ctn)));
	KUNIT_EXPECT_FALSE(test, token_is_kmem(CONTAINER_TOKEN_FILE));
	KUNIT_EXPECT_FALSE(test, token_is_kmem(CONTAINER_TOKEN_FILE | CONTAINER_TOKEN_HELD));
}

static void test_pages(struct kunit *test)
{
	struct kmem_test *t = test->priv;
	struct page *page = get_page_of(test, 3);
	int i;

	KUNIT_EXPECT_EQ(test, __container_charge_page(page, GFP_KERNEL, 3), 0);
	KUNIT_EXPECT_EQ(test, held(t), 8 * PAGE_SIZE);
	/* each of the parts is its own */
	split_page(page, 3);
	__container_split_page(page, 3);
	KUNIT_EXPECT_EQ(test, held(t), 8 * PAGE_SIZE);
	for (i = 0; i < 8; i++) {
		__container_uncharge_page(page + i);
		KUNIT_EXPECT_EQ(test, held(t), (7 - i) * PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, token_of(page + i), 0);
		__free_page(page + i);
	}
	/* and it can be a folio that is freed */
	page = get_page_of(test, 1);
	KUNIT_EXPECT_EQ(test, __container_charge_page(page, GFP_KERNEL, 1), 0);
	rcu_read_lock();
	container_uncount(token_of(page), 1);
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, held(t), 0);
	*page_token_slot(page) = 0;
	__free_pages(page, 1);
}

static void test_page_severities(struct kunit *test)
{
	struct kmem_test *t = test->priv;
	struct page *page = get_page_of(test, 0);
	u8 flags = current->container_flags;

	t->bc.row[BC_KMEMSIZE].limits = (struct bc_limits){ PAGE_SIZE, 2 * PAGE_SIZE };
	/* as much as the barrier, and no more */
	KUNIT_EXPECT_EQ(test, __container_charge_page(page, GFP_KERNEL, 0), 0);
	KUNIT_EXPECT_EQ(test, __container_charge_page(page, GFP_KERNEL, 0), -ENOMEM);
	KUNIT_EXPECT_EQ(test, failures(t), 1);
	KUNIT_EXPECT_EQ(test, held(t), PAGE_SIZE);
	/* as much as the limit, and no more */
	KUNIT_EXPECT_EQ(test, __container_charge_page(page, GFP_KERNEL | __GFP_BC_LIMIT, 0), 0);
	KUNIT_EXPECT_EQ(test, __container_charge_page(page, GFP_KERNEL | __GFP_BC_LIMIT, 0),
			-ENOMEM);
	KUNIT_EXPECT_EQ(test, failures(t), 2);
	KUNIT_EXPECT_EQ(test, held(t), 2 * PAGE_SIZE);
	/* what has to be is no failure */
	KUNIT_EXPECT_EQ(test, __container_charge_page(page, GFP_KERNEL | __GFP_NOFAIL, 0), 0);
	KUNIT_EXPECT_EQ(test, failures(t), 2);
	KUNIT_EXPECT_EQ(test, held(t), 3 * PAGE_SIZE);
	atomic_long_set(&t->bc.row[BC_KMEMSIZE].held, PAGE_SIZE);

	/* a fault goes up to the limit, and over it, but is not to go on then */
	current->container_flags = CONTAINER_TASK_FAULT;
	KUNIT_EXPECT_EQ(test, __container_charge_page(page, GFP_KERNEL, 0), 0);
	KUNIT_EXPECT_EQ(test, failures(t), 2);
	KUNIT_EXPECT_EQ(test, current->container_flags, CONTAINER_TASK_FAULT);
	KUNIT_EXPECT_EQ(test, __container_charge_page(page, GFP_KERNEL, 0), 0);
	KUNIT_EXPECT_EQ(test, failures(t), 3);
	KUNIT_EXPECT_EQ(test, held(t), 3 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, current->container_flags,
			CONTAINER_TASK_FAULT | CONTAINER_TASK_OVER);
	current->container_flags = flags;

	*page_token_slot(page) = 0;
	__free_page(page);
}

/* What is left below barrier and limit, beside what takes no room. */
static void test_room(struct kunit *test)
{
	struct kmem_test *t = test->priv;
	struct bc_row *row = &t->bc.row[BC_DCACHESIZE];

	/* no limit is never near */
	atomic_long_set(&row->held, 1L << 40);
	KUNIT_EXPECT_FALSE(test, is_nearly_full(&t->bc));

	row->limits.barrier = 800;
	atomic_long_set(&row->held, 700);
	KUNIT_EXPECT_FALSE(test, is_nearly_full(&t->bc));
	atomic_long_set(&row->held, 701);
	KUNIT_EXPECT_TRUE(test, is_nearly_full(&t->bc));
	row->limits.barrier = BC_MAXVALUE;
	row->limits.limit = 800;
	KUNIT_EXPECT_TRUE(test, is_nearly_full(&t->bc));
	row->limits.barrier = 808;
	row->limits.limit = 1000;
	KUNIT_EXPECT_FALSE(test, is_nearly_full(&t->bc));

	/* of the page cache is 200 */
	row->limits.barrier = 800;
	atomic_long_set(&row->held, 900);
	atomic_long_set(&t->bc.of_pages, 200);
	KUNIT_EXPECT_FALSE(test, is_nearly_full(&t->bc));
	KUNIT_EXPECT_TRUE(test, add(&t->bc, row, 100, BC_BARRIER));
	KUNIT_EXPECT_TRUE(test, is_nearly_full(&t->bc));
	KUNIT_EXPECT_FALSE(test, add(&t->bc, row, 1, BC_BARRIER));
	KUNIT_EXPECT_TRUE(test, add(&t->bc, row, 200, BC_LIMIT));
	KUNIT_EXPECT_FALSE(test, add(&t->bc, row, 1, BC_LIMIT));
	KUNIT_EXPECT_EQ(test, atomic_long_read(&row->held), 1200);
	/* it is read before what is held, and may be more for a moment */
	atomic_long_set(&t->bc.of_pages, 2000);
	KUNIT_EXPECT_TRUE(test, add(&t->bc, row, 800, BC_BARRIER));
	KUNIT_EXPECT_FALSE(test, add(&t->bc, row, 801, BC_BARRIER));
	/* and it is of nothing else */
	row = &t->bc.row[BC_KMEMSIZE];
	row->limits.barrier = 10;
	KUNIT_EXPECT_FALSE(test, add(&t->bc, row, 11, BC_BARRIER));
}

static struct kunit_case container_kmem_cases[] = {
	KUNIT_CASE(test_page_token),
	KUNIT_CASE(test_pages),
	KUNIT_CASE(test_page_severities),
	KUNIT_CASE(test_room),
	{}
};

static struct kunit_suite container_kmem_suite = {
	.name = "container_kmem",
	.init = kmem_test_init,
	.exit = kmem_test_exit,
	.test_cases = container_kmem_cases,
};

kunit_test_suite(container_kmem_suite);
