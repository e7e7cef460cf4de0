// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "explain/explain.h"

#include "base/escape.h"
#include "policy/counters.h"
#include "policy/parser.h"
#include "base/clock.h"
#include "cgroup/mount.h"

#include <bindgate/decide.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOBODY 65534

int bg_bind_parse(const char *text, struct bg_bind *out, struct bg_error *error)
{
	static const char how[] = "written as PORT, ADDRESS:PORT or [ADDRESS]:PORT, with /tcp or /udp";
	struct bg_rule rule;

	if (bg_rule_parse(text, &rule, error))
		return -EINVAL;
	if (rule.verdict != BG_ALLOW || rule.first != rule.last || (rule.flags & (BG_RULE_UID | BG_RULE_GID)) ||
	    rule.seconds || ((rule.flags & BG_RULE_ADDR) && rule.prefix != 128))
		return bg_error(error, -EINVAL, "\"%.64s\" is not one bind: %s", text, how);
	*out = (struct bg_bind){
		.family = 4,
		.protocol = (rule.flags & BG_RULE_PROTOCOLS) == BG_RULE_UDP ? BG_UDP : BG_TCP,
		.addr = { .lo = 0xffff00000000 },
		.port = rule.first,
	};
	if (rule.flags & BG_RULE_ADDR) {
		out->addr = rule.addr;
		/* ::ffff:1.2.3.4 in brackets is asked for by an IPv6 socket */
		out->family = bg_addr_is_ip4(&rule.addr) && !strchr(text, '[') ? 4 : 6;
	}
	return 0;
}

/* ---- the gates ---- */

struct asker {
	const struct bg_bind *bind;
	const struct bg_process *process;
};

static void fill(struct bg_request *request, __u8 inputs, void *arg)
{
	const struct asker *asker = arg;

	(void)inputs; /* all that there is */
	request->addr = asker->bind->addr;
	request->kind |= bg_addr_is_ip4(&request->addr) ? BG_RULE_IP4 : BG_RULE_IP6;
	request->uid = asker->process->uid;
	request->gid = asker->process->gid;
	request->now = bg_clock_ticks();
	request->foreign_netns = asker->process->foreign_netns;
}

static void ask_gate(const struct bg_gate *gate, struct bg_explanation *out)
{
	struct bg_step *step = &out->steps[out->steps_count++];
	struct asker asker = { .bind = &out->actual, .process = &out->process };

	*step = (struct bg_step){ .audit = gate->map.audit, .after = out->actual };
	snprintf(step->cgroup, sizeof(step->cgroup), "%.511s", gate->cgroup.name);
	memcpy(step->damage, gate->damage, sizeof(step->damage));
	step->answer = bg_decide(&gate->map, out->actual.port, (__u8)(1 << out->actual.protocol), fill, &asker);
	if (step->answer.rule < gate->policy.count)
		bg_rule_print(&gate->policy.rules[step->answer.rule], step->rule);
	if (step->answer.verdict == BG_REWRITE) {
		step->after.port = step->answer.port;
		if (step->answer.readdressed)
			step->after.addr = gate->map.addrs[step->answer.target % BG_ADDRS_MAX];
	}
	out->denied |= step->answer.verdict == BG_DENY && !gate->map.audit;
	out->waived |= step->answer.verdict == BG_ALLOW || step->answer.verdict == BG_REWRITE;
	out->actual = step->after;
}

/* 0 of none. */
static int program_id(int fd, __u32 *id)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);

	if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	*id = info.id;
	return 0;
}

static int add_others(const struct bg_store *store, const char *path, const char *name, struct bg_explanation *out)
{
	enum bpf_attach_type hook = out->requested.family == 4 ? BPF_CGROUP_INET4_BIND : BPF_CGROUP_INET6_BIND;
	__u32 own = 0, ids[64] = { 0 }, count = 64, flags;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	    err = fd < 0 || bpf_prog_query(fd, hook, 0, &flags, ids, &count) ? -errno : 0;

	if (!err)
		err = program_id(out->requested.family == 4 ? store->bind4 : store->bind6, &own);
	if (err)
		count = 0;
	for (__u32 i = 0; i < count && out->others_count < BG_OTHERS_MAX; i++) {
		struct bg_other *other = &out->others[out->others_count];
		struct bpf_prog_info info = { 0 };
		__u32 size = sizeof(info);
		int program;

		if (ids[i] == own)
			continue;
		*other = (struct bg_other){ .id = ids[i] };
		snprintf(other->cgroup, sizeof(other->cgroup), "%.511s", name);
		program = bpf_prog_get_fd_by_id(ids[i]);
		if (program >= 0 && !bpf_obj_get_info_by_fd(program, &info, &size))
			snprintf(other->name, sizeof(other->name), "%.16s", info.name);
		if (program >= 0)
			close(program);
		out->others_count++;
	}
	if (fd >= 0)
		close(fd);
	return err;
}

