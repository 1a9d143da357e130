package remediate_test

import (
	"testing"
	"time"

	"nightshift/alerts"
	. "nightshift/remediate"
)

// unitPlaybook is for alerts about one unit, which the label "name" names.
func unitPlaybook(name, alertname string) Playbook {
	return Playbook{
		Name: name, Match: alerts.Matching(`alertname="` + alertname + `"`), Target: TargetRule{UnitLabel: "name"},
		Ladder: []Rung{{Name: "restart", Do: []Move{{Do: VerbRestart, On: Selector{What: TheTarget}}}}},
		Verify: Verify{Healthy: []string{string(TheTarget)}},
	}
}

// desk takes alerts in, as the engine does.
type desk struct {
	*testing.T
	*Ledger
	now  Instant
	next uint64
	ids  byte
	set  []Playbook
}

func newDesk(t *testing.T) *desk {
	return &desk{T: t, Ledger: NewLedger(), now: noon, set: []Playbook{
		threeRungs(), unitPlaybook("crash", "UnitCrashed"), unitPlaybook("slow", "UnitSlow"),
	}}
}

// about is an alert of that name about a unit.
func about(name, unit string, status alerts.Status) alerts.Alert {
	labels := map[string]string{"alertname": name, "name": unit}
	return alerts.Alert{Status: status, Labels: labels, Fingerprint: alerts.FingerprintOf(labels)}
}

// takes deals with an alert and fails unless that becomes of it.
func (d *desk) takes(a alerts.Alert, want Fate) Disposition {
	d.Helper()
	d.next++
	d.ids++
	got := d.Take(Arrival{Alert: a, Received: d.now, Position: Position{Message: d.next}}, d.set, site, NewID([5]byte{d.ids}), d.now)
	if got.Fate != want {
		d.Fatalf("%s %s was %s, should be %s", a.Name(), a.Status, got.Fate, want)
	}
	d.folds(got)
	return got
}

func (d *desk) folds(got Disposition) {
	d.Helper()
	if got.Event == nil {
		return
	}
	if err := d.Apply(throughText(d, *got.Event)); err != nil {
		d.Fatal(err)
	}
}

// ends moves an incident by force.
func (d *desk) ends(id ID, to State) {
	d.Helper()
	kind := IncidentEnded
	if to == Escalated {
		kind = IncidentEscalated
	}
	if err := d.Apply(Event{Type: kind, Incident: id, At: d.now, Ended: &Ended{State: to, Reason: "test"}}); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) later(by time.Duration) { d.now = d.now.Add(by); d.Prune(d.now) }

// cleared moves an incident through a verification to an end, as the table wants.
func (d *desk) mended(id ID) {
	d.Helper()
	for _, e := range []Event{
		{Type: VerifyStarted, Watched: &Watched{}},
		{Type: IncidentEnded, Ended: &Ended{State: Resolved, Reason: ReasonFixed}},
	} {
		e.Incident, e.At = id, d.now
		if err := d.Apply(e); err != nil {
			d.Fatal(err)
		}
	}
}

func TestAnAlertIsOneIncident(t *testing.T) {
	d := newDesk(t)
	opened := d.takes(alert("Down", alerts.Firing), FateOpened)
	for range 3 { // repeats and the same from an HA peer
		if got := d.takes(alert("Down", alerts.Firing), FateRepeated); got.Event != nil || got.Incident != opened.Incident {
			t.Errorf("a repeat is recorded, or is another incident's: %+v", got)
		}
	}
	d.takes(alert("Down", alerts.Resolved), FateJoined)
	d.takes(alert("Down", alerts.Resolved), FateRepeated)
	if d.Incidents[opened.Incident].Firing {
		t.Error("the incident has not heard that its alert is over")
	}
	d.takes(alert("Down", alerts.Firing), FateJoined)
	if len(d.Incidents) != 1 || !d.Incidents[opened.Incident].Firing {
		t.Errorf("%d incidents; firing, resolved, firing is one", len(d.Incidents))
	}
}

func TestAFiringAlertIsRecordedOnceAnHour(t *testing.T) {
	d := newDesk(t)
	d.takes(alert("Down", alerts.Firing), FateOpened)
	recorded := 0
	for range 36 {
		d.later(5 * time.Minute)
		if d.Take(Arrival{Alert: alert("Down", alerts.Firing), Position: Position{Message: d.next + 1}}, d.set, site, "", d.now).Event != nil {
			d.takes(alert("Down", alerts.Firing), FateJoined)
			recorded++
		}
	}
	if recorded != 3 {
		t.Errorf("recorded %d times in 3 h", recorded)
	}
}

