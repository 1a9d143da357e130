package oncall

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
)

// course is an event of one incident, or of the host, minutes after noon.
func course(minutes int, e remediate.Event) remediate.Event {
	e.At = remediate.Instant{Wall: noon.Add(time.Duration(minutes) * time.Minute)}
	if strings.HasPrefix(string(e.Type), "incident.") {
		e.Incident = "AAAAAAAA"
	}
	return e
}

func nginxDown() remediate.Event {
	e := opened("AAAAAAAA", "system-down", "nginx.service", 0)
	e.Opened.Severity = 1
	e.Opened.Alert = alerts.Alert{Status: alerts.Firing, Labels: map[string]string{"alertname": "Down"}, Annotations: map[string]string{
		"summary": "Nobody can log in.\nAt all.", "dashboard": "https://grafana/d/front",
	}}
	return e
}

var goesBack = remediate.Plan{Digest: "aa", Rungs: []remediate.PlannedRung{{
	Name: "roll back", Digest: "5f2c", Steps: []remediate.Step{{Do: remediate.VerbSwap, On: remediate.VM("rave"), Risk: remediate.Rollback}},
}}}

// heldCourse is a course up to the question for a yes.
var heldCourse = log{
	nginxDown(),
	course(1, remediate.Event{Type: remediate.IncidentPlanned, Planned: &remediate.Planned{Plan: goesBack}}),
	course(1, remediate.Event{Type: remediate.IncidentJudged, Judged: &remediate.Judged{Verdict: remediate.Verdict{Decision: remediate.Hold, Reason: "approval"}}}),
}

func TestPeopleAreToldWhatMatters(t *testing.T) {
	escalated := course(20, remediate.Event{Type: remediate.IncidentEscalated, Ended: &remediate.Ended{State: remediate.Escalated, Reason: remediate.ReasonExpired}})
	quiet := course(20, remediate.Event{Type: remediate.IncidentEscalated, Ended: &remediate.Ended{State: remediate.Escalated, Reason: "frozen", Quiet: true}})
	for name, c := range map[string]struct {
		course log
		kinds  string // all that is told, in order
		text   string // of the last
		last   Notification
	}{
		"opened": {
			log{nginxDown()}, "opened", "unit:nginx.service: Nobody can log in. Playbook system-down looks at it.",
			Notification{Severity: 1, Command: "nightshift show AAAAAAAA", Dashboard: "https://grafana/d/front", Seen: "Nobody can log in"},
		},
		"a yes is wanted": {
			heldCourse, "opened approval_wanted",
			"unit:nginx.service: Nobody can log in. The agent wants to roll back (rollback), which needs a person's yes by 12:16 UTC.",
			Notification{Plan: "5f2c", Until: noon.Add(16 * time.Minute), Command: "nightshift approve AAAAAAAA", Asked: "A yes or a no."},
		},
		"handed over": {
			append(heldCourse[:3:3], escalated), "opened approval_wanted escalated",
			"unit:nginx.service is yours: Nobody can log in. The agent did nothing and stops here (expired).",
			Notification{Command: "nightshift ack AAAAAAAA"},
		},
		"handed over with others": {append(heldCourse[:3:3], quiet), "opened approval_wanted", "", Notification{}},
		"closed": {
			append(heldCourse[:3:3], escalated, course(30, remediate.Event{
				Type: remediate.IncidentEnded, Ended: &remediate.Ended{State: remediate.Closed, Reason: remediate.ReasonClosed, By: "ann"},
			})), "opened approval_wanted escalated resolved", "unit:nginx.service was closed, by ann.", Notification{},
		},
		"frozen": {
			log{course(0, remediate.Event{Type: remediate.HostFroze, Froze: &remediate.Freeze{By: "ann", Reason: "the racks move"}})}, "frozen",
			"ann froze the agent (the racks move): it does nothing until somebody thaws, and hands what happens to people.",
			Notification{Command: "nightshift thaw"},
		},
		"frozen by a file": {
			log{course(0, remediate.Event{Type: remediate.HostFroze, Froze: &remediate.Freeze{By: "file", Reason: "/etc/nightshift/freeze", File: true}})}, "frozen",
			"A file froze the agent (/etc/nightshift/freeze): it does nothing until that is removed, and hands what happens to people.", Notification{},
		},
		"nobody is called": {
			log{course(0, remediate.Event{Type: remediate.HostPageFailed, PageFailed: &remediate.PageFailed{Why: "no Alertmanager answers"}})}, "page_failed",
			"Nobody could be called: no Alertmanager answers.", Notification{Command: "nightshift incidents --open"},
		},
		"damaged": {
			log{course(0, remediate.Event{Type: remediate.HostFroze, Froze: &remediate.Freeze{By: "nightshift", Reason: "a hole", Damage: true}})},
			"journal_damaged", "", Notification{Command: "nightshift journal verify", Seen: "a hole"},
		},
		"a breaker": {
			log{course(0, remediate.Event{Type: remediate.HostBreakerOpened, BreakerOpened: &remediate.Breaker{On: remediate.Unit("nginx.service"), Why: "2 failed"}})},
			"breaker_opened", "Nothing more is tried on unit:nginx.service: 2 failed.", Notification{Command: "nightshift breaker close unit:nginx.service --comment …"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			told, err := Notifications(t.Context(), c.course, "rave-1", NotificationsQuery{})
			if err != nil {
				t.Fatal(err)
			}
			var kinds []string
			for _, n := range told {
				kinds = append(kinds, string(n.Kind))
			}
			if got := strings.Join(kinds, " "); got != c.kinds {
				t.Fatalf("people are told %q, want %q", got, c.kinds)
			}
			last := told[len(told)-1]
			if c.text != "" && last.Text != c.text {
				t.Errorf("the text is\n%s\nwant\n%s", last.Text, c.text)
			}
			if last.Dashboard != "" {
				t.Errorf("a link of the alert is passed on: %s", last.Dashboard)
			}
			want := c.last
			for field, pair := range map[string][2]string{
				"command": {last.Command, want.Command}, "seen": {last.Seen, want.Seen},
				"plan": {last.Plan, want.Plan}, "asked": {last.Asked, want.Asked},
			} {
				if pair[1] != "" && pair[0] != pair[1] {
					t.Errorf("%s is %q, want %q", field, pair[0], pair[1])
				}
			}
			if !want.Until.IsZero() && !last.Until.Equal(want.Until) || want.Severity != 0 && last.Severity != want.Severity {
				t.Errorf("until %v, severity %d", last.Until, last.Severity)
			}
		})
	}
}

