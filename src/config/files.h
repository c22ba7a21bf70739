#ifndef LOWPORT_CONFIG_FILES_H
#define LOWPORT_CONFIG_FILES_H

#include "config/reader.h"

/*
 * Configuration files, as lowport.conf(5) describes them. They are read whole,
 * and then taken over in two steps, for what [lowport] says is the default of
 * every [relay NAME], wherever it stands.
 */
struct files;

/* Read a file, or each *.conf of a folder. *files begins as NULL. Mistakes are
 * told to r. */
void files_read(struct files **files, struct reader *r, const char *path);

/* Take over what [lowport] says. */
void files_take_process(struct files *files, struct reader *r);

/* And the relays. */
void files_take_relays(struct files *files, struct reader *r);

void files_free(struct files *files);

#endif
