// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"

#define POLICY_HELP                                                                                        \
	"  --default pass|deny   what happens to binds that no rule matches (pass: as without bindgate)\n" \
	"  --netns any|host      host: gate only sockets of the machine's own network namespace\n"         \
	"  --audit               count and report denies, but do not enforce them\n"                       \
	"  --label TEXT          a note that list shows\n"

const struct command commands[] = {
	{ .name = "attach",
	  .arguments = "[OPTION...] CGROUP RULE...",
	  .summary = "declare a gate's whole policy",
	  .help = POLICY_HELP "\nOn a gate that stands, the policy is replaced in one step.\n\n"
			      "  bindgate attach /sys/fs/cgroup/app 80/tcp 443/tcp\n"
			      "  bindgate attach --default deny unit:nginx 80/tcp 443/tcp\n"
			      "  bindgate attach pid:1234 3000=80/tcp\n",
	  .run = run_attach },
	{ .name = "add",
	  .arguments = "CGROUP RULE...",
	  .summary = "add rules behind those of a live gate",
	  .help = "  bindgate add /app 8443/tcp 25,for=10m\n",
	  .run = run_add },
	{ .name = "remove",
	  .arguments = "CGROUP RULE...",
	  .summary = "take rules out of a live gate",
	  .help = "  bindgate remove /app 8443/tcp\n",
	  .run = run_remove },
	{ .name = "detach",
	  .arguments = "CGROUP... | --all",
	  .summary = "end gates: their next bind is ungated",
	  .help = "  --all   every gate, and bindgate's programs with them\n\n"
		  "  bindgate detach /app\n"
		  "  bindgate detach id:1234\n",
	  .run = run_detach },
	{ .name = "list",
	  .arguments = "[CGROUP]",
	  .summary = "gates, their rules and how often each was hit",
	  .help = "",
	  .run = run_list },
	{ .name = "maps",
	  .arguments = "dump [CGROUP]",
	  .summary = "every gate's compiled port map with its hits",
	  .help = "",
	  .run = run_maps },
	{ .name = "watch",
	  .arguments = "[OPTION...] [CGROUP]",
	  .summary = "decisions as they happen",
	  .help = "  --verdict V   only pass, allow, rewrite or deny; may be given again\n"
		  "  --port N      only where this port was asked for or given\n"
		  "  --count N     end after N of them\n\n"
		  "  bindgate watch --verdict deny\n"
		  "  bindgate watch /app --json | jq .asked.port\n",
	  .run = run_watch },
	{ .name = "explain",
	  .arguments = "PID|CGROUP [ADDRESS:]PORT[/PROTOCOL]",
	  .summary = "would this bind succeed, and why (not)",
	  .help = "TCP and 0.0.0.0 where nothing else is said. Ends with 0: it would succeed, 1: it would be refused.\n\n"
		  "  bindgate explain 1234 80/tcp\n"
		  "  bindgate explain unit:nginx [::]:443\n",
	  .run = run_explain },
	{ .name = "learn",
	  .arguments = "[OPTION...] CGROUP",
	  .summary = "watch, then print the rules that would cover it",
	  .help = "  --for DURATION   how long (60s)\n"
		  "  --yaml           as a file for apply; so is --json\n\n"
		  "Nothing is denied meanwhile that is not denied already.\n\n"
		  "  bindgate learn --for 5m unit:nginx\n",
	  .run = run_learn },
	{ .name = "run",
	  .arguments = "[OPTION...] RULE... -- COMMAND...",
	  .summary = "a command in a gate of its own, gone when it ends",
	  .help = "  --user USER           as this user (name or number), with no capability\n" POLICY_HELP
		  "\nEnds as the command ended; what it left running is killed.\n\n"
		  "  bindgate run --user www-data 80/tcp -- python3 -m http.server 80\n"
		  "  bindgate run --user app --default deny 3000=80/tcp -- node server.js\n",
	  .run = run_run },
	{ .name = "apply",
	  .arguments = "[--dry-run] [--adopt] FILE",
	  .summary = "make gates what a YAML file declares",
	  .help = "  --dry-run   say what would change, as + and - lines, and change nothing\n"
		  "  --adopt     take over gates of the file that another owner made\n\n"
		  "All or nothing. Gates that apply made and the file has no more are detached; others are left alone.\n\n"
		  "  bindgate apply --dry-run gates.yaml\n"
		  "  bindgate export | bindgate apply -\n",
	  .run = run_apply },
	{ .name = "export",
	  .arguments = "",
	  .summary = "today's gates as such a file",
	  .help = "  bindgate export >gates.yaml\n",
	  .run = run_export },
	{ .name = "oci-hook",
	  .arguments = "[--config FILE] [--required]",
	  .summary = "gate a container that is being made (podman, CRI-O)",
	  .help = "  --config FILE   the grants: pods: of this file (/etc/bindgate/bindgate.yaml) and its folder\n"
		  "  --required      a container that cannot be gated as it asks is not started\n\n"
		  "The container's state comes on standard input, as at createRuntime or prestart.\n",
	  .run = run_oci_hook },
	{ .name = "probe",
	  .arguments = "",
	  .summary = "what this kernel can do, and what is missing",
	  .help = "",
	  .run = run_probe },
	{ .name = "version",
	  .arguments = "",
	  .summary = "versions of bindgate, its programs and libbpf",
	  .help = "",
	  .run = run_version },
	{ .name = "help",
	  .arguments = "[COMMAND]",
	  .summary = "this, or a command's options and examples",
	  .help = "",
	  .run = run_help },
	{ 0 },
};
