/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit tests of what kcontainerd makes of who has used a mapped page of a file.
 */
#include <kunit/test.h>

static void test_whose_use(struct kunit *test)
{
	struct trim *tr = kunit_kzalloc(test, sizeof(*tr), GFP_KERNEL);
	const unsigned int own = TOUCHED, theirs = TOUCHED_BY_OTHERS;
	const unsigned int mapped = MAPPED_BY_OTHERS;

	KUNIT_ASSERT_NOT_NULL(test, tr);
	/* what outsiders do not map, they do not use */
	KUNIT_EXPECT_FALSE(test, others_use_it(tr, 0));
	KUNIT_EXPECT_FALSE(test, others_use_it(tr, own));
	/* all that they map stays, until it is asked whether they have used it */
	KUNIT_EXPECT_TRUE(test, others_use_it(tr, mapped));
	KUNIT_EXPECT_TRUE(test, others_use_it(tr, mapped | own));
	/* then it is their use that counts, and not the container's */
	tr->others = true;
	KUNIT_EXPECT_FALSE(test, others_use_it(tr, mapped));
	KUNIT_EXPECT_FALSE(test, others_use_it(tr, mapped | own));
	KUNIT_EXPECT_TRUE(test, others_use_it(tr, mapped | theirs));
	KUNIT_EXPECT_TRUE(test, others_use_it(tr, mapped | own | theirs));
}

/* A file that was named for it is its own, whoever uses that. */
static void test_named(struct kunit *test)
{
	struct trim *tr = kunit_kzalloc(test, sizeof(*tr), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, tr);
	tr->named = true;
	KUNIT_EXPECT_FALSE(test, others_use_it(tr, MAPPED_BY_OTHERS));
	tr->others = true;
	KUNIT_EXPECT_FALSE(test, others_use_it(tr, MAPPED_BY_OTHERS | TOUCHED_BY_OTHERS));
}

static struct kunit_case container_file_cases[] = {
	KUNIT_CASE(test_whose_use),
	KUNIT_CASE(test_named),
	{}
};

static struct kunit_suite container_file_suite = {
	.name = "container_file",
	.test_cases = container_file_cases,
};

kunit_test_suite(container_file_suite);
