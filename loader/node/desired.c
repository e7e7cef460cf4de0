// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/desired.h"

#include "node/say.h"
#include "node/stats.h"
#include "gate/sweep.h"
#include "base/clock.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wanted {
	__u64 id; /* 0: not found yet */
	enum desired_source source;
	unsigned int pass;
	char *problem; /* NULL: the gate is there */
	char path[];
};

struct desired {
	const char *pin_dir;
	struct bg_store store;
	bool is_open, failed; /* the store; failed: in this round, so that it is not tried for each gate */
	struct bg_error said; /* why, the last time */
	double began;
	unsigned int passes[DESIRED_SOURCES];
	void *wanted;        /* a tree of struct wanted by path, as tsearch(3) has it */
	struct bg_gate gate; /* for reading one */
};

static int by_path(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	return strcmp(x->path, y->path);
}

struct desired *desired_open(const char *pin_dir)
{
	struct desired *desired = bg_need(calloc(1, sizeof(*desired)));

	desired->pin_dir = pin_dir;
	return desired;
}

static void free_wanted(void *arg)
{
	struct wanted *wanted = arg;

	free(wanted->problem);
	free(wanted);
}

void desired_close(struct desired *desired)
{
	desired_rest(desired);
	tdestroy(desired->wanted, free_wanted);
	free(desired);
}

static struct wanted *find(struct desired *desired, const char *path, bool make)
{
	struct wanted *key = bg_need(calloc(1, sizeof(*key) + strlen(path) + 1)), *result;
	void *found;

	strcpy(key->path, path);
	found = make ? bg_need(tsearch(key, &desired->wanted, by_path)) : tfind(key, &desired->wanted, by_path);
	result = found ? *(struct wanted **)found : NULL;
	if (result != key)
		free(key);
	else
		stats.gates_wanted++;
	return result;
}

static void set_problem(struct wanted *wanted, const char *problem)
{
	if (problem && (!wanted->problem || strcmp(wanted->problem, problem))) /* told once */
		say(LOG_WARNING, "%s: %s", wanted->path, problem);
	stats.conflicts += !!problem - !!wanted->problem;
	free(wanted->problem);
	wanted->problem = problem ? bg_need(strdup(problem)) : NULL;
}

static int wake(struct desired *desired)
{
	struct bg_error error;
	int err;

	if (desired->is_open)
		return 0;
	if (desired->failed)
		return -EAGAIN;
	desired->began = bg_clock_seconds();
	err = bg_sweep_open(desired->pin_dir, BG_STORE_KEEP, &desired->store, &error);
	desired->is_open = !err;
	desired->failed = err;
	if (err) {
		stats.errors[ERROR_STORE]++;
		if (strcmp(desired->said.text, error.text))
			say(LOG_ERR, "%s", error.text);
	}
	desired->said = err ? error : (struct bg_error){ "" };
	return err;
}

void desired_rest(struct desired *desired)
{
	desired->failed = false;
	if (!desired->is_open)
		return;
	bg_store_close(&desired->store);
	desired->is_open = false;
	stats_reconciled(bg_clock_seconds() - desired->began);
}

/* -EEXIST: there is a gate that is somebody else's, and has another policy. */
static int check_owner(struct desired *desired, __u64 id, const struct bg_policy *policy, struct bg_error *error)
{
	struct bg_policy mine = *policy;
	int err = bg_gate_read(&desired->store, id, &desired->gate, error);

	if (err)
		return err == -ENOENT ? 0 : err;
	if (!strcmp(desired->gate.policy.owner, DESIRED_OWNER))
		return 0;
	memcpy(mine.owner, desired->gate.policy.owner, sizeof(mine.owner));
	if (bg_policy_same(&mine, &desired->gate.policy))
		return 0;
	return bg_error(error, -EEXIST, "a gate of \"%s\" stands there: left alone (adopt: true takes it over)",
			desired->gate.policy.owner);
}

/* Only what is the daemon's own; what is gone already is no error. */
static void end_gate(struct desired *desired, __u64 id)
{
	struct bg_error error;
	int err;

	if (!id || wake(desired))
		return;
	err = bg_gate_read(&desired->store, id, &desired->gate, &error);
	if (!err && strcmp(desired->gate.policy.owner, DESIRED_OWNER))
		return;
	if (!err || err == -ESTALE)
		err = bg_gate_detach(&desired->store, id, &error);
	if (!err || err == -ENOENT)
		return;
	stats.errors[ERROR_DETACH]++;
	say(LOG_ERR, "%s", error.text);
}

static void forget(struct desired *desired, struct wanted *wanted)
{
	end_gate(desired, wanted->id);
	stats.conflicts -= !!wanted->problem;
	stats.gates_wanted--;
	tdelete(wanted, &desired->wanted, by_path);
	free_wanted(wanted);
}

