package main

import (
	"strings"
	"testing"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/oncall"
)

// listed are incidents as the agent lists them.
func listed() []oncall.Summary {
	return []oncall.Summary{
		{ID: "7K2M9QX4", State: remediate.Resolved, Reason: remediate.ReasonFixed, Playbook: "high-memory", Target: remediate.Host("rave-1"),
			Alert: "rave_high_memory_usage", Opened: noon, Since: noon.Add(150 * time.Second), Tried: make([]remediate.Tried, 2)},
		{ID: "8A2M9QX4", State: remediate.Escalated, Reason: "attempts_spent", Detail: "3 of 3\nattempts", Playbook: "system-down",
			Target: remediate.Unit("grafana.service"), Alert: "rave_service_down\x1b[2J", Opened: noon.Add(time.Minute), Since: noon.Add(time.Hour)},
		{ID: "9A2M9QX4", State: remediate.Closed, Reason: remediate.ReasonClosed, By: "alice", Alert: "x",
			Opened: noon.Add(2 * time.Minute), Since: noon.Add(time.Hour)},
	}
}

func TestTheListOfIncidents(t *testing.T) {
	s, text := page()
	incidentTable(listed(), noon.Add(2*time.Hour)).write(s)
	golden(t, "incidents.golden", text.String())
}

func TestIncidentsAreCompletedWithTheirTitles(t *testing.T) {
	golden(t, "completion.golden", strings.Join(incidentCompletions(listed(), anyIncident), "\n")+"\n")
}

func TestWhatWouldBecomeOfAlerts(t *testing.T) {
	answer, err := remediate.EncodeJSON([]explanation{
		{Alert: "rave_high_memory_usage", Mine: true, Fate: remediate.FateOpened, Playbook: "high-memory", Target: remediate.Host("rave-1"),
			Observations: []remediate.Observation{
				{Probe: "memory", Health: remediate.Unhealthy, Detail: "91 % of 2 GiB"}, {Probe: "front", Health: remediate.Unknown, Detail: "timeout"},
			},
			Plan: story(t, highMemory()[:2]...).Entries[1].Event.Planned.Plan,
			Verdicts: []remediate.Verdict{
				{Decision: remediate.Allow, Gate: "frozen"},
				{Decision: remediate.Refuse, Gate: "observe-only", Reason: "observe_only", Next: remediate.Observed, Detail: "may only observe"},
				{Decision: remediate.Wait, Gate: "cooldown", Reason: "cooldown", Until: after(60), Detail: "0000AAAA acted on it"},
			}},
		{Alert: "Elsewhere"},
		{Alert: "Nobody", Mine: true, Fate: remediate.FateUnmatched},
		{Alert: "Again", Mine: true, Fate: remediate.FateRepeated, Incident: "7K2M9QX4", Playbook: "high-memory", Target: remediate.Host("rave-1")},
		{Alert: "Broken", Mine: true, Fate: remediate.FateOpened, Playbook: "p", Problem: "cannot plan rung \"x\":\nno such unit"},
	})
	if err != nil {
		t.Fatal(err)
	}
	s, text := page()
	if err := tellExplanations(s, answer); err != nil {
		t.Fatal(err)
	}
	golden(t, "explain.golden", text.String())
}

func TestHowTheAgentIs(t *testing.T) {
	s, text := page()
	tellStatus(s, oncall.Status{Host: "rave-1", Version: "v1.2.3", Mode: "act", Open: map[remediate.State]int{}}, true)
	s.line()
	tellStatus(s, oncall.Status{
		Host: "rave-1", Version: "v1.2.3", Mode: "act",
		Frozen:   &remediate.Freeze{By: "alice", Reason: "maintenance", At: after(0), Until: after(3600)},
		Degraded: map[string]string{"systemd": "units can't be read", "journal": "nothing is stored"},
		Open:     map[remediate.State]int{remediate.Escalated: 2, remediate.Waiting: 1},
	}, true)
	s.line()
	tellStatus(s, oncall.Status{Host: "rave-1"}, false)
	golden(t, "status.golden", text.String())
}

func TestHowTheLogIs(t *testing.T) {
	s, text := page()
	tellHealth(s, oncall.Health{Epoch: "01J", Events: 12, First: 1, Last: 12})
	tellHealth(s, oncall.Health{Epoch: "01J", Events: 11, First: 1, Last: 12, Damage: []string{"hole: event 7\nis missing"}})
	golden(t, "journal.golden", text.String())
}