/* What the cgroup's gate, where it has one, and other programs on it say. */
static int visit(struct bg_store *store, const char *path, const char *name, struct bg_gate *room,
		 struct bg_explanation *out, struct bg_error *error)
{
	struct stat st;
	int err = stat(path, &st) ? -errno : 0;

	if (!err && out->steps_count < BG_STEPS_MAX) {
		err = bg_gate_read(store, st.st_ino, room, error);
		if (err && err != -ENOENT)
			return err;
		if (!err)
			ask_gate(room, out);
		err = 0;
	}
	if (!err)
		err = add_others(store, path, name, out);
	return err ? bg_error(error, err, "cannot look at the cgroup %.512s: %s", path, strerror(-err)) : 0;
}

/* From the cgroup up to the root, as the kernel runs them. */
static int walk(struct bg_store *store, struct bg_explanation *out, struct bg_error *error)
{
	struct bg_gate *gate = malloc(sizeof(*gate));
	char path[PATH_MAX], *name = path;
	const char *mount;
	int err = gate ? bg_cgroup_mount(&mount, error) : -ENOMEM;

	snprintf(path, sizeof(path), "%s", out->cgroup.path);
	if (!err)
		name = path + strlen(mount);
	while (!err) {
		err = visit(store, path, *name ? name : "/", gate, out, error);
		if (err || !*name)
			break;
		*strrchr(name, '/') = '\0';
	}
	free(gate);
	return err;
}

/* ---- what would help ---- */

/* `other` may be NULL. */
static void print_words(FILE *out, const char *one, const char *other)
{
	fputc(' ', out);
	bg_print_word(out, one);
	if (!other)
		return;
	fputc(' ', out);
	bg_print_word(out, other);
}

/* A rule in front of all others: a policy is declared anew for that. */
static int put_in_front(struct bg_store *store, const char *cgroup, const char *rule, FILE *remedy,
			struct bg_error *error)
{
	struct bg_gate *gate = malloc(sizeof(*gate));
	char text[BG_RULE_TEXT_MAX];
	struct bg_cgroup found;
	int err = gate ? bg_cgroup_find(cgroup, &found, error) : -ENOMEM;

	if (!err)
		err = bg_gate_read(store, found.id, gate, error);
	if (!err) {
		const struct bg_policy *policy = &gate->policy;

		fprintf(remedy, "bindgate attach%s%s%s",
			policy->default_verdict == BG_DENY ? " --default deny" : "",
			policy->netns == BG_NETNS_HOST ? " --netns host" : "", policy->audit ? " --audit" : "");
		if (*policy->label)
			print_words(remedy, "--label", policy->label);
		print_words(remedy, cgroup, rule);
		for (unsigned int i = 0; i < policy->count; i++)
			print_words(remedy, bg_rule_print(&policy->rules[i], text), NULL);
	}
	free(gate);
	return err;
}

/* What makes one gate allow the bind that it sees. */
static int open_gate(struct bg_store *store, const struct bg_step *step, const struct bg_bind *seen, FILE *remedy,
		     struct bg_error *error)
{
	char rule[32];

	snprintf(rule, sizeof(rule), "%u/%s", seen->port, bg_protocol_name(seen->protocol));
	fputs(ftell(remedy) ? " && " : "", remedy);
	if (*step->rule)
		return put_in_front(store, step->cgroup, rule, remedy, error);
	fputs("bindgate add", remedy);
	print_words(remedy, step->cgroup, rule);
	return 0;
}

static int find_remedy(struct bg_store *store, const struct bg_explanation *out, FILE *remedy,
		       struct bg_error *error)
{
	const struct bg_bind *seen = &out->requested;
	bool opened = out->waived;
	char rule[64];
	int err = 0;

