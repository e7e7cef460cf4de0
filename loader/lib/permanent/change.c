// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "permanent/change.h"

#include "permanent/dropin.h"
#include "permanent/kept.h"
#include "permanent/permanent_internal.h"
#include "permanent/program.h"
#include "systemd/service.h"
#include "systemd/systemctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Not one of the files that it guards: those can be read by everybody, and so be locked by everybody. */
#define LOCK "/run/bindgate-permanent.lock"

int bg_permanent_begin(struct bg_permanent_change *change, struct bg_error *error)
{
	*change = (struct bg_permanent_change){ 0 };
	change->lock = open(LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (change->lock < 0)
		return bg_error(error, -errno, "cannot lock " LOCK ": %s", strerror(errno));
	while (flock(change->lock, LOCK_EX))
		if (errno != EINTR) {
			close(change->lock);
			return bg_error(error, -errno, "cannot lock " LOCK ": %s", strerror(errno));
		}
	return 0;
}

void bg_permanent_end(struct bg_permanent_change *change, bool undo)
{
	static const char *const reload[] = { "daemon-reload", NULL };

	for (size_t i = sizeof(change->files) / sizeof(*change->files); i-- > 0;)
		undo ? bg_replace_undo(&change->files[i]) : bg_replace_keep(&change->files[i]);
	if (undo && change->told)
		bg_systemctl(reload, NULL, NULL);
	close(change->lock);
}

__attribute__((format(printf, 2, 3))) static void note(struct bg_permanent_change *change, const char *format, ...)
{
	size_t i = 0;
	va_list args;

	while (i + 1 < BG_PERMANENT_NOTES && *change->notes[i])
		i++;
	va_start(args, format);
	vsnprintf(change->notes[i], sizeof(change->notes[i]), format, args);
	va_end(args);
}

static int tell_systemd(struct bg_permanent_change *change, struct bg_error *error)
{
	static const char *const reload[] = { "daemon-reload", NULL };

	if (!bg_systemd_runs())
		return 0;
	change->told = true;
	return bg_systemctl(reload, NULL, error);
}

/* ---- by systemd ---- */

/* Not ours, and in our place. */
static int check_file(const char *file, struct bg_error *error)
{
	struct bg_error ignored;
	char *text;
	bool ours;

	if (bg_read_file(file, &text, &ignored))
		return 0;
	ours = strstr(text, "bindgate attach --permanent") != NULL;
	free(text);
	return ours ? 0 : bg_error(error, -EEXIST, "%.300s is not bindgate's: move it away first", file);
}

static int set_dropin(struct bg_permanent_change *change, const struct bg_permanent *out, bool start_alone,
		      const char *pin_dir, struct bg_error *error)
{
	char program[PATH_MAX], *text;
	struct bg_service service;
	int err = check_file(out->file, error);

	if (!err)
		err = bg_program_file(program, error);
	if (err)
		return err;
	text = bg_dropin_print(&(struct bg_dropin){
		.program = program, .pin_dir = pin_dir, .start_alone = start_alone, .policy = &out->policy });
	err = text ? bg_replace(out->file, text, &change->files[0], error)
		   : bg_error(error, -ENOMEM, "out of memory");
	free(text);
	if (!err)
		err = bg_kept_set(out->name, NULL, &change->files[1], error);
	if (!err)
		err = tell_systemd(change, error);
	if (err || !change->told)
		return err;
	err = bg_service_read(out->name + 5, &service, error);
	if (!err && service.found && !service.masked && !service.has_gate)
		err = bg_error(
			error, -EINVAL,
			"systemd does not take the ExecCondition= of %.300s: does a later file of %.200s clear it? "
			"(systemctl cat %.200s)",
			out->file, out->name + 5, out->name + 5);
	return err;
}

/* ---- by bindgated ---- */

static void note_daemon(struct bg_permanent_change *change)
{
	struct bg_service daemon;

	if (!bg_systemd_runs() || bg_service_read("bindgated.service", &daemon, NULL))
		note(change, "bindgated keeps it: see that it runs");
	else if (!daemon.found)
		note(change, "bindgated, which is to keep it, is not installed here");
	else if (!daemon.active)
		note(change, "bindgated, which is to keep it, does not run: systemctl enable --now bindgated");
}

static int set_kept(struct bg_permanent_change *change, struct bg_permanent *out, struct bg_error *error)
{
	char dropin[PATH_MAX];
	int err = 0;

	out->keeper = BG_KEPT_BY_BINDGATED;
	bg_policy_set_owner(&out->policy, BG_DAEMON_OWNER, NULL);
	snprintf(out->file, sizeof(out->file), "%s", BG_KEPT_FILE);
	if (bg_permanent_dropin(out->name, dropin)) {
		err = check_file(dropin, error);
		if (!err)
			err = bg_replace(dropin, NULL, &change->files[1], error);
		if (!err && change->files[1].before)
			err = tell_systemd(change, error);
	}
	if (!err)
		err = bg_kept_set(out->name, &out->policy, &change->files[0], error);
	if (!err)
		note_daemon(change);
	return err;
}

/* ---- either ---- */

static int check_policy(const struct bg_policy *policy, struct bg_error *error)
{
	char rule[BG_RULE_TEXT_MAX];

	for (unsigned int i = 0; i < policy->count; i++)
		if (policy->rules[i].seconds)
			return bg_error(error, -EINVAL,
					"%.190s ends by itself: a rule with for= does not go with --permanent",
					bg_rule_print(&policy->rules[i], rule));
	return 0;
}

int bg_permanent_set(struct bg_permanent_change *change, const char *name, const struct bg_policy *policy,
		     const char *pin_dir, struct bg_permanent *out, struct bg_error *error)
{
	struct bg_service service = { 0 };
	int err = check_policy(policy, error);

	*out = (struct bg_permanent){ .policy = *policy };
	snprintf(out->name, sizeof(out->name), "%s", name);
	if (err)
		return err;
	if (!bg_permanent_dropin(name, out->file))
		return set_kept(change, out, error);
	if (!bg_systemd_runs()) {
		note(change, "systemd does not run here: it holds from the next start of the unit under one");
		return set_dropin(change, out, false, pin_dir, error);
	}
	err = bg_service_read(name + 5, &service, error);
	if (err)
		return err;
	if (service.found && service.has_root && !service.starts_alone) {
		note(change,
		     "%.200s has a root directory of its own, in which systemd would look for bindgate: bindgated keeps this "
		     "gate, milliseconds after the unit's first process",
		     name + 5);
		return set_kept(change, out, error);
	}
	if (!service.found)
		note(change, "systemd knows no unit %.200s yet: the gate comes with it", name + 5);
	if (service.masked)
		note(change, "%.200s is masked: systemd does not start it", name + 5);
	return set_dropin(change, out, service.has_root, pin_dir, error);
}

int bg_permanent_unset(struct bg_permanent_change *change, const char *name, struct bg_error *error)
{
	char dropin[PATH_MAX];
	int err = 0;

	if (bg_permanent_dropin(name, dropin)) {
		err = check_file(dropin, error);
		if (!err)
			err = bg_replace(dropin, NULL, &change->files[0], error);
		if (!err && change->files[0].before)
			err = tell_systemd(change, error);
	}
	if (!err)
		err = bg_kept_set(name, NULL, &change->files[1], error);
	if (!err && !change->files[0].before && !change->files[1].before)
		err = bg_error(error, -ENOENT, "%.300s has no permanent gate: bindgate list --permanent shows them",
			       name);
	return err;
}
