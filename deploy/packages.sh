#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Installs what the named groups need and the machine lacks: deploy/packages.sh GROUP...
set -eu

packages_of() { # GROUP
	case $1 in
	build)
		echo clang llvm gcc libc6-dev linux-libc-dev make pkg-config bpftool libbpf-dev libelf-dev zlib1g-dev libjansson-dev \
			libcyaml-dev libyaml-dev libmicrohttpd-dev libcurl4-openssl-dev libprotobuf-c-dev protobuf-c-compiler
		;;
	check)
		echo libcmocka-dev libseccomp-dev bats mandoc zsh fish prometheus mmdebstrap containerd runc python3-h2 podman buildah \
			python3-yaml iproute2 curl util-linux procps python3-minimal python3 nginx-light apache2-bin golang-go openssl tmux
		packages_of peers
		# node may have come from elsewhere, with a package of another name
		command -v node >/dev/null 2>&1 || echo nodejs
		;;
	packages) echo dpkg-dev debhelper fakeroot lintian rpm ;;
	demo) echo python3-minimal python3 curl iproute2 util-linux ;;
	kernels) echo busybox-static xz-utils python3-minimal python3 ;;
	kernels-amd64) echo qemu-system-x86 ;;
	kernels-arm64) echo qemu-system-arm lld ;;
	lint) echo clang-format clang-tidy cppcheck shellcheck python3-pyflakes ;;
	valgrind) echo valgrind libc6-dbg ;;
	coverage) echo libclang-rt-dev python3 ;;
	bench) echo python3 python3-h2 ;;
	peers) echo python3 iproute2 util-linux nginx-light wrk socat iptables nftables libcap2-bin authbind mmdebstrap gnuplot-nox ;;
	*)
		echo "packages.sh: no group \"$1\"" >&2
		return 2
		;;
	esac
}

wanted=
for group in "$@"; do
	packages=$(packages_of "$group")
	wanted="$wanted $packages"
done

# shellcheck disable=SC2086 # lists of words, here and below
if ! command -v dpkg-query >/dev/null 2>&1; then
	cat >&2 <<-END
		packages.sh: this machine has no apt. Install what these Debian packages hold, then run make again:
		  $(printf "%s " $wanted)
	END
	exit 1
fi

missing=
for package in $wanted; do
	status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
	[ "$status" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "packages.sh: run as root, or install these yourself:$missing" >&2
	exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of words
apt-get install -y -qq --no-install-recommends $missing >/dev/null
