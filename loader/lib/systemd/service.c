// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "systemd/service.h"

#include "systemd/systemctl.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), size = strlen(end);

	return length > size && !strcmp(text + length - size, end);
}

static bool has_suffix(const char *unit)
{
	static const char *const suffixes[] = { ".service", ".scope", ".slice",  ".socket", ".mount",    ".swap",
						".target",  ".timer", ".device", ".path",   ".automount" };

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++)
		if (ends_with(unit, suffixes[i]))
			return true;
	return false;
}

int bg_unit_name(const char *text, char name[static BG_UNIT_MAX], struct bg_error *error)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@"; /* systemd.unit(5) */
	const char *star = strstr(text, "@*");
	size_t length = star ? (size_t)(star - text) + 1 : strlen(text);
	const char *rest = star ? star + 2 : "";
	const char *suffix = *rest || has_suffix(text) ? rest : ".service";

	if (snprintf(name, BG_UNIT_MAX, "%.*s%s", (int)(length > 300 ? 300 : length), text, suffix) >= BG_UNIT_MAX)
		return bg_error(error, -ENAMETOOLONG, "unit:%.40s… is too long for a unit", text);
	if (!length || name[strspn(name, letters)] || *name == '@' || *name == '.' || !has_suffix(name))
		return bg_error(error, -EINVAL,
				"unit:%.100s names no unit: write it as systemctl does, as in unit:nginx", text);
	return 0;
}

bool bg_unit_is_service(const char *name)
{
	return ends_with(name, ".service");
}

bool bg_unit_is_template(const char *name)
{
	return strstr(name, "@.") != NULL;
}

bool bg_unit_template(const char *name, char template[static BG_UNIT_MAX])
{
	const char *at = strchr(name, '@'), *dot = strrchr(name, '.');

	if (!at || !dot || dot <= at + 1)
		return false;
	snprintf(template, BG_UNIT_MAX, "%.*s%s", (int)(at - name) + 1, name, dot);
	return true;
}

/* ---- what systemd says ---- */

#define TAKE(key) if (!strncmp(line, key "=", sizeof(key)) && (value = line + sizeof(key), value[0] != '\0'))

static bool is_yes(const char *value)
{
	return !strcmp(value, "yes");
}

static void copy(char *out, size_t size, const char *value)
{
	snprintf(out, size, "%s", value);
}

static void take_commands(struct bg_service *service, const char *line)
{
	static const char *const others[] = { "ExecStartPre=", "ExecStartPost=", "ExecReload=", "ExecStop=",
					      "ExecStopPost=" };

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (!strncmp(line, others[i], strlen(others[i])) && line[strlen(others[i])])
			service->starts_alone = false;
}

static void take_line(struct bg_service *service, const char *line)
{
	const char *value;

	take_commands(service, line);
	TAKE("Id") copy(service->name, sizeof(service->name), value);
	TAKE("LoadState")
	{
		service->masked = !strcmp(value, "masked");
		service->found = service->masked || !strcmp(value, "loaded");
	}
	TAKE("ActiveState") service->active = !strcmp(value, "active") || !strcmp(value, "reloading");
	TAKE("ControlGroup") copy(service->cgroup, sizeof(service->cgroup), value);
	TAKE("Slice") copy(service->slice, sizeof(service->slice), value);
	TAKE("User") copy(service->user, sizeof(service->user), value);
	TAKE("Group") copy(service->group, sizeof(service->group), value);
	TAKE("DynamicUser") service->dynamic_user = is_yes(value);
	TAKE("AmbientCapabilities") service->ambient_bind = strstr(value, "cap_net_bind_service") != NULL;
	TAKE("CapabilityBoundingSet") service->bounding_bind = strstr(value, "cap_net_bind_service") != NULL;
	TAKE("PrivateUsers") service->private_users = strcmp(value, "no") != 0; /* from 257 on it has more values */
	TAKE("PrivateNetwork") service->private_network = is_yes(value);
	TAKE("RootDirectory") service->has_root |= strcmp(value, "/") != 0;
	TAKE("RootImage") service->has_root = true;
	TAKE("ExecCondition") service->has_gate |= strstr(value, " attach ") && strstr(value, " unit:");
}

