// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/desired.h"

#include "node/say.h"
#include "node/stats.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wanted {
	__u64 id; /* 0: not found yet */
	enum keeper_source source;
	unsigned int pass;
	char *problem; /* NULL: the gate is there */
	char path[];
};

struct keeper {
	const char *pin_dir;
	struct bg_store store;
	bool is_open, failed; /* the store; failed: in this round, so that it is not tried for each gate */
	struct bg_error said; /* why, the last time */
	double began;
	unsigned int passes[KEEPER_SOURCES];
	void *wanted;        /* a tree of struct wanted by path, as tsearch(3) has it */
	struct bg_gate gate; /* for reading one */
};

static int by_path(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	return strcmp(x->path, y->path);
}

struct keeper *keeper_open(const char *pin_dir)
{
	struct keeper *keeper = need(calloc(1, sizeof(*keeper)));

	keeper->pin_dir = pin_dir;
	return keeper;
}

static void free_wanted(void *arg)
{
	struct wanted *wanted = arg;

	free(wanted->problem);
	free(wanted);
}

void keeper_close(struct keeper *keeper)
{
	keeper_rest(keeper);
	tdestroy(keeper->wanted, free_wanted);
	free(keeper);
}

static struct wanted *find(struct keeper *keeper, const char *path, bool make)
{
	struct wanted *key = need(calloc(1, sizeof(*key) + strlen(path) + 1)), *result;
	void *found;

	strcpy(key->path, path);
	found = make ? need(tsearch(key, &keeper->wanted, by_path)) : tfind(key, &keeper->wanted, by_path);
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
	wanted->problem = problem ? need(strdup(problem)) : NULL;
}

static int wake(struct keeper *keeper)
{
	struct bg_error error;
	int err;

	if (keeper->is_open)
		return 0;
	if (keeper->failed)
		return -EAGAIN;
	keeper->began = now_seconds();
	err = bg_store_open(keeper->pin_dir, BG_STORE_KEEP, &keeper->store, &error);
	keeper->is_open = !err;
	keeper->failed = err;
	if (err) {
		stats.errors[ERROR_STORE]++;
		if (strcmp(keeper->said.text, error.text))
			say(LOG_ERR, "%s", error.text);
	}
	keeper->said = err ? error : (struct bg_error){ "" };
	return err;
}

void keeper_rest(struct keeper *keeper)
{
	keeper->failed = false;
	if (!keeper->is_open)
		return;
	bg_store_close(&keeper->store);
	keeper->is_open = false;
	stats_reconciled(now_seconds() - keeper->began);
}

/* -EEXIST: there is a gate that is somebody else's, and has another policy. */
static int check_owner(struct keeper *keeper, __u64 id, const struct bg_policy *policy, struct bg_error *error)
{
	struct bg_policy mine = *policy;
	int err = bg_gate_read(&keeper->store, id, &keeper->gate, error);

	if (err)
		return err == -ENOENT ? 0 : err;
	if (!strcmp(keeper->gate.policy.owner, KEEPER_OWNER))
		return 0;
	memcpy(mine.owner, keeper->gate.policy.owner, sizeof(mine.owner));
	if (bg_policy_same(&mine, &keeper->gate.policy))
		return 0;
	return bg_error(error, -EEXIST, "a gate of \"%s\" stands there: left alone (adopt: true takes it over)",
			keeper->gate.policy.owner);
}

/* Only what is the daemon's own; what is gone already is no error. */
static void end_gate(struct keeper *keeper, __u64 id)
{
	struct bg_error error;
	int err;

	if (!id || wake(keeper))
		return;
	err = bg_gate_read(&keeper->store, id, &keeper->gate, &error);
	if (!err && strcmp(keeper->gate.policy.owner, KEEPER_OWNER))
		return;
	if (!err || err == -ESTALE)
		err = bg_gate_detach(&keeper->store, id, &error);
	if (!err || err == -ENOENT)
		return;
	stats.errors[ERROR_DETACH]++;
	say(LOG_ERR, "%s", error.text);
}

static void forget(struct keeper *keeper, struct wanted *wanted)
{
	end_gate(keeper, wanted->id);
	stats.conflicts -= !!wanted->problem;
	stats.gates_wanted--;
	tdelete(wanted, &keeper->wanted, by_path);
	free_wanted(wanted);
}