	for (unsigned int i = 0; i < out->steps_count && !err; i++) {
		const struct bg_step *step = &out->steps[i];

		if (step->answer.verdict == BG_DENY && !step->audit) {
			err = open_gate(store, step, seen, remedy, error);
			opened = true;
		}
		seen = &step->after;
	}
	if (err || opened || !out->privileged || out->process.may_bind_low)
		return err;
	/* nobody denies it, nobody allows it: the gate that is nearest shall, where netns host lets it */
	if (out->steps_count && !strcmp(out->steps[0].cgroup, out->cgroup.name) &&
	    out->steps[0].answer.rule != BG_BYPASSED)
		return open_gate(store, &out->steps[0], &out->requested, remedy, error);
	if (out->steps_count && !strcmp(out->steps[0].cgroup, out->cgroup.name))
		return 0; /* netns host, and it is elsewhere */
	snprintf(rule, sizeof(rule), "%u/%s", out->actual.port, bg_protocol_name(out->actual.protocol));
	if (!strcmp(out->cgroup.name, "/")) /* not to everybody */
		snprintf(rule + strlen(rule), sizeof(rule) - strlen(rule), ",uid=%u", out->process.uid);
	fprintf(remedy, "%sbindgate attach", ftell(remedy) ? " && " : "");
	print_words(remedy, out->cgroup.name, rule);
	return 0;
}

/* Of a cgroup's processes the first; 0: it has none. EOPNOTSUPP: it is threaded, and does not tell. */
static int first_process(const struct bg_cgroup *cgroup, pid_t *out, struct bg_error *error)
{
	int dir = bg_cgroup_open(cgroup, error), fd, pid = 0, err = 0;
	FILE *file;

	if (dir < 0)
		return dir;
	fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	file = fd < 0 ? NULL : fdopen(fd, "r");
	if (!file) {
		err = bg_error(error, -errno, "cannot read %.350s/cgroup.procs: %s", cgroup->path, strerror(errno));
		if (fd >= 0)
			close(fd);
		close(dir);
		return err;
	}
	close(dir);
	if (fscanf(file, "%d", &pid) != 1 && ferror(file) && errno != EOPNOTSUPP)
		err = bg_error(error, -errno, "cannot read %.350s/cgroup.procs: %s", cgroup->path, strerror(errno));
	fclose(file);
	*out = pid;
	return err;
}

/* In the order in which the kernel comes upon them. */
static int answer_of(const struct bg_explanation *out)
{
	bool barred = out->privileged && !out->waived && !out->process.may_bind_low;

	if (out->denied)
		return EACCES;
	if (out->actual.family == 4 && out->netns_view.addr_error)
		return out->netns_view.addr_error;
	if (barred)
		return EACCES;
	if (out->netns_view.addr_error)
		return out->netns_view.addr_error;
	return out->netns_view.holders_count ? EADDRINUSE : 0;
}

int bg_explain(struct bg_store *store, pid_t pid, const struct bg_cgroup *cgroup, const struct bg_bind *bind,
	       struct bg_explanation *out, struct bg_error *error)
{
	char name[32];
	FILE *remedy;
	size_t size;
	int err;

	*out = (struct bg_explanation){ .requested = *bind, .actual = *bind, .complete = store };
	out->process = (struct bg_process){ .uid = NOBODY, .gid = NOBODY, .euid = NOBODY };
	snprintf(name, sizeof(name), "pid:%d", pid);
	if (pid)
		err = bg_cgroup_find(name, &out->cgroup, error);
	else
		err = (out->cgroup = *cgroup, first_process(cgroup, &pid, error));
	if (!err && pid)
		err = bg_process_read(pid, &out->process, error);
	if (!err && store)
		err = walk(store, out, error);
	if (!err)
		err = bg_netns_view_read(pid ? pid : getpid(), &out->actual, &out->netns_view, error);
	if (err)
		return err;
	out->privileged = out->actual.port < out->netns_view.unprivileged_from;
	out->error = answer_of(out);
	if (out->error != EACCES || !store)
		return 0;
	remedy = open_memstream(&out->remedy, &size);
	if (!remedy)
		return bg_error(error, -ENOMEM, "out of memory");
	err = find_remedy(store, out, remedy, error);
	if (fclose(remedy) && !err)
		err = bg_error(error, -ENOMEM, "out of memory");
	if (err) {
		free(out->remedy);
		out->remedy = NULL;
	}
	return err;
}
