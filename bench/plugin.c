// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU that counts how often each instruction of the guest was
 * executed between the calls of profile_begin() and profile_end() in the guest's
 * program. Arguments: begin=ADDRESS, end=ADDRESS of these, out=FILE. At QEMU's
 * end, FILE has a line "ADDRESS COUNT" for each instruction.
 *
 * Debian's QEMU supports plugins, but ships no header for them: what follows is
 * what we need of version 1 of the interface, as in QEMU's qemu-plugin.h.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef struct qemu_info_t qemu_info_t;

enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

typedef void (*tb_trans_cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*insn_exec_cb)(unsigned int cpu, void *data);
typedef void (*atexit_cb)(qemu_plugin_id_t id, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_cb cb);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    insn_exec_cb cb,
					    enum qemu_plugin_cb_flags flags,
					    void *data);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn,
						enum qemu_plugin_op op,
						void *counter, uint64_t add);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, atexit_cb cb, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb,
						 size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

/* By address; a counter never moves, as translated code adds to it. */
struct counter {
	uint64_t address;
	uint64_t now;		/* what translated code adds to */
	uint64_t before;	/* and what it was when the profile began */
	uint64_t sum;
	struct counter *next;
};

#define BUCKETS (1 << 18)
static struct counter *bucket[BUCKETS];
static uint64_t begin, end;
static const char *out;

static struct counter *counter_of(uint64_t address)
{
	struct counter **head = &bucket[(address ^ address >> 18) % BUCKETS];
	struct counter *c;

	for (c = *head; c; c = c->next)
		if (c->address == address)
			return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	c->address = address;
	c->next = *head;
	*head = c;
	return c;
}

static void begin_counting(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct counter *c = bucket[i]; c; c = c->next)
			c->before = c->now;
}

static void end_counting(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct counter *c = bucket[i]; c; c = c->next) {
			c->sum += c->now - c->before;
			c->before = c->now;
		}
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t address = qemu_plugin_insn_vaddr(insn);
		struct counter *c = counter_of(address);

		/* code that is translated between the two began at 0 */
		qemu_plugin_register_vcpu_insn_exec_inline(
			insn, QEMU_PLUGIN_INLINE_ADD_U64, &c->now, 1);
		if (address == begin)
			qemu_plugin_register_vcpu_insn_exec_cb(
				insn, begin_counting, QEMU_PLUGIN_CB_NO_REGS, NULL);
		if (address == end)
			qemu_plugin_register_vcpu_insn_exec_cb(
				insn, end_counting, QEMU_PLUGIN_CB_NO_REGS, NULL);
	}
}

static void write_counts(qemu_plugin_id_t id, void *data)
{
	FILE *f = fopen(out, "w");

	(void)id;
	(void)data;
	if (!f)
		abort();
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct counter *c = bucket[i]; c; c = c->next)
			if (c->sum)
				fprintf(f, "%" PRIx64 " %" PRIu64 "\n", c->address, c->sum);
	if (fclose(f))
		abort();
}

__attribute__((visibility("default")))
int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "begin=", 6))
			begin = strtoull(argv[i] + 6, NULL, 16);
		else if (!strncmp(argv[i], "end=", 4))
			end = strtoull(argv[i] + 4, NULL, 16);
		else if (!strncmp(argv[i], "out=", 4))
			out = strdup(argv[i] + 4);
		else
			return -1;
	}
	if (!begin || !end || !out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, write_counts, NULL);
	return 0;
}
