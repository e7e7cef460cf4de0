#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What who watches many nodes is given: alert rules, a dashboard, and the page that explains both.

load common

@test "each alert fires for what it is for, and for nothing else" {
	run -0 promtool check rules "$TREE/deploy/prometheus/alerts.yaml"
	cp "$TREE/tests/node/alerts.yaml" "$WORK"
	cp "$TREE/deploy/prometheus/alerts.yaml" "$WORK/alerts_under_test.yaml"
	run -0 promtool test rules "$WORK/alerts.yaml"
	# and the test sees a rule that does not
	sed -i 's/bindgate_conflicts > 0/bindgate_conflicts > 2/' "$WORK/alerts_under_test.yaml"
	run -1 promtool test rules "$WORK/alerts.yaml"
}

@test "every query of the dashboard and of the alerts has an answer from a real daemon and a real prometheus" {
	mkdir "$CG/a"
	printf 'daemon: {listen: "127.0.0.1:9632", log: denied, log_to: "%s/log"}\ngates: [{cgroup: "%s/a", rules: [80, "deny:22"]}]\n' \
		"$WORK" "$NAME" >"$CONFIG"
	in_net "$BINDGATED" --config "$CONFIG" >"$WORK/stdout" 2>>"$WORK/stderr" 3>&- &
	DAEMON=$!
	eventually eval '[ "$(in_net curl -s http://127.0.0.1:9632/readyz)" = ready ]'
	cat >"$WORK/prometheus.yml" <<-END
		global: {scrape_interval: 1s, evaluation_interval: 1s}
		rule_files: ["$TREE/deploy/prometheus/alerts.yaml"]
		scrape_configs: [{job_name: bindgated, static_configs: [{targets: ["127.0.0.1:9632"]}]}]
	END
	in_net prometheus --config.file="$WORK/prometheus.yml" --storage.tsdb.path="$WORK/tsdb" --web.listen-address=127.0.0.1:9090 \
		>"$WORK/prometheus.log" 2>&1 3>&- &
	local prometheus=$!
	for try in $(seq 20); do AT=$CG/a binds 'tcp 127.0.0.1 80' 'tcp 127.0.0.1 22' >/dev/null; sleep 0.2; done
	run in_net "$PYTHON" -IS "$TREE/tests/node/queries.py" http://127.0.0.1:9090 "$TREE/deploy/grafana/bindgate.json" "$TREE/deploy/prometheus/alerts.yaml"
	kill "$prometheus"
	wait "$prometheus" || true
	ended 0 "queries have answers"
}

@test "doc/operations.md explains each metric, each alert and each reason" {
	local word
	echo 'gates: []' | configure
	start_daemon
	for word in $(ask metrics | sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p') $(sed -n 's/.*alert: //p' "$TREE/deploy/prometheus/alerts.yaml") \
		$(ask metrics | sed -n 's/.*reason="\([a-z]*\)".*/\1/p'); do
		grep -qE "\`$word\`" "$TREE/doc/operations.md" || {
			echo "doc/operations.md does not explain $word" >&2
			return 1
		}
	done
}

@test "doc/operations.md explains each line that the daemon says by itself" {
	local line missing=0
	while read -r line; do
		grep -qF "$line" "$TREE/doc/operations.md" || {
			echo "doc/operations.md does not explain: $line" >&2
			missing=1
		}
	done < <("$PYTHON" -IS "$TREE/tests/node/lines.py" "$TREE/loader/node")
	[ "$missing" -eq 0 ]
}
