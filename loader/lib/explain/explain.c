// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "explain/explain.h"

#include "explain/remedy_internal.h"
#include "policy/counters.h"
#include "policy/parser.h"
#include "base/clock.h"
#include "cgroup/mount.h"

#include <bindgate/decide.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
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
	int rule;

	*step = (struct bg_step){ .audit = gate->map.audit, .after = out->actual };
	snprintf(step->cgroup, sizeof(step->cgroup), "%.511s", gate->cgroup.name);
	memcpy(step->damage, gate->damage, sizeof(step->damage));
	step->answer = bg_decide(&gate->map, out->actual.port, (__u8)(1 << out->actual.protocol), fill, &asker);
	rule = bg_policy_rule_of(&gate->policy, step->answer.slot);
	if (rule >= 0)
		bg_rule_print(&gate->policy.rules[rule], step->rule);
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

	if (err == -ENOENT && *out->service) /* it does not run, nor perhaps anything in its slice */
		return 0;
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

/* The cgroup's first process; 0: it has none. EOPNOTSUPP: a threaded cgroup does not list its processes. */
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

/* In the order in which the kernel checks them. */
static int answer_of(const struct bg_store *store, const struct bg_explanation *out)
{
	bool barred = out->privileged && !out->waived && !out->process.may_bind_low;

	if (out->denied) /* by a program on this kernel: it says what it can say */
		return store && store->has_program && !store->program.has_set_retval ? EPERM : EACCES;
	if (out->actual.family == 4 && out->netns_view.addr_error)
		return out->netns_view.addr_error;
	if (barred)
		return EACCES;
	if (out->netns_view.addr_error)
		return out->netns_view.addr_error;
	return out->netns_view.holders_count ? EADDRINUSE : 0;
}

static int conclude(struct bg_store *store, struct bg_explanation *out, struct bg_error *error)
{
	FILE *remedy;
	size_t size;
	int err;

	out->privileged = out->actual.port < out->netns_view.unprivileged_from;
	out->error = answer_of(store, out);
	if ((out->error != EACCES && out->error != EPERM) || !store)
		return 0;
	remedy = open_memstream(&out->remedy, &size);
	if (!remedy)
		return bg_error(error, -ENOMEM, "out of memory");
	err = bg_find_remedy(store, out, remedy, error);
	if (fclose(remedy) && !err)
		err = bg_error(error, -ENOMEM, "out of memory");
	if (err) {
		free(out->remedy);
		out->remedy = NULL;
	}
	return err;
}

int bg_explain(struct bg_store *store, pid_t pid, const struct bg_cgroup *cgroup, const struct bg_bind *bind,
	       struct bg_explanation *out, struct bg_error *error)
{
	char name[32];
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
	return err ? err : conclude(store, out, error);
}

/* ---- a service that does not run ---- */

/* "/a.slice/a-b.slice/x.service" of x.service in a-b.slice */
static int name_cgroup(const struct bg_service *service, struct bg_cgroup *out, struct bg_error *error)
{
	const char *mount, *slice = service->slice;
	int err = bg_cgroup_mount(&mount, error);
	size_t used = 0;

	if (err)
		return err;
	for (const char *dash = slice; *slice && strcmp(slice, "-.slice") && *dash;) {
		size_t length = strcspn(++dash, "-.");

		dash += length;
		used += (size_t)snprintf(out->name + used, sizeof(out->name) - used, "/%.*s.slice",
					 (int)(dash - slice), slice);
		if (*dash == '.' || used > 3000)
			break;
	}
	snprintf(out->name + used, sizeof(out->name) - used, "/%s", service->name);
	if (snprintf(out->path, sizeof(out->path), "%s%s", mount, out->name) >= (int)sizeof(out->path))
		return bg_error(error, -ENAMETOOLONG, "the path of %.64s's cgroup is too long", service->name);
	return 0;
}

static void view_service(const struct bg_service *service, struct bg_process *out)
{
	const struct passwd *user = *service->user ? getpwnam(service->user) : NULL;
	const struct group *group = *service->group ? getgrnam(service->group) : NULL;
	bool may;

	*out = (struct bg_process){ 0 };
	if (service->dynamic_user || *service->user) {
		out->uid = user ? user->pw_uid : NOBODY;
		out->gid = user ? user->pw_gid : NOBODY;
	}
	if (*service->user >= '0' && *service->user <= '9')
		out->uid = (__u32)strtoul(service->user, NULL, 10);
	if (group)
		out->gid = group->gr_gid;
	out->euid = out->uid;
	may = service->bounding_bind && (out->uid == 0 || service->ambient_bind);
	out->may_bind_low = may && !service->private_users;
	out->in_user_ns = may && service->private_users;
	out->foreign_netns = service->private_network;
}

/* The gate that it will have by then, as it is declared. */
static int ask_declared(const struct bg_policy *policy, struct bg_explanation *out, struct bg_error *error)
{
	struct bg_gate *gate = calloc(1, sizeof(*gate));
	int err = gate ? bg_compile(policy, &gate->map, error) : bg_error(error, -ENOMEM, "out of memory");

	if (!err) {
		gate->policy = *policy;
		gate->cgroup = out->cgroup;
		ask_gate(gate, out);
		out->steps[out->steps_count - 1].declared = policy;
	}
	free(gate);
	return err;
}

/* What comes of the bind in the cgroup, in the caller's network namespace. */
static int decide_here(struct bg_store *store, struct bg_explanation *out, struct bg_error *error)
{
	int err = store ? walk(store, out, error) : 0;

	if (!err)
		err = bg_netns_view_read(getpid(), &out->actual, &out->netns_view, error);
	return err ? err : conclude(store, out, error);
}

int bg_explain_gone(struct bg_store *store, const struct bg_process *process, const struct bg_cgroup *cgroup,
		    const struct bg_bind *bind, struct bg_explanation *out, struct bg_error *error)
{
	*out = (struct bg_explanation){
		.requested = *bind, .actual = *bind, .complete = store, .process = *process, .cgroup = *cgroup
	};
	return decide_here(store, out, error);
}

int bg_explain_service(struct bg_store *store, const struct bg_service *service, const struct bg_policy *declared,
		       const struct bg_bind *bind, struct bg_explanation *out, struct bg_error *error)
{
	int err;

	*out = (struct bg_explanation){ .requested = *bind, .actual = *bind, .complete = store };
	snprintf(out->service, sizeof(out->service), "%s", service->name);
	view_service(service, &out->process);
	err = name_cgroup(service, &out->cgroup, error);
	if (!err && declared)
		err = ask_declared(declared, out, error);
	return err ? err : decide_here(store, out, error);
}
