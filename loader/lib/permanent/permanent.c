// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "permanent/permanent.h"

#include "cgroup/cgroup.h"
#include "cgroup/glob.h"
#include "cgroup/mount.h"
#include "cgroup/user.h"
#include "permanent/dropin.h"
#include "permanent/kept.h"
#include "permanent/permanent_internal.h"
#include "systemd/service.h"
#include "systemd/systemctl.h"

#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYSTEM_DIR "/etc/systemd/system/"
#define DROPIN ".d/50-bindgate.conf"

const char *bg_permanent_keeper_name(enum bg_permanent_keeper keeper)
{
	return keeper == BG_KEPT_BY_SYSTEMD ? "systemd" : "bindgated";
}

bool bg_permanent_dropin(const char *name, char file[static PATH_MAX])
{
	if (strncmp(name, "unit:", 5) || !bg_unit_is_service(name + 5))
		return false;
	snprintf(file, PATH_MAX, SYSTEM_DIR "%.255s" DROPIN, name + 5);
	return true;
}

/* ---- names ---- */

static int name_unit(const char *text, char name[static BG_PERMANENT_NAME_MAX], struct bg_error *error)
{
	struct bg_service service;
	char unit[BG_UNIT_MAX];
	int err = bg_unit_name(text, unit, error);

	if (err)
		return err;
	if (strlen(unit) > 6 && !strcmp(unit + strlen(unit) - 6, ".scope"))
		return bg_error(error, -EINVAL,
				"%.200s is a scope: it ends with what runs in it, and none of that name comes back",
				unit);
	snprintf(name, BG_PERMANENT_NAME_MAX, "unit:%s", unit);
	if (!bg_systemd_runs() || bg_unit_is_template(unit))
		return 0;
	err = bg_service_read(unit, &service, error);
	if (!err && service.found)
		snprintf(name, BG_PERMANENT_NAME_MAX, "unit:%s", service.name);
	return err;
}

static int name_path(const char *path, char name[static BG_PERMANENT_NAME_MAX], struct bg_error *error)
{
	char lasting[BG_UNIT_MAX + 8];
	const char *end = strrchr(path, '/');

	if (bg_lasting_name(path, lasting)) {
		if (!strncmp(lasting, "unit:", 5))
			return name_unit(lasting + 5, name, error);
		if (!strcmp(end, "/") || !strstr(end, ".slice"))
			return bg_error(error, -EINVAL, "%.300s ends with its session: %.200s is what comes back",
					path, lasting);
		snprintf(name, BG_PERMANENT_NAME_MAX, "%s", lasting);
		return 0;
	}
	if (end && strlen(end) > 6 && !strcmp(end + strlen(end) - 6, ".scope") && !strpbrk(path, "*?["))
		return bg_error(error, -EINVAL,
				"%.300s is a scope: it ends with what runs in it, and none of that name comes back",
				path);
	snprintf(name, BG_PERMANENT_NAME_MAX, "%s", path);
	return 0;
}

/* A path as people write it to one below the mount; what it names need not be there. */
static int name_text(const char *text, char name[static BG_PERMANENT_NAME_MAX], struct bg_error *error)
{
	struct bg_cgroup cgroup;
	char path[PATH_MAX];
	const char *mount;
	int err = bg_cgroup_mount(&mount, error);
	size_t length;

	if (err)
		return err;
	if (!strpbrk(text, "*?[") && !bg_cgroup_find(text, &cgroup, NULL))
		return name_path(cgroup.name, name, error);
	if (*text == '.')
		return bg_cgroup_find(text, &cgroup, error);
	length = strlen(mount);
	if (!strncmp(text, mount, length) && (text[length] == '/' || !text[length]))
		text += length;
	if (snprintf(path, sizeof(path), "%s%s", *text == '/' ? "" : "/", text) >= (int)sizeof(path))
		return bg_error(error, -ENAMETOOLONG, "%.40s… is too long for a path", text);
	for (length = strlen(path); length > 1 && path[length - 1] == '/'; length--)
		path[length - 1] = '\0';
	return name_path(path, name, error);
}

int bg_permanent_name(const char *text, char name[static BG_PERMANENT_NAME_MAX], struct bg_error *error)
{
	char path[PATH_MAX];
	struct bg_cgroup cgroup;
	int err;

	if (!*text)
		return bg_error(error, -EINVAL, "the name of the cgroup is empty");
	if (!strncmp(text, "unit:", 5))
		return name_unit(text + 5, name, error);
	if (!strncmp(text, "user:", 5)) {
		snprintf(name, BG_PERMANENT_NAME_MAX, "%s", text);
		return bg_cgroup_of_user(text + 5, path, error);
	}
	if (!strncmp(text, "id:", 3) || !strncmp(text, "container:", 10))
		return bg_error(error, -EINVAL,
				"%.64s comes back under another name: name a unit, a user or a path", text);
	if (!strcmp(text, "self") || !strncmp(text, "pid:", 4)) {
		err = bg_cgroup_find(text, &cgroup, error);
		return err ? err : name_path(cgroup.name, name, error);
	}
	return name_text(text, name, error);
}

