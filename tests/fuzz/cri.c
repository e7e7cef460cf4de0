// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a container runtime answers, any bytes: no pod gets a gate but by a grant, and none that the grant does not
 * cover; and what is said of it is printable. This target is the desired that pods.c hands the gates to. */
#include "node/pods.h"
#include "node/source/cri_list.h"
#include "node/stats.h"

#include "fuzz.h"
#include "program.h"

static const char grants[] = "pods:\n"
			     "- namespace: shop\n"
			     "  labels: [app=web]\n"
			     "  rules: [80/tcp]\n"
			     "  may_ask: [443/tcp, 8000-8100]\n"
			     "- namespace: open\n"
			     "  may_ask: ['9000-9100']\n";

static struct {
	const char *path, *uid;
	unsigned int pass; /* the last one in which its gate was wanted */
	bool actual;
} cgroups[] = {
	{ .path = "/kubepods/podu1", .uid = "u1" },
	{ .path = "/kubepods/besteffort/podu2", .uid = "u2" },
	{ .path = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podu_3.slice", .uid = "u-3" },
};
#define CGROUPS (sizeof(cgroups) / sizeof(*cgroups))

static const struct cri_list *now; /* what the runtime has just told */
static unsigned int pass;

/* The newest of the pod. */
static const struct workload *workload_of(const char *uid)
{
	for (size_t i = 0; i < now->count; i++)
		if (!strcmp(now->workloads[i].id, uid))
			return &now->workloads[i];
	return NULL;
}

static bool is_web(const struct workload *workload)
{
	for (size_t i = 0; i < workload->labels_count; i++)
		if (!strcmp(workload->labels[i].key, "app") && !strcmp(workload->labels[i].value, "web"))
			return true;
	return false;
}

static bool is_covered(const struct bg_rule *rule, bool shop)
{
	unsigned int first = rule->verdict == BG_REWRITE ? rule->to : rule->first,
		     last = first + (rule->last - rule->first);
	bool tcp = !(rule->flags & BG_RULE_UDP);

	if (rule->verdict == BG_DENY)
		return true;
	if (!shop)
		return first >= 9000 && last <= 9100;
	return (tcp && first == last && first == 443) || (first >= 8000 && last <= 8100);
}

static size_t find(const char *path)
{
	size_t i = 0;

	while (i < CGROUPS && strcmp(cgroups[i].path, path))
		i++;
	HOLDS(i < CGROUPS);
	return i;
}

int desired_want(struct desired *desired, enum desired_source source, const char *path,
		 const struct bg_policy *policy, bool adopt)
{
	size_t at = find(path);
	const struct workload *workload = workload_of(cgroups[at].uid);
	bool shop;

	(void)desired;
	HOLDS(source == FROM_PODS && !adopt);
	HOLDS(workload && cgroups[at].pass != pass);
	shop = !strcmp(workload->namespace, "shop");
	HOLDS(shop ? is_web(workload) : !strcmp(workload->namespace, "open"));
	HOLDS(policy->netns == BG_NETNS_HOST && policy->default_verdict == BG_PASS && !policy->audit);
	HOLDS(!shop || (policy->count && policy->rules[0].first == 80 && policy->rules[0].last == 80));
	for (unsigned int i = shop; i < policy->count; i++)
		HOLDS(is_covered(&policy->rules[i], shop));
	cgroups[at].pass = pass;
	cgroups[at].actual = true;
	return 0;
}

bool desired_want_still(struct desired *desired, enum desired_source source, const char *path)
{
	size_t at = find(path);

	(void)desired;
	HOLDS(source == FROM_PODS);
	HOLDS(workload_of(cgroups[at].uid) && cgroups[at].pass != pass);
	if (cgroups[at].actual)
		cgroups[at].pass = pass;
	return cgroups[at].actual;
}

void desired_unwant(struct desired *desired, const char *path)
{
	size_t at = find(path);

	(void)desired;
	HOLDS(!workload_of(cgroups[at].uid));
	cgroups[at].actual = false;
}

void desired_begin_pass(struct desired *desired, enum desired_source source)
{
	(void)desired;
	(void)source;
	pass++;
}

void desired_end_pass(struct desired *desired, enum desired_source source,
		      bool (*keeps)(const char *path, void *arg), void *arg)
{
	(void)keeps;
	(void)arg;
	(void)desired;
	(void)source;
	for (size_t i = 0; i < CGROUPS; i++)
		cgroups[i].actual = cgroups[i].pass == pass;
}

void desired_rest(struct desired *desired)
{
	(void)desired;
}

static void update(struct pods *pods, const struct bg_config *config, const struct cri_list *list)
{
	unsigned int unknown = CGROUPS, given = 0, told;
	json_t *refused;

	now = list;
	for (size_t i = 0; i < CGROUPS; i++)
		unknown -= workload_of(cgroups[i].uid) != NULL;
	pods_configure(pods, config);
	pods_listed(pods, 0, list->workloads, list->count);
	told = pods_unknown(pods);
	HOLDS(told == unknown);
	for (size_t i = 0; i < CGROUPS; i++)
		given += cgroups[i].actual;
	HOLDS(stats.pods_now == given);
	refused = pods_refused_json(pods);
	HOLDS(json_array_size(refused) == stats.pods_refused_now);
	json_decref(refused);
}

static void tell(const struct bg_config *config, struct cri_list *list)
{
	static const struct cri_list none;
	struct pods *pods = pods_open(NULL);

	for (size_t i = 0; i < CGROUPS; i++) {
		cgroups[i].actual = false;
		HOLDS(pods_appeared(pods, cgroups[i].path));
	}
	update(pods, config, list);
	update(pods, config, list);
	for (size_t i = 0; i < list->count / 2; i++) { /* as if another were the newest */
		struct workload *other = &list->workloads[list->count - 1 - i], one = list->workloads[i];

		list->workloads[i] = *other;
		*other = one;
	}
	update(pods, config, list);
	update(pods, config, &none);
	for (size_t i = 0; i < CGROUPS; i++)
		HOLDS(pods_vanished(pods, cgroups[i].path));
	HOLDS(!stats.pods_refused_now && !stats.pods_now);
	pods_close(pods);
}

/* The input as it is, and as the message of a frame whose length is right. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bg_config config;
	static struct bg_declared_pod *pods[2];
	uint8_t *frame = malloc(size + CRI_FRAME_HEAD);
	static struct bg_declaration *declaration;
	struct cri_list list;
	FILE *err = stderr;
	size_t said_size;
	char *said;

	if (!config.serial) {
		HOLDS(!bg_declare_parse("grants", grants, sizeof(grants) - 1, &declaration, NULL));
		pods[0] = &declaration->pods[0];
		pods[1] = &declaration->pods[1];
		config = (struct bg_config){ .pods = pods, .pods_count = 2, .serial = 1 };
	}
	if (!cri_list_read(data, size, &list))
		cri_list_free(&list);
	HOLDS(frame);
	for (int i = 0; i < CRI_FRAME_HEAD; i++)
		frame[i] = (uint8_t)(i ? size >> 8 * (4 - i) : 0);
	if (size)
		memcpy(frame + CRI_FRAME_HEAD, data, size);
	stderr = open_memstream(&said, &said_size);
	if (!cri_list_read(frame, size + CRI_FRAME_HEAD, &list)) {
		tell(&config, &list);
		cri_list_free(&list);
	}
	fclose(stderr);
	stderr = err;
	program_lines(said);
	free(said);
	free(frame);
	return 0;
}