func TestWhoWasAwayReadsWhatWasMissed(t *testing.T) {
	since := noon.Add(30 * time.Second) // after it was opened: its beginning is read all the same
	told, err := Notifications(t.Context(), heldCourse, "rave-1", NotificationsQuery{Since: since})
	if err != nil || len(told) != 1 || told[0].Kind != NotifyApprovalWanted || told[0].Playbook != "system-down" || told[0].Host != "rave-1" {
		t.Errorf("missed: %+v, %v", told, err)
	}
	newest, err := Notifications(t.Context(), heldCourse, "rave-1", NotificationsQuery{Limit: 1})
	if err != nil || len(newest) != 1 || newest[0].Kind != NotifyApprovalWanted {
		t.Errorf("the newest: %+v, %v", newest, err)
	}
}

func TestTellingNeverWaits(t *testing.T) {
	s := play(t)
	conn, err := s.journal.NotifyConn()
	if err != nil {
		t.Fatal(err)
	}
	ann := s.as("ann")
	sub, err := ann.SubscribeSync("nightshift.notify.>")
	if err != nil {
		t.Fatal(err)
	}
	s.settle(ann)
	n := NewNotifier("rave-1", conn, slog.New(slog.DiscardHandler))
	n.Tell(PageFailed(noon, "no Alertmanager answers"))
	m, err := sub.NextMsg(time.Minute)
	if err != nil || m.Subject != "nightshift.notify.rave-1.page_failed" {
		t.Fatalf("people hear %v, %v", m, err)
	}
	if err := n.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 10 * notificationsWait { // nobody takes them any more
		n.Tell(PageFailed(noon, "no Alertmanager answers"))
	}
	if !n.lost.Load() {
		t.Error("more wait than there is room for")
	}
}
