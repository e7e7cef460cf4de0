// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "gate/probe.h"

#include "base/log.h"

#include <bindgate/portmap.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define INSN(opcode, dst, src, value) \
	((struct bpf_insn){ .code = (opcode), .dst_reg = (dst), .src_reg = (src), .imm = (value) })
#define SET(reg, value) INSN(BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, value)
#define COPY(dst, src) INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0)
#define ADD(reg, value) INSN(BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, value)
#define CALL(helper) INSN(BPF_JMP | BPF_CALL, 0, 0, helper)
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0)

/* Loads a program for the bind4 hook. Returns its fd or a negative errno. */
static int load(const struct bpf_insn *insns, size_t count)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_CGROUP_INET4_BIND);
	int fd = bpf_prog_load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, "bindgate_probe", "GPL", insns, count, &options);

	return fd < 0 ? -errno : fd;
}

#define LOAD(...)                                \
	load((struct bpf_insn[]){ __VA_ARGS__ }, \
	     sizeof((struct bpf_insn[]){ __VA_ARGS__ }) / sizeof(struct bpf_insn))

/* Errors that mean that the kernel lacks a feature; no other error does. 524 is ENOTSUPP, which user space has no name for. */
static bool is_refusal(int err)
{
	return err == -EINVAL || err == -EACCES || err == -E2BIG || err == -ENOSYS || err == -EOPNOTSUPP ||
	       err == -524;
}

/* Does the fd, or the errno in its place, show that the kernel has the feature? An error that shows neither goes into *err. */
static bool works(const char *feature, int fd, int *err)
{
	bg_log("probe: %s: %s", feature, fd < 0 ? strerrordesc_np(-fd) ?: "refused" : "works");
	if (fd >= 0)
		close(fd);
	else if (!is_refusal(fd) && !*err)
		*err = fd;
	return fd >= 0;
}

/* Asks for a link on fd -1. A kernel that knows such links answers EBADF. */
static bool links(int program, int *err)
{
	int link = bpf_link_create(program, -1, BPF_CGROUP_INET4_BIND, NULL);

	return link < 0 && errno == EBADF ? true : works("links", link < 0 ? -errno : link, err);
}

static int make_ring(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "bindgate_probe", 0, 0, (__u32)sysconf(_SC_PAGESIZE), NULL);

	return fd < 0 ? -errno : fd;
}

static int make_storage(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, "bindgate_probe", sizeof(__u64),
				sizeof(struct bg_portmap), 0, NULL);

	return fd < 0 ? -errno : fd;
}

int bg_probe(struct bg_features *out, struct bg_error *error)
{
	struct bg_features features = { 0 };
	int err = 0, plain = LOAD(SET(BPF_REG_0, 1), EXIT());

	if (plain == -EPERM)
		return bg_error(
			error, plain,
			"may not load BPF programs: that takes the machine's own root (CAP_BPF and CAP_NET_ADMIN), not a container's");
	features.cgroup_link = plain >= 0 && links(plain, &err);
	features.loads = works("loads", plain, &err);
	features.waives = works("waives", LOAD(SET(BPF_REG_0, 3), EXIT()), &err);
	features.storage = works("storage", make_storage(), &err);
	features.set_retval =
		works("set_retval",
		      LOAD(SET(BPF_REG_1, -EACCES), CALL(BPF_FUNC_set_retval), SET(BPF_REG_0, 1), EXIT()), &err);
	features.pid = works("pid", LOAD(CALL(BPF_FUNC_get_current_pid_tgid), SET(BPF_REG_0, 1), EXIT()), &err);
	features.comm = works("comm",
			      LOAD(COPY(BPF_REG_1, BPF_REG_10), ADD(BPF_REG_1, -16), SET(BPF_REG_2, 16),
				   CALL(BPF_FUNC_get_current_comm), SET(BPF_REG_0, 1), EXIT()),
			      &err);
	features.ringbuf = works("ringbuf", make_ring(), &err);
	if (err)
		return bg_error(error, err, "cannot find out what this kernel can do: %s", strerror(-err));
	*out = features;
	return 0;
}

int bg_probe_required(const struct bg_features *features, struct bg_error *error)
{
	const char *lacks = !features->loads     ? "BPF programs on the cgroup bind hooks (CONFIG_CGROUP_BPF)"
			    : !features->waives  ? "waiving the privileged-port check from a bind hook (Linux 5.12)"
			    : !features->storage ? "cgroup storage of more than a page (Linux 5.15)"
			    : !features->cgroup_link ? "BPF links to cgroups (Linux 5.7)"
			    : !features->ringbuf     ? "BPF ring buffers (Linux 5.8)"
						     : NULL;

	if (!lacks)
		return 0;
	return bg_error(error, -EOPNOTSUPP, "this kernel cannot carry a gate: it lacks %s", lacks);
}
