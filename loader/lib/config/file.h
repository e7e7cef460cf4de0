/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_FILE_H
#define BINDGATE_FILE_H

#include "policy/policy.h"

/* What a YAML file declares; bindgate.yaml(5). Texts are kept as written: they have been checked, and take less room
 * than policies. NULL: the key is not there. */

/* The keys by which gates and pods describe a policy. */
struct bg_declared_policy {
	int *default_verdict; /* BG_PASS or BG_DENY */
	int *netns;           /* enum bg_netns */
	int *audit;           /* 0 or 1 */
	char *label;
	char **rules;
	unsigned int rules_count;
};

struct bg_declared_gate {
	char *cgroup; /* a path, a glob, unit:NAME */
	struct bg_declared_policy policy;
	int *adopt; /* 1: takes over a gate that another owner made */
};

/* What becomes of a pod that asks for what it may not have, or whose gate cannot be had. */
enum bg_on_refusal {
	BG_REFUSAL_START, /* it runs with what it is given outright */
	BG_REFUSAL_BLOCK, /* its engine is told not to start it, where the engine asks (NRI) */
};

/* Which pods, and what they get. */
struct bg_declared_pod {
	const char *file; /* where it is declared; NULL: nowhere. The declaration's own */
	unsigned int line;
	char *namespace;
	char **labels; /* "key=value", all of which a pod must have */
	unsigned int labels_count;
	struct bg_declared_policy policy; /* its rules are given outright */
	char **may_ask;                   /* rules that cover what pods may ask for by annotation */
	unsigned int may_ask_count;
	int *on_refusal; /* enum bg_on_refusal */
};

enum bg_log_what {
	BG_LOG_NONE,
	BG_LOG_DENIED,
	BG_LOG_ALL
};

struct bg_declared_daemon {
	int *detach_on_stop;
	char *listen;   /* 127.0.0.1:PORT, [::1]:PORT, unix:PATH */
	int *log;       /* enum bg_log_what */
	char *log_to;   /* stdout, journald, a path */
	int *log_rate;  /* lines a second */
	char *cri;      /* the container runtime's socket, or "none" */
	char *nri;      /* likewise, for what the runtime waits for */
	char *kubepods; /* the cgroup that pods are below */
};

struct bg_declaration {
	char *file; /* its name */
	struct bg_declared_gate *gates;
	unsigned int gates_count;
	struct bg_declared_pod *pods;
	unsigned int pods_count;
	struct bg_declared_daemon *daemon; /* NULL: not in the file */
};

/* Reads and checks a whole file ("-": standard input); what is wrong is told as FILE:LINE: … -EINVAL for what is
 * written, else the errno of reading. To be freed with bg_declare_free. */
int bg_declare_read(const char *file, struct bg_declaration **out, struct bg_error *error);

/* From memory; `name` is the file's, for errors. */
int bg_declare_parse(const char *name, const char *text, size_t size, struct bg_declaration **out,
		     struct bg_error *error);
void bg_declare_free(struct bg_declaration *declaration);

/* The policy that was declared. Cannot fail with what bg_declare_read gave, but for users that went meanwhile. */
int bg_declare_policy(const struct bg_declared_policy *declared, const char *owner, struct bg_policy *out,
		      struct bg_error *error);

/* As YAML; to be freed. NULL: out of memory. Only gates are written. */
char *bg_declare_print(const struct bg_declaration *declaration);

#endif
