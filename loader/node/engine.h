/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_ENGINE_H
#define BINDGATED_ENGINE_H

#include "node/source/source.h"

#include <jansson.h>
#include <time.h>

struct workloads;

/* A container engine of this node: a source that is open, or will be when its socket is there. */
struct engine {
	struct workloads *workloads;
	const struct source *source;
	char *socket;
	bool given;       /* in the configuration: it is waited for, and missed */
	void *state;      /* of the source; NULL: there is no such socket */
	bool told;        /* all that it runs */
	time_t away;      /* since when it is not heard, by the wall clock; 0: it is */
	double ask_again; /* seconds until it is asked again for pods that it did not know */
};

void engine_close(struct engine *engine);
bool engine_is_heard(const struct engine *engine);

/* Takes note of whether it is heard now. */
void engine_note(struct engine *engine);

/* Should it be heard, now that it is not? One that was found, and never answered, may be a socket that was left behind. */
bool engine_is_missed(const struct engine *engine);

/* How long it has not been heard; 0: it is. */
unsigned int engine_away_seconds(const struct engine *engine);

/* Who is not heard, since when and why, in words to be freed. */
char *engine_words(const struct engine *engine);

/* {"source": "cri", "socket": …, "problem": …, "since": …}, with null for no problem. A new reference. */
json_t *engine_json(const struct engine *engine);

#endif
