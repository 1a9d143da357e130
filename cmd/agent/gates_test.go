package main

import (
	"testing"
	"time"

	"nightshift/playbooks"
	"nightshift/remediate"
	"nightshift/remediate/oncall"
)

// records are playbooks as the agent tells of them.
func records() []oncall.PlaybookRecord {
	return []oncall.PlaybookRecord{
		{
			Name: "high-memory", Autonomy: remediate.Approve, Inventory: remediate.Act, Attempts: 12,
			Verified: map[remediate.Outcome]int{remediate.Fixed: 8, remediate.NotFixed: 3, remediate.Inconclusive: 1},
			Ended:    map[remediate.State]int{remediate.Resolved: 8, remediate.Escalated: 2, remediate.Observed: 5}, ByPeople: 3,
			Set: &remediate.AutonomySet{Playbook: "high-memory", To: remediate.Approve, Why: "incident 7K2M9QX4 was not fixed\nby its last rung", At: after(0)},
		},
		{Name: "system-down", Autonomy: remediate.Act, Inventory: remediate.Act, Set: &remediate.AutonomySet{To: remediate.Act, By: "alice", Comment: "it \x1b[2Jlearned"}},
		{Name: "webhook-errors", Autonomy: remediate.WatchOnly, Inventory: remediate.WatchOnly, Breaker: &remediate.Breaker{Playbook: "webhook-errors", Why: "3 failures in a row"}},
		{Name: "elsewhere", Autonomy: remediate.Act},
	}
}

func TestTheListOfPlaybooks(t *testing.T) {
	s, text := page()
	playbookTable(records()).write(s)
	golden(t, "playbooks.golden", text.String())
}

func TestAPlaybookIsShownWithItsRecord(t *testing.T) {
	s, text := page()
	for _, record := range records()[:2] {
		p, _ := playbooks.Find(record.Name)
		p = p.WithDefaults()
		tellPlaybook(s, shownPlaybook{Record: record, Matches: p.Match.Strings(), Playbook: &p})
		s.line()
	}
	tellPlaybook(s, shownPlaybook{Record: records()[3]})
	golden(t, "playbook.golden", text.String())
}

func TestTheListOfBreakers(t *testing.T) {
	s, text := page()
	breakerTable([]remediate.Breaker{
		{On: remediate.Unit("grafana.service"), Why: "2 attempts in a row\nfailed", Incident: "7K2M9QX4", At: after(0)},
		{Playbook: "high-memory", Why: "3 attempts failed \x1b[2J", At: after(60)},
	}).write(s)
	golden(t, "breakers.golden", text.String())
}

// hostEvents are what happens to the host itself.
func hostEvents() []remediate.Event {
	return []remediate.Event{
		{At: after(0), Froze: &remediate.Freeze{By: "alice", Reason: "the disks\nare changed"}},
		{At: after(0), Froze: &remediate.Freeze{By: "file"}},
		{At: after(1), Thawed: &remediate.Thawed{By: "alice"}},
		{At: after(2), BreakerOpened: &remediate.Breaker{On: remediate.Unit("grafana.service"), Why: "2 attempts in a row failed"}},
		{At: after(3), BreakerClosed: &remediate.BreakerClosed{Key: "unit:grafana.service", By: "bob", Comment: "more memory"}},
		{At: after(4), AutonomySet: &remediate.AutonomySet{Playbook: "high-memory", To: remediate.Approve, Why: "it failed"}},
		{At: after(5), AutonomySet: &remediate.AutonomySet{Playbook: "high-memory", To: remediate.Act, By: "bob", Comment: "it is right now"}},
		{At: after(6), StormBegan: &remediate.Storm{Why: "6 targets in 5m"}},
		{At: after(7), SourceChanged: &remediate.SourceChanged{Source: "rave", To: remediate.SourceSilent}},
		{At: after(8), WentBack: &remediate.WentBack{}},
		{At: after(9), StoodAside: &remediate.StoodAside{By: "rave-host"}},
	}
}

func TestEachEventOfTheHostHasWords(t *testing.T) {
	s, text := page()
	w := watcher{cli: &cli{out: &output{w: s.w}}, screen: s}
	for _, e := range hostEvents() {
		w.tellEvent(e)
	}
	golden(t, "watch-host.golden", text.String())
}

func TestANotificationSaysWhatToType(t *testing.T) {
	s, text := page()
	tellNotification(s, oncall.Notification{
		Kind: oncall.NotifyApprovalWanted, Host: "rave-1", At: noon, Incident: "7K2M9QX4",
		Text: "rave does not serve: shall it go back to before-update,\nof 50 hours ago? \x1b[2J", Asked: "a yes or a no",
		Until: noon.Add(15 * time.Minute), Command: "nightshift approve 7K2M9QX4", Dashboard: "http://grafana/d/1",
	}, true)
	tellNotification(s, oncall.Notification{Kind: oncall.NotifyResolved, At: noon, Text: "grafana.service is well again"}, false)
	golden(t, "notifications.golden", text.String())
}

func TestOnlyWhatFitsAVerbIsOffered(t *testing.T) {
	taken := &remediate.Acknowledged{By: "alice"}
	all := []oncall.Summary{
		{ID: "HELD0000", State: remediate.Held},
		{ID: "ACTS0000", State: remediate.Acting},
		{ID: "D0NE0000", State: remediate.Acting, Tried: make([]remediate.Tried, 1)},
		{ID: "ESCA0000", State: remediate.Escalated, Acknowledged: taken},
		{ID: "EXP10000", State: remediate.Escalated, Reason: remediate.ReasonExpired},
	}
	for name, c := range map[string]struct {
		fit  fits
		want string
	}{
		"ack":             {fitsAck, "HELD0000 ACTS0000 D0NE0000 EXP10000 "},
		"approve":         {fitsApprove, "HELD0000 "},
		"approve --again": {fitsAgain, "EXP10000 "},
		"deny":            {fitsDeny, "HELD0000 ACTS0000 "},
		"cancel":          {fitsCancel, "HELD0000 ACTS0000 D0NE0000 "},
		"resume":          {fitsResume, "ESCA0000 EXP10000 "},
		"close":           {anyIncident, "HELD0000 ACTS0000 D0NE0000 ESCA0000 EXP10000 "},
	} {
		got := ""
		for _, offered := range incidentCompletions(all, c.fit) {
			got += offered[:8] + " "
		}
		if got != c.want {
			t.Errorf("%s is offered %s, want %s", name, got, c.want)
		}
	}
}
