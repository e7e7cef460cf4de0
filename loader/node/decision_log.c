// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/decision_log.h"

#include "cgroup/cgroup.h"
#include "node/log_target.h"
#include "report/json.h"
#include "node/say.h"
#include "node/stats.h"
#include "gate/watch.h"
#include "gate/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USUAL_RATE 1000
#define SHARES 1024 /* gates whose ids are the same modulo this have one together */

/* Of the lines of a second, each gate that had something to say in the one before gets an equal share, and there are as
 * many again for those that only begin to. */
struct decision_log {
	struct bg_watcher watcher;
	const struct workloads *workloads;
	enum bg_log_what what;
	struct log_target *target;
	unsigned long rate, share, left;  /* lines a second; a gate's; of all */
	unsigned long used[SHARES];       /* by gates this second */
	unsigned long long lost, dropped; /* not told yet */
};

static void begin_second(struct decision_log *log)
{
	unsigned int gates = 0;

	for (unsigned int i = 0; i < SHARES; i++)
		gates += log->used[i] != 0;
	memset(log->used, 0, sizeof(log->used));
	log->share = gates > log->rate ? 1 : log->rate / (gates ? gates : 1);
	log->left = 2 * log->rate;
}

static bool has_share(struct decision_log *log, __u64 id)
{
	unsigned long *used = &log->used[id % SHARES];

	if (*used >= log->share)
		return false;
	(*used)++;
	if (!log->left)
		return false;
	log->left--;
	return true;
}

/* false: it was dropped. */
static bool put(struct decision_log *log, json_t *object, const char *verdict)
{
	char *line = object ? json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	bool written = line && !log_target_write(log->target, line, verdict);

	json_decref(object);
	free(line);
	stats.log_lines += written;
	return written;
}

static json_t *line_of(const struct decision_log *log, const struct bg_event *event)
{
	struct bg_cgroup cgroup;
	const char *pod;
	json_t *line;
	char id[32];

	snprintf(id, sizeof(id), "id:%llu", event->cgroup);
	if (bg_cgroup_from_id(event->cgroup, &cgroup, NULL))
		return bg_json_event(event, id);
	line = bg_json_event(event, cgroup.name);
	pod = workloads_name(log->workloads, cgroup.name);
	if (pod)
		json_object_set_new(line, "pod", bg_json_text(pod));
	return line;
}

static int note(const struct bg_event *event, void *arg)
{
	struct decision_log *log = arg;

	if (log->what == BG_LOG_DENIED && event->verdict != BG_DENY && event->verdict != BG_REWRITE)
		return 0;
	if (!has_share(log, event->cgroup) || !put(log, line_of(log, event), bg_verdict_name(event->verdict))) {
		log->dropped++;
		stats.log_dropped++;
	}
	return 0;
}

struct decision_log *decision_log_open(const char *pin_dir, const struct bg_declared_daemon *settings,
				       const struct workloads *workloads)
{
	struct bg_error error;
	struct decision_log *log;
	struct bg_store store;
	int err;

	if (!settings->log || *settings->log == BG_LOG_NONE)
		return NULL;
	log = bg_need(calloc(1, sizeof(*log)));
	log->workloads = workloads;
	log->what = (enum bg_log_what) * settings->log;
	log->rate = settings->log_rate ? (unsigned long)*settings->log_rate : USUAL_RATE;
	begin_second(log);
	err = bg_sweep_open(pin_dir, BG_STORE_WRITE, &store, &error);
	if (!err) {
		err = bg_watch_begin(&log->watcher, &store, note, log, &error);
		bg_store_close(&store);
	}
	if (err) {
		stats.errors[ERROR_LOG]++;
		say(LOG_ERR, "decisions are not logged: %s", error.text);
		free(log);
		return NULL;
	}
	log->target = log_target_open(settings->log_to ? settings->log_to : "stdout");
	return log;
}

void decision_log_close(struct decision_log *log)
{
	if (!log)
		return;
	decision_log_read(log);
	decision_log_tick(log);
	bg_watch_end(&log->watcher);
	log_target_close(log->target);
	free(log);
}

int decision_log_fd(const struct decision_log *log)
{
	return bg_watch_fd(&log->watcher);
}

void decision_log_read(struct decision_log *log)
{
	bg_watch_wait(&log->watcher, 0);
}

void decision_log_tick(struct decision_log *log)
{
	__u64 lost = bg_watch_lost(&log->watcher);

	stats.events_lost += lost;
	log->lost += lost;
	begin_second(log);
	if ((log->lost || log->dropped) &&
	    put(log, json_pack("{s:I,s:I}", "lost", (json_int_t)log->lost, "dropped", (json_int_t)log->dropped), ""))
		log->lost = log->dropped = 0;
}

void decision_log_reopen(struct decision_log *log)
{
	log_target_reopen(log->target);
}
