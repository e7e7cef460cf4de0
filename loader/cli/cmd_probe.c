// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"
#include "gate/probe.h"
#include "gate/sweep.h"
#include "base/version.h"
#include "cgroup/mount.h"

#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

static void row(struct table *table, json_t *json, const char *key, bool has, const char *what, const char *without)
{
	json_object_set_new(json, key, json_boolean(has));
	table_cell(table, "%s", has ? "yes" : "no");
	table_cell(table, "%s", what);
	table_cell(table, "%s", has ? "" : without);
}

static int run_probe(struct cli *cli, int argc, char **argv)
{
	struct bg_features features;
	struct bg_error error = { "" };
	const char *mount = NULL;
	struct table *table;
	struct utsname kernel;
	json_t *json;
	int status = DONE, err;

	cli_end_options(cli, argc, argv);
	if (optind < argc)
		return cli_usage_error(cli, "probe takes no arguments");
	err = bg_probe(&features, &error);
	if (err)
		return cli_print_error(cli, err, &error);
	uname(&kernel);
	table = table_new(3);
	json = json_object();
	table_cell(table, "HAS");
	table_cell(table, "FEATURE");
	table_cell(table, "WITHOUT IT");
	row(table, json, "loads", features.loads, "BPF programs on the cgroup bind hooks", "nothing works");
	row(table, json, "waives", features.waives, "waiving the privileged-port check (Linux 5.12)",
	    "nothing works");
	row(table, json, "storage", features.storage, "cgroup storage of more than a page (Linux 5.15)",
	    "nothing works");
	row(table, json, "cgroup_link", features.cgroup_link, "BPF links to cgroups (5.7)", "nothing works");
	row(table, json, "ringbuf", features.ringbuf, "BPF ring buffers (5.8)", "nothing works");
	row(table, json, "set_retval", features.set_retval, "bpf_set_retval (5.18)",
	    "denied binds get EPERM, not EACCES");
	row(table, json, "pid", features.pid, "the process's id in the hook", "watch does not tell the process");
	row(table, json, "comm", features.comm, "the process's name in the hook", "watch does not tell its name");
	row(table, json, "cgroup2", !bg_cgroup_mount(&mount, &error), "cgroup v2 mounted",
	    "there is nothing to gate");
	err = bg_probe_required(&features, &error);
	if (err || !mount)
		status = CANNOT;
	if (cli->json) {
		json_object_set_new(json, "kernel", json_string(kernel.release));
		json_object_set_new(json, "cgroup2_path", mount ? json_string(mount) : json_null());
		json_object_set_new(json, "usable", json_boolean(status == DONE));
		cli_print_json(json_incref(json));
	} else {
		printf("Linux %s%s%s\n", kernel.release, mount ? ", cgroup v2 at " : "", mount ? mount : "");
		table_print(table, stdout);
		if (status != DONE)
			fprintf(stderr, "bindgate: %s\n", error.text);
		else
			printf("This kernel can carry gates.\n");
	}
	json_decref(json);
	table_free(table);
	return cli_finish_output(cli) == DONE ? status : FAILED;
}

static int run_version(struct cli *cli, int argc, char **argv)
{
	char loaded[sizeof(((struct bg_program *)0)->version)] = "";
	struct bg_store store;

	cli_end_options(cli, argc, argv);
	if (optind < argc && strcmp(argv[optind], "version"))
		return cli_usage_error(cli, "version takes no arguments");
	if (!bg_sweep_open(cli->pin_dir, BG_STORE_READ, &store, NULL)) {
		if (store.has_program)
			memcpy(loaded, store.program.version, sizeof(loaded));
		bg_store_close(&store);
	}
	if (cli->json) {
		cli_print_json(json_pack("{s:s,s:i,s:s,s:s?}", "version", bg_version, "layout", BG_ABI, "libbpf",
					 libbpf_version_string(), "loaded", *loaded ? loaded : NULL));
	} else {
		printf("bindgate %s (layout %d), libbpf %s\n", bg_version, BG_ABI, libbpf_version_string());
		if (*loaded)
			printf("programs in the kernel: loaded by bindgate %s\n", loaded);
	}
	return cli_finish_output(cli);
}

const struct command cmd_probe = {
	.name = "probe",
	.summary = "what this kernel can do, and what is missing",
	.run = run_probe,
};

const struct command cmd_version = {
	.name = "version",
	.summary = "versions of bindgate, its programs and libbpf",
	.run = run_version,
};
