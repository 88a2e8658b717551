/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit tests of token.[ch]: what a token says, and whom it names.
 */
#include <kunit/test.h>

/* A container that tokens name, and that nobody else knows. */
static struct container *named_container(struct kunit *test)
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
	KUNIT_ASSERT_EQ(test, container_table_add(ctn), 0);
	return ctn;
}

static void forget_container(struct container *ctn)
{
	container_table_remove(ctn);
	synchronize_rcu();
	free_percpu(ctn->pcpu);
}

/* Only compared, so that it need not be held. */
static void *named(unsigned long token)
{
	void *ctn;

	rcu_read_lock();
	ctn = token_container(token);
	rcu_read_unlock();
	return ctn;
}

static unsigned int index_of(unsigned long token)
{
	return (token >> CONTAINER_TOKEN_SHIFT) % BIT(CONTAINER_INDEX_BITS);
}

static void test_token(struct kunit *test)
{
	struct container *ctn = named_container(test);
	unsigned long token = container_token(ctn);

	KUNIT_EXPECT_PTR_EQ(test, named(token), ctn);
	KUNIT_EXPECT_EQ(test, token & (BIT(CONTAINER_TOKEN_SHIFT) - 1), 0);

	/* what it says besides does not change whose it is */
	token |= CONTAINER_TOKEN_ACTIVE | CONTAINER_TOKEN_KIND;
	token += CONTAINER_TOKEN_MAPPED_MAX * CONTAINER_TOKEN_MAPPED;
	KUNIT_EXPECT_PTR_EQ(test, named(token), ctn);
	KUNIT_EXPECT_EQ(test, token_mapped(token), CONTAINER_TOKEN_MAPPED_MAX);
	forget_container(ctn);
}

static void test_kinds(struct kunit *test)
{
	unsigned long file = CONTAINER_TOKEN_FILE;
	unsigned long held = file | CONTAINER_TOKEN_HELD;

	KUNIT_EXPECT_EQ(test, token_stat(0), CONTAINER_ANON);
	KUNIT_EXPECT_EQ(test, token_stat(file), CONTAINER_FILE);
	KUNIT_EXPECT_EQ(test, token_stat(held), CONTAINER_HELD_FILE);
	KUNIT_EXPECT_EQ(test, token_mapped_stat(file), CONTAINER_MAPPED_FILE);
	KUNIT_EXPECT_EQ(test, token_mapped_stat(held), CONTAINER_MAPPED_HELD);
	KUNIT_EXPECT_EQ(test, token_counter(0), CONTAINER_HELD);
	KUNIT_EXPECT_EQ(test, token_counter(file), CONTAINER_DROPPABLE);
	/* mapped or not */
	KUNIT_EXPECT_EQ(test, token_counter(file + 3 * CONTAINER_TOKEN_MAPPED),
			CONTAINER_DROPPABLE);
	KUNIT_EXPECT_EQ(test, token_counter(held), CONTAINER_HELD);
}

static void test_nobody(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, named(0));
	KUNIT_EXPECT_NULL(test, named(CONTAINER_TOKEN_ACTIVE));
}

static void test_entry_is_used_again(struct kunit *test)
{
	struct container *first = named_container(test), *second;
	unsigned long old = container_token(first), new;

	container_table_remove(first);
	KUNIT_EXPECT_NULL(test, named(old));

	/* it has the same entry, and is not taken for the other */
	second = named_container(test);
	new = container_token(second);
	KUNIT_EXPECT_EQ(test, index_of(new), index_of(old));
	KUNIT_EXPECT_NE(test, new, old);
	KUNIT_EXPECT_NULL(test, named(old));
	KUNIT_EXPECT_PTR_EQ(test, named(new), second);

	/* nor is it charged, or uncharged, for what the other was */
	container_uncount(old, 1);
	KUNIT_EXPECT_EQ(test, container_held(second), 0);
	forget_container(second);
	synchronize_rcu();
	free_percpu(first->pcpu);
}

static void test_generations_end(struct kunit *test)
{
	struct container *ctn = named_container(test), *last, *other;
	unsigned int index = index_of(container_token(ctn));
	struct container_chunk *chunk = container_table[index / CONTAINER_CHUNK];
	u32 *generation = &chunk->generation[index % CONTAINER_CHUNK];
	u32 before = *generation;
	unsigned long token;

	forget_container(ctn);
	*generation = CONTAINER_GENERATION_MAX - 1;

	last = named_container(test);
	token = container_token(last);
	KUNIT_EXPECT_EQ(test, index_of(token), index);
	KUNIT_EXPECT_EQ(test, *generation, CONTAINER_GENERATION_MAX);
	KUNIT_EXPECT_PTR_EQ(test, named(token), last);
	forget_container(last);

	/* a folio may be left with any of them: the entry is not used any more */
	other = named_container(test);
	KUNIT_EXPECT_NE(test, index_of(container_token(other)), index);
	KUNIT_EXPECT_NULL(test, named(token));
	KUNIT_EXPECT_FALSE(test, container_next_generation(generation));
	forget_container(other);

	/* nothing has any of these: let it be used again */
	*generation = before;
	ida_free(&container_table_ida, index);
}

static struct kunit_case container_token_cases[] = {
	KUNIT_CASE(test_token),
	KUNIT_CASE(test_kinds),
	KUNIT_CASE(test_nobody),
	KUNIT_CASE(test_entry_is_used_again),
	KUNIT_CASE(test_generations_end),
	{}
};

static struct kunit_suite container_token_suite = {
	.name = "container_token",
	.test_cases = container_token_cases,
};

kunit_test_suite(container_token_suite);