int bg_service_read(const char *unit, struct bg_service *out, struct bg_error *error)
{
	static const char properties[] =
		"Id,LoadState,ActiveState,ControlGroup,Slice,User,Group,DynamicUser,"
		"AmbientCapabilities,CapabilityBoundingSet,PrivateUsers,PrivateNetwork,"
		"RootDirectory,RootImage,ExecCondition,ExecStartPre,ExecStartPost,ExecReload,"
		"ExecStop,ExecStopPost";
	const char *words[] = { "show", "--no-pager", "-p", properties, "--", out->name, NULL };
	char *text, *rest, *line;
	int err;

	*out = (struct bg_service){ .starts_alone = true };
	copy(out->name, sizeof(out->name), unit);
	if (bg_unit_is_template(unit)) /* systemctl shows no template, but what an instance would be */
		snprintf(out->name, sizeof(out->name), "%.*s@bindgate%.60s", (int)strcspn(unit, "@"), unit,
			 strrchr(unit, '.'));
	err = bg_systemctl(words, &text, error);
	if (err)
		return err;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		take_line(out, line);
	free(text);
	if (bg_unit_is_template(unit))
		copy(out->name, sizeof(out->name), unit);
	return 0;
}

int bg_service_each_cgroup(const char *unit, int (*each)(const char *cgroup, void *arg), void *arg,
			   struct bg_error *error)
{
	char pattern[BG_UNIT_MAX + 4];
	const char *words[] = { "show", "--no-pager", "-p", "ControlGroup", "--", pattern, NULL };
	char *text, *rest, *line;
	int err;

	copy(pattern, sizeof(pattern), unit);
	if (bg_unit_is_template(unit))
		snprintf(pattern, sizeof(pattern), "%.*s@*%.60s", (int)strcspn(unit, "@"), unit, strrchr(unit, '.'));
	err = bg_systemctl(words, &text, error);
	if (err)
		return err;
	for (line = strtok_r(text, "\n", &rest); line && !err; line = strtok_r(NULL, "\n", &rest))
		if (!strncmp(line, "ControlGroup=/", 14))
			err = each(line + 13, arg);
	free(text);
	return err;
}

/* ---- a cgroup's name that lasts ---- */

static void name_user(const char *uid, size_t length, char name[static BG_UNIT_MAX + 8])
{
	const struct passwd *user;
	char digits[16];

	snprintf(digits, sizeof(digits), "%.*s", (int)length, uid);
	user = getpwuid((uid_t)strtoul(digits, NULL, 10));
	snprintf(name, BG_UNIT_MAX + 8, "user:%.*s", BG_UNIT_MAX, user ? user->pw_name : digits);
}

bool bg_lasting_name(const char *cgroup, char name[static BG_UNIT_MAX + 8])
{
	static const char users[] = "/user.slice/user-";
	size_t digits, length;

	if (!strncmp(cgroup, users, sizeof(users) - 1)) {
		cgroup += sizeof(users) - 1;
		digits = strspn(cgroup, "0123456789");
		if (!digits || digits > 10 || strncmp(cgroup + digits, ".slice", 6))
			return false;
		name_user(cgroup, digits, name);
		return true;
	}
	while (*cgroup == '/') { /* nothing but slices above it: else it is what a container calls so */
		cgroup++;
		length = strcspn(cgroup, "/");
		if (length > 8 && length < BG_UNIT_MAX && !memcmp(cgroup + length - 8, ".service", 8)) {
			bool escaped = *cgroup == '_';

			snprintf(name, BG_UNIT_MAX + 8, "unit:%.*s", (int)(length - escaped), cgroup + escaped);
			return true;
		}
		if (length < 6 || memcmp(cgroup + length - 6, ".slice", 6) != 0)
			return false;
		cgroup += length;
	}
	return false;
}
