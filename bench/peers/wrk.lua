-- SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
-- A line for the bench: requests, the microseconds they took, p99 in microseconds, errors
done = function(summary, latency)
	local e = summary.errors
	io.write(string.format("result %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(99),
		 e.connect + e.read + e.write + e.status + e.timeout))
end
