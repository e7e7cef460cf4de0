// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"
#include "explain/explain.h"
#include "gate/sweep.h"
#include "permanent/permanent.h"
#include "systemd/service.h"
#include "systemd/systemctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *socket_text(const struct bg_bind *bind, char text[static 80])
{
	char addr[INET6_ADDRSTRLEN];

	snprintf(text, 80, bg_addr_is_ip4(&bind->addr) ? "%s:%u" : "[%s]:%u", bg_addr_print(&bind->addr, addr),
		 bind->port);
	return text;
}

/* What is said, point by point. */
struct point {
	char *what;
	char *says;
	const char *mark; /* a style */
};

struct account {
	const struct cli *cli;
	struct point points[2 * BG_STEPS_MAX + BG_OTHERS_MAX + BG_HOLDERS_MAX + 8];
	size_t count;
};

__attribute__((format(printf, 4, 5))) static void add_point(struct account *account, const char *what,
							    const char *mark, const char *format, ...)
{
	struct point *point = &account->points[account->count++];
	char text[1600];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	*point = (struct point){ .what = bg_need(strdup(bg_escape(what))),
				 .says = bg_need(strdup(bg_escape(text))),
				 .mark = mark };
}

static void print_points(const struct account *account)
{
	size_t width = 0;

	for (size_t i = 0; i < account->count; i++)
		width = strlen(account->points[i].what) > width ? strlen(account->points[i].what) : width;
	for (size_t i = 0; i < account->count; i++)
		printf("  %-*s  %s%s%s\n", (int)width, account->points[i].what, cli_style(account->points[i].mark),
		       account->points[i].says, cli_style("plain"));
}

static json_t *points_json(const struct account *account)
{
	json_t *list = json_array();

	for (size_t i = 0; i < account->count; i++)
		json_array_append_new(list, json_pack("{s:s,s:s}", "what", account->points[i].what, "says",
						      account->points[i].says));
	return list;
}

static void add_process_points(struct account *account, const struct bg_explanation *why)
{
	const struct bg_process *process = &why->process;

	if (process->pid)
		add_point(account, "process", "plain", "%d (%s), uid %u, gid %u, in cgroup %s", process->pid,
			  process->name, process->uid, process->gid, why->cgroup.name);
	else if (*why->service)
		add_point(account, "process", "plain",
			  "none now: the next one of %s would have uid %u, gid %u, in cgroup %s", why->service,
			  process->uid, process->gid, why->cgroup.name);
	else
		add_point(account, "process", "plain",
			  "none is in %s now: this is what one of uid %u without privileges would get",
			  why->cgroup.name, process->uid);
	add_point(account, "network namespace", "plain", "%sports below %u take a privilege there",
		  process->hidden          ? "taken for this one, only root can look into that of the process; "
		  : !why->complete         ? ""
		  : process->foreign_netns ? "not the machine's own; "
					   : "the machine's own; ",
		  why->netns_view.unprivileged_from);
	if (!why->privileged)
		add_point(account, "privilege", "green", "port %u takes none", why->actual.port);
	else if (process->may_bind_low)
		add_point(account, "privilege", "green", "has CAP_NET_BIND_SERVICE there");
	else if (process->in_user_ns)
		add_point(
			account, "privilege", "yellow",
			"has CAP_NET_BIND_SERVICE, but only in a user namespace that the network namespace is not of");
	else
		add_point(account, "privilege", "yellow", "lacks CAP_NET_BIND_SERVICE");
}

static void add_gate_points(struct account *account, const struct bg_step *step)
{
	static const char *const colours[] = { "plain", "green", "yellow", "red" };
	char what[540], given[80];
	const char *rule = *step->rule ? step->rule : "no rule matches, the default";

	snprintf(what, sizeof(what), "gate %s", step->cgroup);
	if (step->answer.slot == BG_SLOT_BYPASSED)
		add_point(account, what, "plain", "not asked: netns host, and the socket is elsewhere");
	else if (step->answer.verdict == BG_REWRITE)
		add_point(account, what, colours[BG_REWRITE], "%s: rewrite to %s, which it allows", rule,
			  socket_text(&step->after, given));
	else
		add_point(account, what, colours[step->answer.verdict], "%s: %s%s", rule,
			  bg_verdict_name(step->answer.verdict),
			  step->audit && step->answer.verdict == BG_DENY ? ", which audit does not enforce" : "");
	if (*step->damage)
		add_point(account, what, "red", "damaged: %s", step->damage);
}

/* When two sockets may have one port, neither being asked of the kernel before. */
static const char *sharing(const struct bg_explanation *why, const struct bg_holder *holder)
{
	bool v6_any = why->actual.addr.hi == 0 && why->actual.addr.lo == 0;

	if (v6_any && bg_addr_is_ip4(&holder->addr))
		return ", unless it is bound with IPV6_V6ONLY";
	if (why->actual.protocol == BG_UDP)
		return ", unless both set SO_REUSEADDR";
	return holder->uid == why->process.euid ? ", unless both set SO_REUSEPORT" : "";
}

