// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/engine.h"

#include "base/need.h"
#include "report/json.h"

#include <stdio.h>

void engine_close(struct engine *engine)
{
	if (engine->state)
		engine->source->close(engine->state);
	engine->state = NULL;
}

bool engine_is_heard(const struct engine *engine)
{
	return engine->state && engine->told && !engine->source->problem(engine->state);
}

void engine_note(struct engine *engine)
{
	if (engine_is_heard(engine))
		engine->away = 0;
	else if (!engine->away)
		engine->away = time(NULL);
}

bool engine_is_missed(const struct engine *engine)
{
	return engine->away && (engine->given || engine->told);
}

unsigned int engine_away_seconds(const struct engine *engine)
{
	time_t now = time(NULL);

	if (!engine->away)
		return 0;
	return now > engine->away ? (unsigned int)(now - engine->away) : 1;
}

static const char *problem_of(const struct engine *engine)
{
	const char *problem = engine->state ? engine->source->problem(engine->state) : "its socket is gone";

	return problem ? problem : "it has not answered yet";
}

static const char *since(const struct engine *engine, char text[static 32])
{
	struct tm utc;

	strftime(text, 32, "%FT%TZ", gmtime_r(&engine->away, &utc));
	return text;
}

char *engine_words(const struct engine *engine)
{
	char *words, time[32];

	if (asprintf(&words, "%s at %s is not heard since %s: %s", engine->source->engine, engine->socket,
		     since(engine, time), problem_of(engine)) < 0)
		bg_need(NULL);
	return words;
}

json_t *engine_json(const struct engine *engine)
{
	char time[32];

	return json_pack("{s:s,s:o,s:o,s:o}", "source", engine->source->name, "socket",
			 bg_json_text(engine->socket), "problem",
			 engine->away ? bg_json_text(problem_of(engine)) : json_null(), "since",
			 engine->away ? json_string(since(engine, time)) : json_null());
}