int keeper_want(struct keeper *keeper, enum keeper_source source, const char *path, const struct bg_policy *policy,
		bool adopt)
{
	struct wanted *wanted = find(keeper, path, true);
	struct bg_cgroup cgroup;
	struct bg_error error;
	int err;

	wanted->source = source;
	wanted->pass = keeper->passes[source]; /* whatever fails from here on, it is wanted */
	err = wake(keeper);
	if (err)
		return err;
	err = bg_cgroup_find(path, &cgroup, &error);
	if (err == -ENOENT) { /* gone again; the event that says so comes */
		if (!wanted->id)
			forget(keeper, wanted);
		return err;
	}
	if (err) {
		stats.errors[ERROR_ATTACH]++;
		set_problem(wanted, error.text);
		return err;
	}
	wanted->id = cgroup.id;
	err = adopt ? 0 : check_owner(keeper, cgroup.id, policy, &error);
	if (!err)
		err = bg_gate_attach(&keeper->store, &cgroup, policy, BG_ATTACH_KEEP_EXPIRED, &error);
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

bool keeper_want_still(struct keeper *keeper, enum keeper_source source, const char *path)
{
	struct wanted *wanted = find(keeper, path, false);

	if (!wanted || wanted->source != source)
		return false;
	wanted->pass = keeper->passes[source];
	return !wanted->problem;
}

void keeper_unwant(struct keeper *keeper, const char *path)
{
	struct wanted *wanted = find(keeper, path, false);

	if (wanted)
		forget(keeper, wanted);
}

void keeper_begin_pass(struct keeper *keeper, enum keeper_source source)
{
	keeper->passes[source]++;
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
	list->each = need(reallocarray(list->each, list->count + 1, sizeof(*list->each)));
	list->each[list->count++] = *(struct wanted *const *)node;
}

static struct list all_wanted(const struct keeper *keeper)
{
	struct list list = { 0 };

	twalk_r(keeper->wanted, collect_node, &list);
	return list;
}

void keeper_end_pass(struct keeper *keeper, enum keeper_source source, bool (*keeps)(const char *path, void *arg),
		     void *arg)
{
	struct list all = all_wanted(keeper);

	for (size_t i = 0; i < all.count; i++)
		if (all.each[i]->source == source && all.each[i]->pass != keeper->passes[source] &&
		    !(keeps && keeps(all.each[i]->path, arg)))
			forget(keeper, all.each[i]);
	free(all.each);
}

static int by_id(const void *a, const void *b)
{
	const __u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void end_unwanted(struct keeper *keeper, bool even_wanted)
{
	struct list all = all_wanted(keeper);
	__u64 *ids = NULL, *kept = need(calloc(all.count + 1, sizeof(*kept)));
	bool all_known = true;
	struct bg_error error;
	size_t count = 0;

	for (size_t i = 0; i < all.count; i++) {
		kept[i] = all.each[i]->id;
		all_known &= kept[i] != 0;
	}
	qsort(kept, all.count, sizeof(*kept), by_id);
	if ((even_wanted || all_known) && !wake(keeper) && bg_gate_ids(&keeper->store, &ids, &count, &error)) {
		stats.errors[ERROR_DETACH]++;
		say(LOG_ERR, "%s", error.text);
	}
	for (size_t i = 0; i < count; i++)
		if (even_wanted || !bsearch(&ids[i], kept, all.count, sizeof(*kept), by_id))
			end_gate(keeper, ids[i]);
	free(ids);
	free(kept);
	free(all.each);
}

void keeper_collect(struct keeper *keeper)
{
	struct bg_store store;

	keeper_rest(keeper);
	if (!bg_store_open(keeper->pin_dir, BG_STORE_WRITE, &store, NULL)) /* which sweeps */
		bg_store_close(&store);
	end_unwanted(keeper, false);
}

void keeper_detach_all(struct keeper *keeper)
{
	end_unwanted(keeper, true);
}

void keeper_each(const struct keeper *keeper,
		 void (*each)(const char *path, enum keeper_source source, const char *problem, void *arg),
		 void *arg)
{
	struct list all = all_wanted(keeper);

	for (size_t i = 0; i < all.count; i++)
		each(all.each[i]->path, all.each[i]->source, all.each[i]->problem, arg);
	free(all.each);
}