static void add_surroundings_points(struct account *account, const struct bg_explanation *why)
{
	const struct bg_netns_view *around = &why->netns_view;
	char addr[INET6_ADDRSTRLEN];

	for (unsigned int i = 0; i < why->others_count; i++)
		add_point(account, "another program", "yellow",
			  "%s (BPF id %u) on %s: bindgate cannot see what it decides",
			  *why->others[i].name ? why->others[i].name : "without a name", why->others[i].id,
			  why->others[i].cgroup);
	if (around->addr_error)
		add_point(account, "address", "red", "%s: %s", bg_addr_print(&why->actual.addr, addr),
			  strerror(around->addr_error));
	for (unsigned int i = 0; i < around->holders_count; i++) {
		const struct bg_holder *holder = &around->holders[i];
		char who[64];

		if (holder->pid)
			snprintf(who, sizeof(who), "%s (pid %d)", holder->name, holder->pid);
		else
			snprintf(who, sizeof(who), "a process that cannot be seen (uid %u)", holder->uid);
		add_point(account, "port", "red", "%u is held by %s on %s%s", why->actual.port, who,
			  bg_addr_print(&holder->addr, addr), sharing(why, holder));
	}
}

static json_t *bind_json(const struct bg_bind *bind)
{
	char addr[INET6_ADDRSTRLEN];

	return json_pack("{s:s,s:i}", "address", bg_addr_print(&bind->addr, addr), "port", bind->port);
}

static void print_end(struct account *account, const struct bg_explanation *why)
{
	const char *error = why->error ? strerrorname_np(why->error) : NULL;
	char given[80];

	if (account->cli->json) {
		cli_print_json(json_pack("{s:b,s:b,s:s?,s:i,s:o,s:s,s:o,s:o,s:o,s:o?}", "succeeds",
					 why->complete && !why->error, "complete", why->complete, "error", error,
					 "pid", why->process.pid, "cgroup", bg_json_text(why->cgroup.name),
					 "protocol", bg_protocol_name(why->requested.protocol), "asked",
					 bind_json(&why->requested), "given", bind_json(&why->actual), "steps",
					 points_json(account), "remedy",
					 why->remedy && *why->remedy ? json_string(why->remedy) : NULL));
		return;
	}
	print_points(account);
	if (!why->error)
		printf("%sIt would succeed%s%s, and be bound to %s.\n", cli_style("green"), cli_style("plain"),
		       why->complete ? "" : " unless a gate says otherwise", socket_text(&why->actual, given));
	else
		printf("%sIt would be refused%s%s: %s (%s).\n", cli_style("red"), cli_style("plain"),
		       !why->complete && why->error == EACCES ? " unless a gate allows it" : "", error,
		       strerror(why->error));
	if (why->remedy && *why->remedy)
		printf("%s%s%s\n%s\n", cli_style("bold"),
		       why->complete ? "This would grant it:" : "This tells the rest, and what would grant it:",
		       cli_style("plain"), why->remedy);
}

static void print_explanation(const struct cli *cli, const struct bg_explanation *why)
{
	struct account account = { .cli = cli };
	char asked[80];

	if (!cli->json)
		printf("A bind to %s over %s:\n", socket_text(&why->requested, asked),
		       why->requested.protocol == BG_UDP ? "UDP" : "TCP");
	add_process_points(&account, why);
	for (unsigned int i = 0; i < why->steps_count; i++)
		add_gate_points(&account, &why->steps[i]);
	if (!why->complete)
		add_point(&account, "gates", "yellow", "only root can see them");
	else if (!why->steps_count)
		add_point(&account, "gates", "plain", "none, from %s up to the root", why->cgroup.name);
	add_surroundings_points(&account, why);
	print_end(&account, why);
	for (size_t i = 0; i < account.count; i++) {
		free(account.points[i].what);
		free(account.points[i].says);
	}
}

/* Whose bind it is: *pid, or where that is 0, somebody's in the cgroup. Returns DONE or the status to end with. */
static int find_asker(const struct cli *cli, const char *name, pid_t *pid, struct bg_cgroup *cgroup)
{
	const char *digits = strncmp(name, "pid:", 4) ? name : name + 4;
	struct bg_error error = { "" };
	unsigned long number = 0;
	int err;

	if (!strcmp(name, "self"))
		*pid = bg_process_caller();
	else if (cli_parse_number(digits, 4194304, &number))
		*pid = (pid_t)number;
	if (*pid)
		return DONE;
	err = bg_cgroup_find(name, cgroup, &error);
	if (err == -ENOENT && strspn(digits, "0123456789") == strlen(digits))
		bg_error(&error, err, "there is no process %.32s, and no cgroup of that name", digits);
	return err ? cli_print_error(cli, err, &error) : DONE;
}

