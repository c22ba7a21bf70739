#include "property.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MOST = 1 << 20 };

int property_read(const char *path, plist_t *root)
{
	char *text = malloc(FILE_MOST);
	FILE *file = fopen(path, "re");
	size_t length = 0;
	int err = file ? 0 : -errno;

	*root = NULL;
	if (file && text)
		length = fread(text, 1, FILE_MOST, file);
	if (file)
		fclose(file);
	/* Not plist_from_memory(): it took another argument in 2.3. */
	if (err == 0 && plist_is_binary(text, (uint32_t)length))
		plist_from_bin(text, (uint32_t)length, root);
	else if (err == 0)
		plist_from_xml(text, (uint32_t)length, root);
	free(text);
	if (err < 0)
		return err;
	if (*root && plist_get_node_type(*root) == PLIST_DICT)
		return 0;
	plist_free(*root);
	*root = NULL;
	return -EINVAL;
}

static plist_t member(plist_t dict, const char *key, plist_type type)
{
	plist_t node = plist_dict_get_item(dict, key);

	return node && plist_get_node_type(node) == type ? node : NULL;
}

plist_t property_dict(plist_t dict, const char *key)
{
	return member(dict, key, PLIST_DICT);
}

const char *property_string(plist_t dict, const char *key)
{
	plist_t node = member(dict, key, PLIST_STRING);

	return node ? plist_get_string_ptr(node, NULL) : NULL;
}

uint64_t property_number(plist_t dict, const char *key, uint64_t fallback)
{
	plist_t node = member(dict, key, PLIST_UINT);

	if (node)
		plist_get_uint_val(node, &fallback);
	return fallback;
}

bool property_bool(plist_t dict, const char *key, bool fallback)
{
	plist_t node = member(dict, key, PLIST_BOOLEAN);
	uint8_t value = fallback;

	if (node)
		plist_get_bool_val(node, &value);
	return value != 0;
}

const char **property_strings(plist_t dict, const char *key)
{
	plist_t node = plist_dict_get_item(dict, key);
	bool many = node && plist_get_node_type(node) == PLIST_ARRAY;
	uint32_t count = many ? plist_array_get_size(node) : 1, n = 0;
	const char **made = node ? calloc(count + 1, sizeof(*made)) : NULL;

	for (uint32_t i = 0; made && i < count; i++) {
		plist_t at = many ? plist_array_get_item(node, i) : node;

		if (plist_get_node_type(at) == PLIST_STRING)
			made[n++] = plist_get_string_ptr(at, NULL);
	}
	return made;
}

void property_each(plist_t dict,
		   void (*see)(void *data, const char *key, plist_t value),
		   void *data)
{
	plist_dict_iter iter = NULL;
	plist_t value = NULL;
	char *key = NULL;

	if (!dict)
		return;
	plist_dict_new_iter(dict, &iter);
	for (;;) {
		plist_dict_next_item(dict, iter, &key, &value);
		if (!value)
			break;
		see(data, key, value);
		free(key);
	}
	free(iter);
}