func TestWhatOpensNothing(t *testing.T) {
	d := newDesk(t)
	d.takes(alert("Down", alerts.Resolved), FateOver)
	d.takes(alert("Nobody", alerts.Firing), FateUnmatched)
	d.set = append(d.set, Playbook{Name: "all", Match: alerts.Matching(`alertname!=""`), Target: TargetRule{Host: true}})
	d.takes(alert("NightshiftFrozen", alerts.Firing), FateUnmatched)
	d.takes(alert("nightshift_down", alerts.Firing), FateUnmatched) // as deploy/prometheus has it
	d.takes(alert("Nobody", alerts.Firing), FateOpened)
	before := Position{Message: 1}
	if got := d.Take(Arrival{Alert: alert("Down", alerts.Firing), Position: before}, d.set, site, "", d.now); got.Fate != FateDropped {
		t.Errorf("what the cursor has passed was %s", got.Fate)
	}
}

func TestTheTargetIsTheInventorysOwn(t *testing.T) {
	d := newDesk(t)
	known := d.takes(about("UnitCrashed", "db.service", alerts.Firing), FateOpened)
	if got := d.Incidents[known.Incident].Target; got != Unit("db.service") {
		t.Errorf("target %v", got)
	}
	unknown := d.takes(about("UnitCrashed", "db.service; reboot", alerts.Firing), FateOpened)
	if got := d.Incidents[unknown.Incident].Target; !got.IsZero() {
		t.Errorf("target %v though the inventory does not know it", got)
	}
	if got := d.takes(alert("Down", alerts.Firing), FateOpened); d.Incidents[got.Incident].Target != Host("h1") {
		t.Error("the host is not the target")
	}
}

func TestWhatAnAlertHangsOn(t *testing.T) {
	t.Run("the same playbook and target", func(t *testing.T) {
		d := newDesk(t)
		first := d.takes(about("UnitCrashed", "db.service", alerts.Firing), FateOpened)
		twin := about("UnitCrashed", "db.service", alerts.Firing)
		twin.Labels["severity"] = "critical"
		twin.Fingerprint = alerts.FingerprintOf(twin.Labels)
		if got := d.takes(twin, FateJoined); got.Incident != first.Incident || got.Event.Joined.Hangs {
			t.Errorf("%+v", got)
		}
		d.takes(about("UnitCrashed", "db.service", alerts.Resolved), FateJoined)
		if !d.Incidents[first.Incident].Firing {
			t.Error("one of its two alerts fires still")
		}
	})
	t.Run("what it needs", func(t *testing.T) {
		d := newDesk(t)
		db := d.takes(about("UnitCrashed", "db.service", alerts.Firing), FateOpened)
		web := d.takes(about("UnitCrashed", "web.service", alerts.Firing), FateJoined)
		if web.Incident != db.Incident || !web.Event.Joined.Hangs {
			t.Errorf("%+v", web)
		}
		d.takes(about("UnitCrashed", "web.service", alerts.Resolved), FateJoined)
		if !d.Incidents[db.Incident].Firing {
			t.Error("what hangs on an incident is not its own alert")
		}
	})
	t.Run("the host", func(t *testing.T) {
		d := newDesk(t)
		host := d.takes(alert("Down", alerts.Firing), FateOpened)
		if got := d.takes(about("UnitCrashed", "web.service", alerts.Firing), FateJoined); got.Incident != host.Incident || !got.Event.Joined.Hangs {
			t.Errorf("%+v", got)
		}
	})
	t.Run("another playbook on the same target waits its turn", func(t *testing.T) {
		d := newDesk(t)
		first := d.takes(about("UnitCrashed", "db.service", alerts.Firing), FateOpened)
		second := d.takes(about("UnitSlow", "db.service", alerts.Firing), FateOpened)
		if i := d.Incidents[second.Incident]; i.State != Waiting || i.Wait.On != first.Incident || i.Wait.Reason != ReasonTargetTaken {
			t.Errorf("%s %+v", i.State, i.Wait)
		}
	})
	t.Run("what people have takes along only its own", func(t *testing.T) {
		d := newDesk(t)
		host := d.takes(alert("Down", alerts.Firing), FateOpened)
		db := d.takes(about("UnitCrashed", "db.service", alerts.Firing), FateJoined)
		d.ends(host.Incident, Escalated)
		if got := d.takes(about("UnitCrashed", "web.service", alerts.Firing), FateOpened); got.Incident == db.Incident {
			t.Error("it hangs on an incident of which nothing is to be expected")
		}
	})
}

