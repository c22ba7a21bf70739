#ifndef STANDIN_PROPERTY_H
#define STANDIN_PROPERTY_H

#include <plist/plist.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Looking into a property list. A key that is absent, or whose value has
 * another type, gives the fallback: launchd ignores what it does not
 * understand. What is returned lives as long as the list.
 */

/* Read an XML (or binary) property list. Returns 0 and *root, a dictionary that
 * the caller frees with plist_free(), or a negative errno: -EINVAL if it is
 * something else. */
int property_read(const char *path, plist_t *root);

plist_t property_dict(plist_t dict, const char *key);

/* NULL if there is none. */
const char *property_string(plist_t dict, const char *key);

uint64_t property_number(plist_t dict, const char *key, uint64_t fallback);

bool property_bool(plist_t dict, const char *key, bool fallback);

/* A string, or the strings of an array, ended by NULL; a scalar counts as an
 * array of one. The caller frees the array. NULL if there is no such key. */
const char **property_strings(plist_t dict, const char *key);

/* Call see for each member, in the order of the file. */
void property_each(plist_t dict,
		   void (*see)(void *data, const char *key, plist_t value),
		   void *data);

#endif