/* What root would have to type to be told everything. */
static char *complete_command(const char *name, const char *bind)
{
	char *text = NULL;
	size_t size;
	FILE *out = bg_need(open_memstream(&text, &size));

	fputs("sudo bindgate explain ", out);
	bg_print_word(out, name);
	putc(' ', out);
	bg_print_word(out, bind);
	return bg_need(fclose(out) ? NULL : text);
}

static int explain(struct cli *cli, pid_t pid, const struct bg_cgroup *cgroup, const struct bg_bind *bind,
		   struct bg_explanation *out)
{
	struct bg_error error = { "" };
	struct bg_store store;
	bool is_root = geteuid() == 0;
	int err = is_root ? bg_sweep_open(cli->pin_dir, BG_STORE_READ, &store, &error) : 0;

	if (!err) {
		err = bg_explain(is_root ? &store : NULL, pid, cgroup, bind, out, &error);
		if (is_root)
			bg_store_close(&store);
	}
	return err ? cli_print_error(cli, err, &error) : DONE;
}

/* Is it a service that has no cgroup, because it does not run? */
static bool is_stopped(const char *name, struct bg_service *service, struct bg_error *error)
{
	char unit[BG_UNIT_MAX];
	struct bg_cgroup cgroup;

	return !strncmp(name, "unit:", 5) && bg_cgroup_find(name, &cgroup, NULL) == -ENOENT && bg_systemd_runs() &&
	       !bg_unit_name(name + 5, unit, error) && bg_unit_is_service(unit) && !bg_unit_is_template(unit) &&
	       !bg_service_read(unit, service, error) && service->found;
}

static int explain_stopped(struct cli *cli, const struct bg_service *service, const struct bg_bind *bind,
			   struct bg_explanation *out)
{
	static struct bg_permanent permanent;
	struct bg_error error = { "" };
	char name[BG_UNIT_MAX + 8];
	struct bg_store store;
	bool is_root = geteuid() == 0, is_declared;
	int err = is_root ? bg_sweep_open(cli->pin_dir, BG_STORE_READ, &store, &error) : 0;

	snprintf(name, sizeof(name), "unit:%s", service->name);
	is_declared = !bg_permanent_read(name, &permanent, NULL) && !*permanent.damage;
	if (!err) {
		err = bg_explain_service(is_root ? &store : NULL, service, is_declared ? &permanent.policy : NULL,
					 bind, out, &error);
		if (is_root)
			bg_store_close(&store);
	}
	return err ? cli_print_error(cli, err, &error) : DONE;
}

static int run_explain(struct cli *cli, int argc, char **argv)
{
	static struct bg_explanation why; /* 130 KiB */
	struct bg_error error = { "" };
	struct bg_cgroup cgroup;
	const char *name, *text;
	struct bg_service service;
	struct bg_bind bind;
	pid_t pid = 0;
	int status;

	cli_end_options(cli, argc, argv);
	if (argc - optind != 1 && argc - optind != 2)
		return cli_usage_error(
			cli,
			"what would be bound is needed, such as 80/tcp, and before it a process or cgroup, if not this one");
	text = argv[argc - 1];
	name = argc - optind == 2 ? argv[optind] : "self";
	if (bg_bind_parse(text, &bind, &error))
		return cli_print_error_as(cli, USAGE, &error);
	if (is_stopped(name, &service, &error))
		status = explain_stopped(cli, &service, &bind, &why);
	else if ((status = find_asker(cli, name, &pid, &cgroup)) == DONE)
		status = explain(cli, pid, &cgroup, &bind, &why);
	if (status != DONE)
		return status;
	if (!why.complete)
		why.remedy = complete_command(name, text);
	print_explanation(cli, &why);
	free(why.remedy);
	status = cli_finish_output(cli);
	return why.error || !why.complete ? FAILED : status;
}

const struct command cmd_explain = {
	.name = "explain",
	.summary = "would this bind succeed, and why (not)",
	.notes =
		"By the process or by one in the cgroup; where none is named, by whoever asks. TCP and 0.0.0.0 where\n"
		"nothing else is said. Ends with 0: it would succeed, 1: it would be refused, or only root can tell.\n\n"
		"  bindgate explain 80\n"
		"  bindgate explain 1234 80/tcp\n"
		"  bindgate explain unit:nginx [::]:443\n",
	.arguments = (const struct cli_argument[]){ { .name = "PID|CGROUP", .words = CLI_CGROUP, .optional = true },
						    { .name = "[ADDRESS:]PORT[/PROTOCOL]" },
						    { 0 } },
	.run = run_explain,
};
