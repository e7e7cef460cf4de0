// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli.h"

#define POLICY_OPTIONS                                                                                     \
	"  --default pass|deny   what happens to binds that no rule matches (pass: as without bindgate)\n" \
	"  --netns any|host      host: gate only sockets of the machine's own network namespace\n"         \
	"  --audit               count and report denies, but do not enforce them\n"                       \
	"  --label TEXT          a note that list shows\n"

const struct command commands[] = {
	{ "attach", "[OPTION...] CGROUP RULE...", "declare a gate's whole policy",
	  POLICY_OPTIONS "\nOn a gate that stands, the policy is replaced in one step.\n\n"
			 "  bindgate attach /sys/fs/cgroup/app 80/tcp 443/tcp\n"
			 "  bindgate attach --default deny unit:nginx 80/tcp 443/tcp\n"
			 "  bindgate attach pid:1234 3000=80/tcp\n",
	  run_attach },
	{ "add", "CGROUP RULE...", "add rules behind those of a live gate",
	  "  bindgate add /app 8443/tcp 25,for=10m\n", run_add },
	{ "remove", "CGROUP RULE...", "take rules out of a live gate", "  bindgate remove /app 8443/tcp\n",
	  run_remove },
	{ "detach", "CGROUP... | --all", "end gates: their next bind is ungated",
	  "  --all   every gate, and bindgate's programs with them\n\n  bindgate detach /app\n  bindgate detach id:1234\n",
	  run_detach },
	{ "list", "[CGROUP]", "gates, their rules and how often each was hit", "", run_list },
	{ "maps", "dump [CGROUP]", "every gate's compiled port map with its hits", "", run_maps },
	{ "probe", "", "what this kernel can do, and what is missing", "", run_probe },
	{ "version", "", "versions of bindgate, its programs and libbpf", "", run_version },
	{ "help", "[COMMAND]", "this, or a command's options and examples", "", run_help },
	{ 0 },
};
