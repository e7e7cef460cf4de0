#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Real servers, unchanged, as uid 65534 without capabilities and with no_new_privs, on ports 80 and 443.

load common

setup() {
	new_room
	bindgate attach "$CG" 80/tcp 443/tcp
	mkdir -m 777 "$WORK/run"
	mkdir "$WORK/www"
	echo 'hello from a low port' >"$WORK/www/index.html"
	chmod -R a+rX "$WORK"
}

# The command serves a page on both ports and both families; without the gate it is refused.
serves() { # COMMAND...
	served "$@" >"$WORK/log" 2>&1 3>&- &
	local url
	for url in http://127.0.0.1:80/ http://[::1]:80/ http://127.0.0.1:443/ http://[::1]:443/; do
		eventually in_net curl -s -o "$WORK/page" "$url" || cat "$WORK/log"
		equal "$url" "$(cat "$WORK/page")" 'hello from a low port'
	done
	# each of its processes is as unprivileged as can be
	local pid
	while read -r pid; do
		equal "process $pid" "$(awk '/^(Uid|CapEff|CapBnd|NoNewPrivs):/ { print $2 }' "/proc/$pid/status" | xargs)" \
			'65534 0000000000000000 0000000000000000 1'
	done <"$CG/cgroup.procs"
	echo 1 >"$CG/cgroup.kill"
	wait
	until [ ! -s "$CG/cgroup.procs" ]; do sleep 0.01; done
	bindgate detach "$CG"
	run served "$@"
	[ "$status" -ne 0 ]
	grep -qiE 'permission denied|EACCES' <<<"$output$(cat "$WORK"/run/* 2>/dev/null)"
}

@test "nginx, its master unprivileged" {
	cat >"$WORK/nginx.conf" <<-END
		daemon off; pid $WORK/run/pid; error_log stderr;
		events {}
		http {
			access_log off;
			client_body_temp_path $WORK/run/a; proxy_temp_path $WORK/run/b; fastcgi_temp_path $WORK/run/c;
			uwsgi_temp_path $WORK/run/d; scgi_temp_path $WORK/run/e;
			server { listen 80; listen [::]:80; listen 443; listen [::]:443; root $WORK/www; }
		}
	END
	serves /usr/sbin/nginx -e stderr -c "$WORK/nginx.conf"
}

@test "apache2" {
	cat >"$WORK/apache.conf" <<-END
		LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
		LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
		LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
		Listen 80
		Listen 443 http
		ServerName localhost
		PidFile $WORK/run/pid
		DefaultRuntimeDir $WORK/run
		ErrorLog $WORK/run/errors
		DocumentRoot $WORK/www
		DirectoryIndex index.html
	END
	serves /usr/sbin/apache2 -X -f "$WORK/apache.conf"
}

@test "python3" {
	serves bash -c 'cd "$1" || exit; for port in 443 80; do python3 -m http.server --bind :: "$port" & done; wait -n; exit 1' \
		bash "$WORK/www"
}

@test "node" {
	cat >"$WORK/server.js" <<-'END'
		const { createServer } = require('http');
		for (const port of [80, 443])
			createServer((_, response) => response.end('hello from a low port\n')).listen(port);
	END
	serves "$(command -v node)" "$WORK/server.js"
}

@test "a static Go binary" {
	cat >"$WORK/main.go" <<-'END'
		package main

		import (
			"log"
			"net/http"
		)

		func main() {
			page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("hello from a low port\n")) })
			go func() { log.Fatal(http.ListenAndServe(":443", page)) }()
			log.Fatal(http.ListenAndServe(":80", page))
		}
	END
	(cd "$WORK" && HOME=$WORK GOCACHE=$WORK/cache GOFLAGS=-mod=mod GO111MODULE=off CGO_ENABLED=0 go build -o server main.go)
	serves "$WORK/server"
}
