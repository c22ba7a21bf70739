-- What wrk measured, as loads.sh wants it: a line for each figure.
function done(summary, latency)
	local e = summary.errors

	print(string.format("work %d", summary.requests))
	print(string.format("per_s %.1f",
		summary.requests / summary.duration * 1e6))
	print(string.format("p50_us %.1f", latency:percentile(50)))
	print(string.format("p99_us %.1f", latency:percentile(99)))
	print(string.format("p999_us %.1f", latency:percentile(99.9)))
	print(string.format("errors %d",
		e.connect + e.read + e.write + e.status + e.timeout))
end