bool bg_permanent_is_for(const char *name, const char *cgroup)
{
	char lasting[BG_UNIT_MAX + 8], template[BG_UNIT_MAX], path[PATH_MAX];
	const char *leaf = strrchr(cgroup, '/');

	if (!strncmp(name, "user:", 5))
		return !bg_cgroup_of_user(name + 5, path, NULL) && !strcmp(path, cgroup);
	if (strncmp(name, "unit:", 5))
		return !fnmatch(name, cgroup, FNM_PATHNAME); /* NOLINT(readability-suspicious-call-argument) */
	if (!leaf)
		return false;
	leaf += 1 + (leaf[1] == '_');
	if (!bg_unit_is_service(name))
		return !strcmp(leaf, name + 5);
	return bg_lasting_name(cgroup, lasting) && !strcmp(leaf, lasting + 5) &&
	       (!strcmp(lasting, name) || (bg_unit_template(lasting + 5, template) && !strcmp(template, name + 5)));
}

/* ---- reading ---- */

static int read_dropin(const char *name, struct bg_permanent *out, struct bg_error *error)
{
	struct bg_error why;
	char *text;
	int err;

	snprintf(out->name, sizeof(out->name), "%s", name);
	out->keeper = BG_KEPT_BY_SYSTEMD;
	out->policy = (struct bg_policy){ 0 };
	*out->damage = '\0';
	if (!bg_permanent_dropin(name, out->file))
		return -ENOENT;
	err = bg_read_file(out->file, &text, error);
	if (err)
		return err;
	if (bg_dropin_parse(text, &out->policy, &why))
		snprintf(out->damage, sizeof(out->damage), "%.127s", why.text);
	bg_policy_set_owner(&out->policy, "cli", NULL);
	free(text);
	return 0;
}

struct look {
	const char *name;
	struct bg_permanent *out;
};

static int look_at(const char *cgroup, const struct bg_policy *policy, void *arg)
{
	const struct look *look = arg;

	if (strcmp(cgroup, look->name))
		return 0;
	snprintf(look->out->name, sizeof(look->out->name), "%s", cgroup);
	snprintf(look->out->file, sizeof(look->out->file), "%s", BG_KEPT_FILE);
	*look->out->damage = '\0';
	look->out->keeper = BG_KEPT_BY_BINDGATED;
	look->out->policy = *policy;
	bg_policy_set_owner(&look->out->policy, BG_DAEMON_OWNER, NULL);
	return 1;
}

/* That of exactly this name. */
static int read_own(const char *name, struct bg_permanent *out, struct bg_error *error)
{
	struct look look = { .name = name, .out = out };
	int err = read_dropin(name, out, error);

	if (err != -ENOENT)
		return err;
	err = bg_kept_each(look_at, &look, error);
	return err < 0 ? err : err ? 0 : bg_error(error, -ENOENT, "%.300s has no permanent gate", name);
}

int bg_permanent_read(const char *name, struct bg_permanent *out, struct bg_error *error)
{
	char template[BG_PERMANENT_NAME_MAX] = "unit:";
	int err = read_own(name, out, error);

	if (err != -ENOENT || strncmp(name, "unit:", 5) || !bg_unit_template(name + 5, template + 5))
		return err;
	return read_own(template, out, NULL) ? err : 0;
}

struct round {
	int (*each)(const struct bg_permanent *permanent, void *arg);
	void *arg;
	struct bg_permanent *room;
};

static int tell_kept(const char *cgroup, const struct bg_policy *policy, void *arg)
{
	struct round *round = arg;
	struct look look = { .name = cgroup, .out = round->room };

	look_at(cgroup, policy, &look);
	return round->each(round->room, round->arg);
}

int bg_permanent_each(int (*each)(const struct bg_permanent *permanent, void *arg), void *arg,
		      struct bg_error *error)
{
	struct round round = { .each = each, .arg = arg, .room = malloc(sizeof(*round.room)) };
	const size_t begin = sizeof(SYSTEM_DIR) - 1, end = sizeof(DROPIN) - 1;
	char name[BG_UNIT_MAX + 8];
	glob_t found = { 0 };
	int err = round.room ? 0 : bg_error(error, -ENOMEM, "out of memory");

	if (!err && glob(SYSTEM_DIR "*.service" DROPIN, 0, NULL, &found) == GLOB_NOSPACE)
		err = bg_error(error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < found.gl_pathc && !err; i++) {
		const char *file = found.gl_pathv[i];

		snprintf(name, sizeof(name), "unit:%.*s", (int)(strlen(file) - begin - end), file + begin);
		err = read_dropin(name, round.room, error);
		err = err == -ENOENT ? 0 : err ? err : each(round.room, arg);
	}
	globfree(&found);
	if (!err)
		err = bg_kept_each(tell_kept, &round, error);
	free(round.room);
	return err;
}

struct cgroup_round {
	int (*each)(const char *cgroup, void *arg);
	void *arg;
};

static int tell_cgroup(const struct bg_cgroup *cgroup, void *arg)
{
	const struct cgroup_round *round = arg;

	return round->each(cgroup->name, round->arg);
}

int bg_permanent_each_cgroup(const char *name, int (*each)(const char *cgroup, void *arg), void *arg,
			     struct bg_error *error)
{
	struct cgroup_round round = { .each = each, .arg = arg };
	char path[PATH_MAX];
	int err;

	if (!strncmp(name, "unit:", 5))
		return bg_systemd_runs() ? bg_service_each_cgroup(name + 5, each, arg, error) : 0;
	if (strncmp(name, "user:", 5))
		return bg_cgroup_is_glob(name) ? bg_cgroup_each(name, tell_cgroup, &round, error) : each(name, arg);
	err = bg_cgroup_of_user(name + 5, path, error);
	return err ? err : each(path, arg);
}
