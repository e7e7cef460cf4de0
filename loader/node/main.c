// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/escape.h"
#include "cgroup/glob.h"
#include "base/version.h"
#include "config/merge.h"
#include "node/http.h"
#include "node/node.h"
#include "node/status.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_FILE "/etc/bindgate/bindgate.yaml"

static int check(const char *file, bool named)
{
	struct bg_error error;
	struct bg_config *config;
	char doubt[256];

	if (bg_config_read(file, named, &config, &error)) {
		fprintf(stderr, "bindgated: %s\n", bg_escape(error.text));
		return 1;
	}
	for (unsigned int i = 0; i < config->gates_count; i++)
		if (bg_cgroup_glob_doubt(config->gates[i]->cgroup, doubt))
			fprintf(stderr, "bindgated: warning: %s: %s\n", bg_escape(config->gates[i]->cgroup),
				bg_escape(doubt));
	printf("%s: sound: %u gates, %u kinds of pods\n", bg_escape(file), config->gates_count, config->pods_count);
	bg_config_free(config);
	return 0;
}

/* `ready`: also whether it has what it wants from its files; else whether it answers. */
static int status(const char *file, bool json, bool ready)
{
	struct bg_error error;
	struct bg_config *config;
	char *answer = NULL;
	const char *at;
	int err;

	bg_config_read(file, false, &config, NULL);
	at = config && config->daemon.listen ? config->daemon.listen : NODE_LISTEN;
	if (!strcmp(at, "none"))
		err = bg_error(&error, -EINVAL, "daemon.listen is none: the daemon cannot be asked");
	else
		err = http_ask_status(at, &answer, &error);
	if (!err)
		err = ready && !status_is_ready(answer) ? bg_error(&error, -EAGAIN, "it is not ready")
							: status_print(answer, json, &error);
	bg_config_free(config);
	free(answer);
	if (err)
		fprintf(stderr, "bindgated: %s\n", bg_escape(error.text));
	return err != 0;
}

static int mount_bpffs(void)
{
	struct bg_error error;

	if (!bg_store_mount(&error))
		return 0;
	fprintf(stderr, "bindgated: %s\n", bg_escape(error.text));
	return 1;
}

static const char help[] =
	"bindgated keeps gates as declared, on cgroups that come and go.\n\n"
	"  bindgated [--config FILE] [--pin-dir DIR]   runs; SIGHUP reads the files anew and opens the log anew\n"
	"  bindgated --check [FILE]                    is the configuration sound?\n"
	"  bindgated status [--json]                   what the running daemon wants and has\n"
	"  bindgated status --ready                    likewise; fails where it is not ready, as /readyz\n"
	"  bindgated --mount-bpffs                     mounts /sys/fs/bpf where it is not, and ends\n"
	"  bindgated --version\n\n"
	"FILE is " CONFIG_FILE " where nothing else is said, and with it *.yaml of the folder\n"
	"beside it (/etc/bindgate/bindgate.d). See bindgated(8) and bindgate.yaml(5).\n";

int main(int argc, char **argv)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
						 { "pin-dir", required_argument, NULL, 'p' },
						 { "check", no_argument, NULL, 'k' },
						 { "json", no_argument, NULL, 'j' },
						 { "ready", no_argument, NULL, 'r' },
						 { "help", no_argument, NULL, 'h' },
						 { "version", no_argument, NULL, 'V' },
						 { "mount-bpffs", no_argument, NULL, 'm' },
						 { 0 } };
	const char *file = CONFIG_FILE, *pin_dir = bg_store_default_dir();
	bool named = false, checks = false, json = false, ready = false;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "c:p:jh", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			file = optarg;
			named = true;
			break;
		case 'p':
			pin_dir = optarg;
			break;
		case 'k':
			checks = true;
			break;
		case 'j':
			json = true;
			break;
		case 'r':
			ready = true;
			break;
		case 'm':
			return mount_bpffs();
		case 'h':
			fputs(help, stdout);
			return 0;
		case 'V':
			printf("bindgated %s\n", bg_version);
			return 0;
		default:
			fprintf(stderr,
				"bindgated: %s is not an option here, or its value is missing; see bindgated --help\n",
				bg_escape(argv[optind - 1]));
			return 2;
		}
	}
	if (checks)
		return check(optind < argc ? argv[optind] : file, named || optind < argc);
	if (optind < argc && !strcmp(argv[optind], "status"))
		return status(file, json, ready);
	if (optind < argc) {
		fprintf(stderr, "bindgated: there is nothing like \"%s\"; see bindgated --help\n",
			bg_escape(argv[optind]));
		return 2;
	}
	return node_run(file, named, pin_dir);
}