int desired_want(struct desired *desired, enum desired_source source, const char *path,
		 const struct bg_policy *policy, bool adopt)
{
	struct wanted *wanted = find(desired, path, true);
	struct bg_cgroup cgroup;
	struct bg_error error;
	int err;

	wanted->source = source;
	wanted->pass = desired->passes[source]; /* whatever fails from here on, it is wanted */
	err = wake(desired);
	if (err)
		return err;
	err = bg_cgroup_find(path, &cgroup, &error);
	if (err == -ENOENT) { /* gone again; the event that says so comes */
		if (!wanted->id)
			forget(desired, wanted);
		return err;
	}
	if (err) {
		stats.errors[ERROR_ATTACH]++;
		set_problem(wanted, error.text);
		return err;
	}
	if (wanted->id != cgroup.id) /* of the one that was here before, whose end is still to be told */
		end_gate(desired, wanted->id);
	wanted->id = cgroup.id;
	err = adopt ? 0 : check_owner(desired, cgroup.id, policy, &error);
	if (!err)
		err = bg_gate_attach(&desired->store, &cgroup, policy, BG_ATTACH_KEEP_EXPIRED, &error);
	if (err == -ENOENT || err == -ESTALE)
		return err;
	if (err < 0) {
		stats.errors[ERROR_ATTACH] += err != -EEXIST;
		set_problem(wanted, error.text);
		return err;
	}
	set_problem(wanted, NULL);
	return 0;
}

bool desired_want_still(struct desired *desired, enum desired_source source, const char *path)
{
	struct wanted *wanted = find(desired, path, false);

	if (!wanted || wanted->source != source)
		return false;
	wanted->pass = desired->passes[source];
	return !wanted->problem;
}

void desired_unwant(struct desired *desired, const char *path)
{
	struct wanted *wanted = find(desired, path, false);

	if (wanted)
		forget(desired, wanted);
}

bool desired_vanished(struct desired *desired, const char *path)
{
	struct wanted *wanted = find(desired, path, false);
	struct bg_cgroup cgroup;

	if (!wanted)
		return true;
	if (wanted->id && !bg_cgroup_find(path, &cgroup, NULL) && cgroup.id == wanted->id)
		return false;
	forget(desired, wanted);
	return true;
}

void desired_begin_pass(struct desired *desired, enum desired_source source)
{
	desired->passes[source]++;
}

/* ---- going through all ---- */

struct list {
	struct wanted **each;
	size_t count;
};

static void collect_node(const void *node, VISIT visit, void *arg)
{
	struct list *list = arg;

	if (visit != postorder && visit != leaf)
		return;
	list->each = bg_need(reallocarray(list->each, list->count + 1, sizeof(*list->each)));
	list->each[list->count++] = *(struct wanted *const *)node;
}

static struct list all_wanted(const struct desired *desired)
{
	struct list list = { 0 };

	twalk_r(desired->wanted, collect_node, &list);
	return list;
}

void desired_end_pass(struct desired *desired, enum desired_source source,
		      bool (*keeps)(const char *path, void *arg), void *arg)
{
	struct list all = all_wanted(desired);

	for (size_t i = 0; i < all.count; i++)
		if (all.each[i]->source == source && all.each[i]->pass != desired->passes[source] &&
		    !(keeps && keeps(all.each[i]->path, arg)))
			forget(desired, all.each[i]);
	free(all.each);
}

static int by_id(const void *a, const void *b)
{
	const __u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

struct kept {
	bool (*keeps)(const char *path, void *arg);
	void *arg;
};

static bool is_kept(struct desired *desired, __u64 id, const struct kept *kept)
{
	return kept && kept->keeps && !bg_gate_read(&desired->store, id, &desired->gate, NULL) &&
	       kept->keeps(desired->gate.cgroup.name, kept->arg);
}

static void end_unwanted(struct desired *desired, bool even_wanted, const struct kept *but)
{
	struct list all = all_wanted(desired);
	__u64 *ids = NULL, *kept = bg_need(calloc(all.count + 1, sizeof(*kept)));
	bool all_known = true;
	struct bg_error error;
	size_t count = 0;

	for (size_t i = 0; i < all.count; i++) {
		kept[i] = all.each[i]->id;
		all_known &= kept[i] != 0;
	}
	qsort(kept, all.count, sizeof(*kept), by_id);
	if ((even_wanted || all_known) && !wake(desired) && bg_gate_ids(&desired->store, &ids, &count, &error)) {
		stats.errors[ERROR_DETACH]++;
		say(LOG_ERR, "%s", error.text);
	}
	for (size_t i = 0; i < count; i++)
		if (even_wanted ||
		    (!bsearch(&ids[i], kept, all.count, sizeof(*kept), by_id) && !is_kept(desired, ids[i], but)))
			end_gate(desired, ids[i]);
	free(ids);
	free(kept);
	free(all.each);
}

void desired_collect(struct desired *desired, bool (*keeps)(const char *path, void *arg), void *arg)
{
	const struct kept but = { .keeps = keeps, .arg = arg };
	struct bg_store store;

	desired_rest(desired);
	if (!bg_sweep_open(desired->pin_dir, BG_STORE_WRITE, &store, NULL)) /* which sweeps */
		bg_store_close(&store);
	end_unwanted(desired, false, &but);
}

void desired_detach_all(struct desired *desired)
{
	end_unwanted(desired, true, NULL);
}

void desired_each(const struct desired *desired,
		  void (*each)(const char *path, enum desired_source source, const char *problem, void *arg),
		  void *arg)
{
	struct list all = all_wanted(desired);

	for (size_t i = 0; i < all.count; i++)
		each(all.each[i]->path, all.each[i]->source, all.each[i]->problem, arg);
	free(all.each);
}
