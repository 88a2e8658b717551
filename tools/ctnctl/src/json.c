// SPDX-License-Identifier: GPL-2.0-only
/*
 * JSON through json-c: what all commands have in common. Keys are the names of files;
 * "max" is "max", and what is not there has no key.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

static noreturn void no_memory(void)
{
	die("%s", strerror(ENOMEM));
}

struct json_object *json_new(void)
{
	struct json_object *object = json_object_new_object();

	if (!object)
		no_memory();
	return object;
}

void json_put(struct json_object *to, const char *key, struct json_object *value)
{
	char *name = to_utf8(key);

	if (!value || json_object_object_add(to, name, value))
		no_memory();
	free(name);
}

void json_put_text(struct json_object *to, const char *key, const char *text)
{
	char *copy = to_utf8(text);

	json_put(to, key, json_object_new_string(copy));
	free(copy);
}

void json_put_number(struct json_object *to, const char *key, uint64_t number)
{
	if (number == CTN_MAX)
		json_put_text(to, key, "max");
	else
		json_put(to, key, json_object_new_uint64(number));
}

void json_put_pages(struct json_object *to, const char *key, uint64_t pages)
{
	static const char unit[] = "_pages";
	size_t len = strlen(key), end = sizeof(unit) - 1;
	char *bytes;

	if (len > end && !strcmp(key + len - end, unit))
		len -= end;
	bytes = xasprintf("%.*s_bytes", (int)len, key);
	json_put_number(to, key, pages);
	json_put_number(to, bytes, pages == CTN_MAX ? CTN_MAX :
			pages_to_bytes(pages));
	free(bytes);
}

/* Neither a sign nor a 0 before it: whoever reads it back gets the same text. */
static int is_number(const char *text, uint64_t *number)
{
	char *end;

	if (*text < '0' || *text > '9' || (*text == '0' && text[1]))
		return 0;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return !errno && !*end && *number != CTN_MAX;
}

void json_put_attr(struct json_object *to, const char *attr, const char *value)
{
	const struct ctn_attr *known = ctn_attr_find(attr);
	uint64_t number = CTN_MAX;

	if (strcmp(value, "max") && !is_number(value, &number))
		json_put_text(to, attr, value);
	else if (known && known->kind == CTN_KIND_PAGES)
		json_put_pages(to, attr, number);
	else
		json_put_number(to, attr, number);
}

static void print(struct json_object *object, int flags)
{
	const char *text = json_object_to_json_string_ext(object, flags |
						JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!text)
		no_memory();
	puts(text);
	json_object_put(object);
}

void json_print_line(struct json_object *object)
{
	print(object, JSON_C_TO_STRING_PLAIN);
}

void json_print(struct json_object *object)
{
	print(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
}
