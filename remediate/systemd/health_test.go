package systemd

import (
	"testing"

	"nightshift/remediate"
)

func TestHealthOfOneSample(t *testing.T) {
	with := func(active, sub, result string, more func(*state)) state {
		s := state{loadState: loaded, activeState: active, subState: sub, result: result, kind: "simple"}
		if more != nil {
			more(&s)
		}
		return s
	}
	oneshot := func(s *state) { s.kind = typeOneshot }
	missing := func(s *state) { s.loadState = "not-found" }
	for what, c := range map[string]struct {
		of   state
		want remediate.Health
	}{
		"runs":                               {with("active", "running", "success", nil), remediate.Healthy},
		"has ended and is meant to stay":     {with("active", "exited", "success", nil), remediate.Healthy},
		"listens":                            {with("active", "listening", "success", nil), remediate.Healthy},
		"has no result, like a target":       {with("active", "active", "", nil), remediate.Healthy},
		"runs, but something of it failed":   {with("active", "running", "oom-kill", nil), remediate.Unhealthy},
		"runs though its file is gone":       {with("active", "running", "success", missing), remediate.Healthy},
		"reloads":                            {with("reloading", "reload", "success", nil), remediate.Unknown},
		"starts":                             {with("activating", "start", "success", nil), remediate.Unknown},
		"stops":                              {with("deactivating", "stop-sigterm", "success", nil), remediate.Unknown},
		"waits for its restart":              {with("activating", "auto-restart", "exit-code", nil), remediate.Unhealthy},
		"waits in the queue for its restart": {with("activating", "auto-restart-queued", "signal", nil), remediate.Unhealthy},
		"is down, about to be started":       {with("inactive", "dead", "success", func(s *state) { s.job = 7 }), remediate.Unknown},
		"failed":                             {with("failed", "failed", "exit-code", nil), remediate.Unhealthy},
		"killed for memory":                  {with("failed", "failed", "oom-kill", nil), remediate.Unhealthy},
		"killed for memory, by cgroups v1":   {with("failed", "failed", "signal", nil), remediate.Unhealthy},
		"oneshot that failed":                {with("failed", "failed", "exit-code", oneshot), remediate.Unhealthy},
		"is down":                            {with("inactive", "dead", "success", nil), remediate.Unhealthy},
		"oneshot that is done":               {with("inactive", "dead", "success", oneshot), remediate.Healthy},
		"oneshot that is down otherwise":     {with("inactive", "dead", "resources", oneshot), remediate.Unhealthy},
		"does not exist":                     {with("inactive", "dead", "success", missing), remediate.Unknown},
		"is in no state that we know":        {with("maintenance", "cleaning", "success", nil), remediate.Unknown},
	} {
		if got, detail := c.of.judge(sample{}, nil); got != c.want || detail == "" {
			t.Errorf("a unit that %s is %s (%s), expected %s", what, got, detail, c.want)
		}
	}
}

func TestHealthByTwoSamples(t *testing.T) {
	runs := state{loadState: loaded, activeState: active, subState: "running", result: success}
	for what, c := range map[string]struct {
		before, now sample
		want        remediate.Health
	}{
		"nothing happened":        {sample{invocation: "a", restarts: 3}, sample{invocation: "a", restarts: 3}, remediate.Healthy},
		"systemd restarted it":    {sample{invocation: "a"}, sample{invocation: "b", restarts: 1}, remediate.Unhealthy},
		"somebody restarted it":   {sample{invocation: "a", restarts: 3}, sample{invocation: "b"}, remediate.Healthy},
		"and then systemd did":    {sample{invocation: "a", restarts: 3}, sample{invocation: "b", restarts: 1}, remediate.Unhealthy},
		"the kernel killed":       {sample{invocation: "a", oomKills: 1}, sample{invocation: "a", oomKills: 2}, remediate.Unhealthy},
		"it was killed before":    {sample{invocation: "a", oomKills: 2}, sample{invocation: "a", oomKills: 2}, remediate.Healthy},
		"killed after a restart":  {sample{invocation: "a", oomKills: 2}, sample{invocation: "b", oomKills: 1}, remediate.Unhealthy},
		"killed before a restart": {sample{invocation: "a", oomKills: 2}, sample{invocation: "b"}, remediate.Healthy},
	} {
		if got, detail := runs.judge(c.now, &c.before); got != c.want {
			t.Errorf("when %s it is %s (%s), expected %s", what, got, detail, c.want)
		}
	}
}

func TestCountingOOMKills(t *testing.T) {
	for text, want := range map[string]uint64{
		"low 0\nhigh 3\nmax 9\noom 2\noom_kill 1\noom_group_kill 0\n": 1,  // version 2
		"oom_kill_disable 0\nunder_oom 0\noom_kill 12\n":              12, // version 1
		"":                 0,
		"oom_kill many\n":  0,
		"not_oom_kill 5\n": 0,
	} {
		if got := parseOOMKills(text); got != want {
			t.Errorf("parseOOMKills(%q) = %d, expected %d", text, got, want)
		}
	}
}