func TestWhatHungIsJudgedAnew(t *testing.T) {
	for _, end := range []State{Escalated, Closed, Cleared} {
		d := newDesk(t)
		host := d.takes(alert("Down", alerts.Firing), FateOpened)
		d.takes(about("UnitCrashed", "web.service", alerts.Firing), FateJoined)
		d.takes(about("UnitCrashed", "db.service", alerts.Firing), FateJoined)
		d.takes(about("UnitCrashed", "db.service", alerts.Resolved), FateJoined)
		if loose, _ := d.Loosened(d.now); len(loose) != 0 {
			t.Fatalf("%d alerts are loose while the incident is at work", len(loose))
		}
		d.ends(host.Incident, end)
		loose, follows := d.Loosened(d.now)
		if len(loose) != 1 || loose[0].Alert.Labels["name"] != "web.service" || follows[0] != host.Incident {
			t.Fatalf("%s: %d alerts are loose, should be the one that fires", end, len(loose))
		}
		again := d.Open(loose[0], d.set, site, "WEB00000", follows[0], d.now)
		d.folds(again)
		if again.Fate != FateOpened || d.Incidents["WEB00000"].Target != Unit("web.service") {
			t.Errorf("%s: %+v", end, again)
		}
		if loose, _ := d.Loosened(d.now); len(loose) != 0 {
			t.Errorf("%s: it is loose for ever", end)
		}
	}
}

func TestAnEpisodeOutlivesItsIncident(t *testing.T) {
	d := newDesk(t)
	first := d.takes(alert("Down", alerts.Firing), FateOpened)
	d.mended(first.Incident)
	d.later(14 * time.Minute)
	d.takes(alert("Down", alerts.Firing), FateRepeated)
	if again, _ := d.Lingering(d.now); len(again) != 0 {
		t.Fatal("taken up again before its 15 minutes are over")
	}
	d.later(time.Minute)
	again, follows := d.Lingering(d.now)
	if len(again) != 1 || follows[0] != first.Incident {
		t.Fatalf("%d are taken up again", len(again))
	}
	d.folds(d.Open(again[0], d.set, site, "NEXT0000", follows[0], d.now))
	if i := d.Incidents["NEXT0000"]; i == nil || i.Follows != first.Incident {
		t.Fatalf("%+v", i)
	}
	if again, _ := d.Lingering(d.now); len(again) != 0 {
		t.Error("it is taken up again twice")
	}
}

func TestAnEpisodeEnds(t *testing.T) {
	t.Run("15 minutes after it was resolved", func(t *testing.T) {
		d := newDesk(t)
		first := d.takes(alert("Down", alerts.Firing), FateOpened)
		d.mended(first.Incident)
		d.takes(alert("Down", alerts.Resolved), FateJoined)
		d.later(15*time.Minute - 1)
		d.takes(alert("Down", alerts.Firing), FateJoined)
		d.takes(alert("Down", alerts.Resolved), FateJoined)
		d.later(15 * time.Minute)
		if len(d.Incidents)+len(d.Episodes) != 0 {
			t.Errorf("%d incidents and %d episodes are kept", len(d.Incidents), len(d.Episodes))
		}
		d.takes(alert("Down", alerts.Firing), FateOpened)
	})
	t.Run("when nobody has spoken of it for 4 h 30 min", func(t *testing.T) {
		d := newDesk(t)
		first := d.takes(alert("Down", alerts.Firing), FateOpened)
		d.ends(first.Incident, Observed)
		d.later(4*time.Hour + 30*time.Minute)
		if len(d.Incidents) != 0 {
			t.Error("it is kept for ever")
		}
	})
	t.Run("when the clock went back in another boot", func(t *testing.T) {
		d := newDesk(t)
		first := d.takes(alert("Down", alerts.Firing), FateOpened)
		d.ends(first.Incident, Observed)
		d.now.Boot, d.now.Up, d.now.Wall = "b2", time.Minute, d.now.Wall.AddDate(-10, 0, 0)
		d.later(time.Minute)
		d.takes(alert("Down", alerts.Firing), FateOpened)
	})
	t.Run("but never while its incident lives", func(t *testing.T) {
		d := newDesk(t)
		d.takes(alert("Down", alerts.Firing), FateOpened)
		d.takes(alert("Down", alerts.Resolved), FateJoined)
		if d.later(24 * time.Hour); len(d.Incidents) != 1 || len(d.Episodes) != 1 {
			t.Error("a live incident was forgotten")
		}
	})
	t.Run("what was left to people who were at work is taken up again", func(t *testing.T) {
		d := newDesk(t)
		d.ends(d.takes(alert("Down", alerts.Firing), FateOpened).Incident, Suppressed)
		d.later(time.Hour)
		if again, _ := d.Lingering(d.now); len(again) != 1 {
			t.Error("a maintenance that is over leaves an alert to nobody")
		}
	})
	t.Run("what a person or a gate ended is not taken up again", func(t *testing.T) {
		for _, end := range []State{Closed, Observed} {
			d := newDesk(t)
			d.ends(d.takes(alert("Down", alerts.Firing), FateOpened).Incident, end)
			d.later(time.Hour)
			if again, _ := d.Lingering(d.now); len(again) != 0 {
				t.Errorf("%s is taken up again", end)
			}
		}
	})
}
