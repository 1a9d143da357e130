package replay_test

import (
	"strings"
	"testing"
	"time"

	"nightshift/alerts"
	. "nightshift/remediate"
	"nightshift/remediate/engine"
	"nightshift/remediate/rehearsal"
	"nightshift/remediate/replay"
)

// site is a host on which the front is broken until the last rung was climbed.
type site struct{ mended bool }

func (s *site) Probe(name string, _ time.Duration) rehearsal.Answer {
	if name == "front" && !s.mended {
		return rehearsal.Answer{Health: Unhealthy, Detail: "503"}
	}
	return rehearsal.Answer{Health: Healthy}
}

func (s *site) Situation(Target, time.Duration) Situation {
	return Situation{Known: true, Exists: true, Active: true, StartsLeft: -1, Invocation: "i"}
}

func (s *site) Machine(string, *Asked, time.Duration) Machine { return Machine{} }

func (s *site) Do(step Step, _ time.Duration) rehearsal.Deed {
	return rehearsal.Deed{Takes: time.Second, Then: func(time.Duration) { s.mended = step.On.Name == "web.service" }}
}

// lives is the log of a few incidents: one that the second rung mends, one that only
// waits, and one about a thing that nobody knows.
func lives(t *testing.T) []Event {
	t.Helper()
	restart := func(unit string) Rung {
		return Rung{Name: unit, Do: []Move{{Do: VerbRestart, On: Selector{Unit: unit}}}}
	}
	down := Playbook{
		Name: "down", Match: alerts.Matching(`alertname="Down"`), Target: TargetRule{Host: true},
		Ladder: []Rung{restart("app.service"), restart("web.service")}, Verify: Verify{Healthy: []string{"front"}},
	}.WithDefaults()
	slow, lost := down, down
	slow.Name, slow.Match, slow.Target = "slow", alerts.Matching(`alertname="Slow"`), TargetRule{Unit: "app.service"}
	slow.Verify.Healthy = []string{"app"}
	lost.Name, lost.Match, lost.Target = "lost", alerts.Matching(`alertname="Lost"`), TargetRule{UnitLabel: "unit"}
	fires := func(name string, from, until time.Duration) []rehearsal.Word {
		return rehearsal.Fires(map[string]string{"alertname": name}, from, until, rehearsal.DefaultBegin)
	}
	words := append(fires("Down", 0, 5*time.Minute), fires("Slow", time.Hour, 2*time.Hour)...)
	r, err := rehearsal.Run(rehearsal.Config{Engine: engine.Config{
		Mode: Act, Playbooks: []Playbook{down, slow, lost},
		Inventory: Inventory{Host: "h1", Units: map[string]ManagedUnit{"app.service": {Healthy: []string{"front"}}, "web.service": {}}},
	}}, rehearsal.Script{Alerts: append(words, fires("Lost", 3*time.Hour, 4*time.Hour)...), World: &site{}, Lasts: 6 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Incidents) != 3 || r.Incidents[0].State != Resolved {
		t.Fatalf("expected three incidents, the first of them resolved, found %v", r.Incidents)
	}
	return r.Events
}

// stored is a log as it reads back, and each event's text after change had it.
func stored(t *testing.T, events []Event, change func(n int, text string) string) []Event {
	t.Helper()
	var read []Event
	for n, e := range events {
		text, err := EncodeJSON(e)
		if err != nil {
			t.Fatal(err)
		}
		back := Event{Type: e.Type, Incident: e.Incident, At: e.At}
		if err := DecodeJSON([]byte(change(n, string(text))), &back); err != nil {
			t.Fatal(err)
		}
		read = append(read, back)
	}
	return read
}

func unchanged(_ int, text string) string { return text }

func replayed(events []Event) replay.Report {
	var r replay.Replay
	for n, e := range events {
		r.Event(e, replay.Place{N: uint64(n + 1)})
	}
	return r.End()
}

func TestALogIsDecidedAgainAsItWas(t *testing.T) {
	report := replayed(stored(t, lives(t), unchanged))
	if report.Replayed != 3 || report.Different != 0 || report.Unknown != 0 || report.Decisions < 10 {
		t.Errorf("%+v", report)
	}
}

// One fact is altered in one event, whichever it is that has it: the decision that was
// made of it comes to something else, and no other does.
func TestAnAlteredFactIsFound(t *testing.T) {
	events := lives(t)
	for name, alter := range map[string]struct{ from, to, of string }{
		"the autonomy that a gate knew":    {`"autonomy":"act","risk"`, `"autonomy":"observe","risk"`, "verdict"},
		"whether the host was frozen":      {`"facts":{"now"`, `"facts":{"frozen":{"by":"ann","at":{"wall":"2026-01-05T12:00:00Z"}},"now"`, "verdict"},
		"how risky a rung was":             {`"risk":"restart","targetKnown"`, `"risk":"rollback","targetKnown"`, ""},
		"how old the alert was":            {`"alertAge":"0s"`, `"alertAge":"7s"`, "facts"},
		"that a step was in the inventory": {`"inInventory":true`, `"inInventory":false`, "verdict"},
		"which units the inventory had":    {`"seen":{"inventory":{"host":"h1","units":{"app.service"`, `"seen":{"inventory":{"host":"h1","units":{"xpp.service"`, "plan"},
		"what a probe said after it":       {`"verified":{"rung":0,"outcome":"not_fixed"`, `"verified":{"rung":0,"outcome":"fixed"`, "decision"},
	} {
		t.Run(name, func(t *testing.T) {
			done := false
			report := replayed(stored(t, events, func(_ int, text string) string {
				if done || !strings.Contains(text, alter.from) {
					return text
				}
				done = true
				return strings.Replace(text, alter.from, alter.to, 1)
			}))
			if !done {
				t.Fatalf("no event has %s", alter.from)
			}
			if report.Different != 1 || alter.of != "" && report.Differences[0].Of != alter.of {
				t.Errorf("expected one incident that differs by its %s, found %+v", alter.of, report)
			}
		})
	}
}

func TestAChangedEventIsFoundByItsHash(t *testing.T) {
	events := stored(t, lives(t), unchanged)
	var r replay.Replay
	for n, e := range events {
		place := replay.Place{N: uint64(n + 1), Hash: string(rune('a' + n + 1)), Prev: string(rune('a' + n))}
		if n == 2 {
			place.Hash = "changed"
		}
		r.Event(e, place)
	}
	report := r.End()
	if report.Different != 1 || len(report.Differences) != 1 || report.Differences[0].N != 3 || report.Differences[0].Of != "event" {
		t.Errorf("%+v", report)
	}
}

func TestALogWithoutCausesIsUnknown(t *testing.T) {
	events := stored(t, lives(t), unchanged)
	for n := range events {
		events[n].Cause = nil
	}
	if report := replayed(events); report.Unknown != 3 || report.Different != 0 || report.Replayed != 0 {
		t.Errorf("an older agent's log: %+v", report)
	}
	if report := replayed(stored(t, lives(t), unchanged)[2:]); report.Unknown != 1 || report.Different != 0 {
		t.Errorf("a log whose beginning is gone: %+v", report)
	}
}
