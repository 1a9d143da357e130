package main

import (
	"testing"
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
	"nightshift/remediate/oncall"
)

// after is a moment of the stories.
func after(seconds int) remediate.Instant {
	return remediate.Instant{Wall: noon.Add(time.Duration(seconds) * time.Second)}
}

// story folds events into what `show` is given.
func story(t *testing.T, events ...remediate.Event) oncall.Story {
	t.Helper()
	var s oncall.Story
	for _, e := range events {
		e.Incident = "7K2M9QX4"
		if err := s.Incident.Apply(e); err != nil {
			t.Fatal(err)
		}
		s.Entries = append(s.Entries, oncall.Entry{Type: e.Type, At: e.At, Event: e})
	}
	return s
}

// highMemory is an incident that its second rung mends.
func highMemory() []remediate.Event {
	restart := func(unit string) remediate.Step {
		return remediate.Step{Do: remediate.VerbRestart, On: remediate.Unit(unit), Risk: remediate.Restart, Timeout: time.Minute}
	}
	rung := func(unit string) remediate.PlannedRung {
		return remediate.PlannedRung{Name: "restart " + unit, Steps: []remediate.Step{restart(unit + ".service")}}
	}
	memory := func(h remediate.Health, detail string) []remediate.Observation {
		return []remediate.Observation{{Probe: "memory", Health: h, Detail: detail}}
	}
	alert := alerts.Alert{
		Status:      alerts.Firing,
		Labels:      map[string]string{"alertname": "rave_high_memory_usage", "instance": "localhost:9100", "severity": "warning"},
		Annotations: map[string]string{"summary": "memory is above 85 %\nfor 5 minutes"},
		StartsAt:    noon.Add(-time.Minute), Fingerprint: "0123456789abcdef",
	}
	allow := remediate.Verdict{Decision: remediate.Allow}
	return []remediate.Event{
		{Type: remediate.IncidentOpened, At: after(0), Opened: &remediate.Opened{
			Alert: alert, Received: after(0), Target: remediate.Host("rave-1"),
			Playbook: remediate.Playbook{Name: "high-memory", Verify: remediate.Verify{Healthy: []string{"memory"}}}.WithDefaults(),
		}},
		{Type: remediate.IncidentPlanned, At: after(1), Planned: &remediate.Planned{
			Plan: remediate.Plan{
				Rungs:  []remediate.PlannedRung{rung("prometheus"), rung("grafana"), rung("nginx")},
				Probes: []string{"memory"}, Digest: "5f2c8d10a3b94e67c1",
			},
			Observations: memory(remediate.Unhealthy, "91 % of 2 GiB, expected at most 85 %"),
		}},
		{Type: remediate.IncidentJudged, At: after(1), Judged: &remediate.Judged{Verdict: remediate.Verdict{
			Decision: remediate.Wait, Gate: "busy", Reason: "busy", Until: after(10), Detail: "incident 0000AAAA acts on this host",
		}}},
		{Type: remediate.IncidentJudged, At: after(10), Judged: &remediate.Judged{Verdict: allow}},
		{Type: remediate.EvidenceGathered, At: after(11), Gathered: &remediate.Gathered{Evidence: []remediate.Evidence{
			{Look: remediate.Look{What: remediate.SeeMemory}, Text: "MemTotal: 2048 MiB\nMemAvailable: 180 MiB\n"},
			{Look: remediate.Look{What: remediate.SeeJournal, Of: "grafana.service", Lines: 50},
				Text: "one\ntwo\nthree \x1b[2J\nfour\nfive\nsix\nseven\neight\n", Digest: "abcd", Size: 5120},
			{Look: remediate.Look{What: remediate.SeeProcesses, Count: 20}, Error: "cannot read /proc: permission denied"},
		}}},
		{Type: remediate.StepStarted, At: after(12), Started: &remediate.Started{What: restart("prometheus.service"), PlanDigest: "5f2c"}},
		{Type: remediate.StepFinished, At: after(13), Finished: &remediate.Finished{
			Receipt: remediate.Receipt{Result: remediate.Done, Took: 1234 * time.Millisecond, Detail: "started anew"},
		}},
		{Type: remediate.VerifyStarted, At: after(13), Watched: &remediate.Watched{}},
		{Type: remediate.IncidentProbed, At: after(18), Probed: &remediate.Probed{Observations: memory(remediate.Unhealthy, "90 % of 2 GiB")}},
		{Type: remediate.VerifyFinished, At: after(80), Verified: &remediate.Verified{Outcome: remediate.NotFixed, Detail: "memory: 90 % of 2 GiB"}},
		{Type: remediate.IncidentJudged, At: after(80), Judged: &remediate.Judged{Rung: 1, Verdict: allow}},
		{Type: remediate.IncidentJudged, At: after(81), Judged: &remediate.Judged{Rung: 1, BeforeEffect: true, Verdict: allow}},
		{Type: remediate.StepStarted, At: after(81), Started: &remediate.Started{Rung: 1, What: restart("grafana.service"), PlanDigest: "5f2c"}},
		{Type: remediate.StepFinished, At: after(84), Finished: &remediate.Finished{
			Rung: 1, Recovered: true, Receipt: remediate.Receipt{Result: remediate.Done, Took: 2500 * time.Millisecond},
		}},
		{Type: remediate.VerifyStarted, At: after(84), Watched: &remediate.Watched{Rung: 1}},
		{Type: remediate.IncidentProbed, At: after(90), Probed: &remediate.Probed{Observations: memory(remediate.Healthy, "61 %")}},
		{Type: remediate.VerifyFinished, At: after(150), Verified: &remediate.Verified{Rung: 1, Outcome: remediate.Fixed, Detail: "healthy for 1m0s"}},
		{Type: remediate.IncidentEnded, At: after(150), Ended: &remediate.Ended{State: remediate.Resolved, Reason: remediate.ReasonFixed}},
	}
}

func TestAStoryOfARepair(t *testing.T) {
	s, text := page()
	tell(s, story(t, highMemory()...), false, noon)
	golden(t, "story-repaired.golden", text.String())
}

func TestAllOfTheEvidenceIsShownWhenAskedFor(t *testing.T) {
	s, text := page()
	tell(s, story(t, highMemory()[:5]...), true, noon.Add(time.Hour))
	golden(t, "story-evidence.golden", text.String())
}

func TestAStoryThatEndsWithPeople(t *testing.T) {
	events := append(highMemory()[:10],
		remediate.Event{Type: remediate.IncidentWaiting, At: after(81), Waited: &remediate.Waited{Reason: "cooldown", Until: after(200)}},
		remediate.Event{Type: remediate.IncidentJoined, At: after(90), Joined: &remediate.Joined{
			Alert: alerts.Alert{Status: alerts.Resolved, Labels: map[string]string{"alertname": "rave_service_down"}}, Hangs: true,
		}},
		remediate.Event{Type: remediate.IncidentEscalated, At: after(200), Ended: &remediate.Ended{
			State: remediate.Escalated, Reason: "attempts_spent", Detail: "3 of 3 attempts in 1h",
		}},
		remediate.Event{Type: remediate.IncidentAnswered, At: after(90000), Answered: &remediate.Answered{Verb: "resume", By: "alice", Comment: "more memory\nis there"}},
		remediate.Event{Type: remediate.IncidentEnded, At: after(90100), Ended: &remediate.Ended{
			State: remediate.Closed, Reason: remediate.ReasonClosed, By: "alice", Comment: "mended by hand",
		}},
	)
	s, text := page()
	tell(s, story(t, events...), false, noon)
	golden(t, "story-people.golden", text.String())
}
