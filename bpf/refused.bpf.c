// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Refused binds, where the kernel has BTF: as __sys_bind returns, so that no other system call becomes dearer; or by the
 * tracepoints, where such a program may not be attached. User space chooses. */
#include "refusal.h"

#include <bpf/bpf_core_read.h>

/* Of the kernel's types what is read here; libbpf finds the real offsets (CO-RE). */
#define KERNEL __attribute__((preserve_access_index))

struct kernfs_node {
	__u64 id;
} KERNEL;

struct cgroup {
	struct kernfs_node *kn;
} KERNEL;

struct sock_cgroup_data {
	struct cgroup *cgroup; /* since 5.16 */
} KERNEL;

struct sock {
	__u16 sk_protocol;
	struct sock_cgroup_data sk_cgrp_data;
} KERNEL;

struct socket {
	struct sock *sk;
} KERNEL;

struct file {
	void *private_data;
} KERNEL;

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
} KERNEL;

struct files_struct {
	struct fdtable *fdt;
} KERNEL;

struct task_struct {
	struct files_struct *files;
} KERNEL;

/* The socket behind the descriptor. Another thread may have closed it meanwhile: what is read then is of no socket, and
 * nothing but what is shown depends on it. */
static __always_inline void read_socket(int fd, struct bg_refusal *out)
{
	const struct task_struct *task = (const struct task_struct *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file = NULL;
	struct socket *socket;
	struct sock *sock;

	if (fd < 0 || (unsigned int)fd >= BPF_CORE_READ(table, max_fds))
		return;
	if (bpf_probe_read_kernel(&file, sizeof(file), files + fd) || !file)
		return;
	socket = BPF_CORE_READ(file, private_data);
	sock = BPF_CORE_READ(socket, sk);
	out->protocol = BPF_CORE_READ(sock, sk_protocol);
	if (bpf_core_field_exists(sock->sk_cgrp_data.cgroup))
		out->socket_cgroup = BPF_CORE_READ(sock, sk_cgrp_data.cgroup, kn, id);
}

/* int __sys_bind(int fd, struct sockaddr *addr, int length), then what it returned. */
SEC("fexit/__sys_bind")
int bind_returns(const __u64 *ctx)
{
	const int fd = (int)ctx[0], result = (int)ctx[3];
	struct bg_refusal refusal = {};

	if (!is_told(result) || !read_addr((const void *)ctx[1], &refusal))
		return 0;
	complete(&refusal, fd, result);
	read_socket(fd, &refusal);
	tell(&refusal);
	return 0;
}

#include "refused_tracepoints.h"

char _license[] SEC("license") = "Dual BSD/GPL";
