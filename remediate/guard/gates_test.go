package guard

import (
	"testing"
	"time"

	"nightshift/remediate"
)

var (
	now = remediate.Instant{Wall: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC), Boot: "b1", Up: 100 * time.Hour}
	web = remediate.Unit("web.service")
)

// fine are facts that every gate allows.
func fine() Facts {
	return Facts{
		Now: now, Autonomy: remediate.Act, Risk: remediate.Restart, TargetKnown: true, Unhealthy: true,
		PlanDigest: "d1", MaxActing: 1, Attempts: remediate.Attempts{Max: 3, Per: time.Hour, Cooldown: 10 * time.Minute},
		Touches: []Touched{{
			On: web, InInventory: true, Alone: remediate.Restart, KnownInvocation: "i1",
			Situation: remediate.Situation{Known: true, Exists: true, Active: true, State: "active (running)", Invocation: "i1", StartsLeft: -1},
		}},
	}
}

// acting is another incident at work.
func acting(on ...remediate.Target) []ActingIncident {
	return []ActingIncident{{ID: "BBBB2222", Touching: on}}
}

// cases hold each gate to what it refuses, by one change of facts that are fine,
// and to what it lets pass though it comes close.
var cases = []struct {
	gate   string
	reason remediate.Reason // "" where it passes
	name   string
	change func(f *Facts, t *Touched, s *remediate.Situation)
}{
	{"frozen", ReasonFrozen, "by a person", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.Frozen = &remediate.Freeze{By: "ann"} }},

	{"observe-only", ReasonObserveOnly, "observe", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.Autonomy = remediate.WatchOnly }},
	{"observe-only", ReasonObserveOnly, "nothing set", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.Autonomy = remediate.Unset }},

	{"unknown target", remediate.ReasonUnknownTarget, "of the alert", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.TargetKnown = false }},
	{"unknown target", ReasonNotListed, "a unit off the list", func(_ *Facts, t *Touched, _ *remediate.Situation) { t.InInventory = false }},
	{"unknown target", ReasonNotListed, "no such unit", func(_ *Facts, _ *Touched, s *remediate.Situation) { s.Exists = false }},
	{"unknown target", remediate.ReasonUnknownTarget, "taken along, and off the list", func(_ *Facts, t *Touched, _ *remediate.Situation) {
		t.With, t.InInventory = remediate.Unit("db.service"), false
	}},

	{"dependants", ReasonTakesUnread, "nobody knows what it takes along", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.TakesUnread = "no bus" }},
	{"dependants", ReasonTakesChanged, "more than was planned", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.Unplanned = []remediate.Target{web} }},
	{"dependants", ReasonTakesMore, "more than was planned, and the ladder was begun", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.Unplanned, f.Begun = []remediate.Target{web}, true
	}},
	{"dependants", ReasonTakesMore, "more than was planned, in the middle of a rung", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.Unplanned, f.Climbing = []remediate.Target{web}, true
	}},
	{"dependants", "", "what was planned", func(_ *Facts, t *Touched, _ *remediate.Situation) { t.With = remediate.Unit("db.service") }},
	{"busy", "", "taken along, and in auto-restart", func(_ *Facts, t *Touched, s *remediate.Situation) {
		t.With, s.Settling = remediate.Unit("db.service"), true
	}},
	{"deny list", ReasonDenied, "taken along", func(_ *Facts, t *Touched, _ *remediate.Situation) {
		t.With, t.On = web, remediate.Unit("dbus.service")
	}},

	{"stale", ReasonStale, "old, and no probe agrees", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.AlertAge, f.Unhealthy = StaleAfter+1, false }},
	{"stale", "", "old, and a probe agrees", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.AlertAge = 24 * time.Hour }},
	{"stale", "", "not yet old", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.AlertAge, f.Unhealthy = StaleAfter, false }},
	{"stale", "", "old, but the ladder was begun", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.AlertAge, f.Unhealthy, f.Begun = time.Hour, false, true
	}},

	{"truncated", ReasonTruncated, "cut", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.Truncated = true }},

	{"person", remediate.ReasonPersonAtWork, "started anew", func(_ *Facts, _ *Touched, s *remediate.Situation) { s.Invocation = "i2" }},
	{"person", remediate.ReasonPersonAtWork, "stopped", func(_ *Facts, _ *Touched, s *remediate.Situation) { s.Active, s.StoppedByJob = false, true }},
	{"person", "", "started anew by us", func(_ *Facts, t *Touched, s *remediate.Situation) { s.Invocation, t.OurInvocation = "i2", "i2" }},
	{"person", "", "started anew by its own keeper", func(_ *Facts, _ *Touched, s *remediate.Situation) { s.Invocation, s.Restarts = "i2", 3 }},
	{"person", "", "never seen before", func(_ *Facts, t *Touched, s *remediate.Situation) { s.Invocation, t.KnownInvocation = "i2", "" }},
	{"person", "", "died by itself", func(_ *Facts, _ *Touched, s *remediate.Situation) { s.Active = false }},

	{"busy", remediate.ReasonTargetTaken, "the target", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.Holder = "BBBB2222" }},
	{"busy", ReasonBusy, "the same unit", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.Acting, f.MaxActing = acting(web), 9 }},
	{"busy", ReasonBusy, "the host it is on", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.Acting, f.MaxActing = acting(remediate.Host("h")), 9
	}},
	{"busy", ReasonBusy, "as many as may", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.Acting = acting(remediate.Unit("db.service")) }},
	{"busy", "", "another unit, and more may", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.Acting, f.MaxActing = acting(remediate.Unit("db.service")), 2
	}},
	{"busy", "", "as many as may, but in the middle of a rung", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.Acting, f.Climbing = acting(remediate.Unit("db.service")), true
	}},
	{"busy", ReasonBusy, "in the middle of a rung, on the same unit", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.Acting, f.Climbing = acting(web), true }},
	{"busy", ReasonUnreadable, "unreadable", func(_ *Facts, _ *Touched, s *remediate.Situation) { *s = remediate.Situation{Detail: "no bus"} }},
	{"busy", ReasonSettling, "in auto-restart", func(_ *Facts, _ *Touched, s *remediate.Situation) { s.Settling, s.Invocation = true, "i2" }},

	{"cooldown", ReasonCooldown, "too soon", func(_ *Facts, t *Touched, _ *remediate.Situation) { t.LastEnded = ago(9 * time.Minute) }},
	{"cooldown", "", "a person asks", func(f *Facts, t *Touched, _ *remediate.Situation) { t.LastEnded, f.Asked = ago(9*time.Minute), true }},
	{"attempts", "", "a person asks", func(f *Facts, t *Touched, _ *remediate.Situation) { t.Recent, f.Asked = 3, true }},
	{"cooldown", "", "long ago", func(_ *Facts, t *Touched, _ *remediate.Situation) { t.LastEnded = ago(10 * time.Minute) }},
	{"cooldown", ReasonCooldown, "too soon, across a boot", func(_ *Facts, t *Touched, _ *remediate.Situation) {
		t.LastEnded = remediate.Instant{Wall: now.Wall.Add(-time.Minute), Boot: "b0", Up: 999 * time.Hour}
	}},

	{"attempts", ReasonAttempts, "spent", func(_ *Facts, t *Touched, _ *remediate.Situation) { t.Recent = 3 }},
	{"attempts", "", "one left", func(_ *Facts, t *Touched, _ *remediate.Situation) { t.Recent = 2 }},

	{"deny list", ReasonDenied, "dbus", func(_ *Facts, t *Touched, _ *remediate.Situation) { t.On = remediate.Unit("dbus.service") }},
	{"deny list", "", "dbus, allowed by name", func(_ *Facts, t *Touched, _ *remediate.Situation) {
		t.On, t.Allowed = remediate.Unit("dbus.service"), true
	}},

	{"maintenance", ReasonMaintenance, "people work on it", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.Maintenance = "sunday" }},
	{"maintenance", "", "a person asks", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.Maintenance, f.Asked = "sunday", true }},
	{"silence", ReasonSilenced, "a person's", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.Silence = &remediate.Silence{By: "ann"} }},
	{"silence", "", "a person asks", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.Silence, f.Asked = &remediate.Silence{By: "ann"}, true
	}},
	{"source", ReasonSourceSilent, "it is silent", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.SilentSource = "rave" }},
	{"source", "", "the ladder was begun", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.SilentSource, f.Begun = "rave", true }},
	{"source", "", "a person asks", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.SilentSource, f.Asked = "rave", true }},
	{"start-up", ReasonStartingUp, "just booted", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.StartupGrace = now.Up + time.Minute
	}},
	{"start-up", "", "it is over", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.StartupGrace = now.Up
	}},
	{"start-up", "", "a person asks", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.StartupGrace, f.Asked = now.Up+time.Minute, true
	}},
	{"storm", ReasonStorm, "much broke", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.Storm = &remediate.Storm{Why: "5 broke"} }},
	{"storm", ReasonStorm, "the ladder was begun, and another rung is next", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.Storm, f.Begun = &remediate.Storm{Why: "5 broke"}, true
	}},
	{"storm", "", "a rung is under way", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.Storm, f.Climbing = &remediate.Storm{Why: "5 broke"}, true
	}},
	{"storm", "", "a person asks", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.Storm, f.Asked = &remediate.Storm{Why: "5 broke"}, true
	}},
	{"rates", ReasonRate, "used up", window(3, 1)},
	{"rates", ReasonRate, "one rung on more than is left", window(2, 2)},
	{"rates", "", "one left", window(2, 1)},
	{"rates", "", "nothing is touched anew", window(5, 0)},
	{"rates", "", "a person asks", func(f *Facts, t *Touched, s *remediate.Situation) { window(3, 1)(f, t, s); f.Asked = true }},
	{"breaker", ReasonBreaker, "of the unit", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.Breakers = []remediate.Breaker{{On: web, Why: "2 failed"}}
	}},
	{"breaker", ReasonBreaker, "of the playbook", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.Breakers = []remediate.Breaker{{Playbook: "p", Why: "3 failed"}}
	}},
	{"breaker", "", "a person asks", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.Breakers, f.Asked = []remediate.Breaker{{On: web}}, true
	}},
	{"flapping", ReasonFlapping, "the third time", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.Flaps, f.Flapping = 3, flapping3 }},
	{"flapping", "", "the second time", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.Flaps, f.Flapping = 2, flapping3 }},
	{"flapping", "", "no figure", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.Flaps = 9 }},
	{"flapping", "", "the ladder was begun", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.Flaps, f.Flapping, f.Begun = 3, flapping3, true
	}},
	{"flapping", "", "a person asks", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.Flaps, f.Flapping, f.Asked = 3, flapping3, true
	}},
	{"minimum healthy", ReasonMinHealthy, "the last one", group(Group{Min: 1, Healthy: 1, Takes: 1})},
	{"minimum healthy", ReasonMinHealthy, "two of three have to stay", group(Group{Min: 2, Healthy: 2, Takes: 1})},
	{"minimum healthy", "", "another one stays", group(Group{Min: 1, Healthy: 2, Takes: 1})},
	{"minimum healthy", "", "it is down already", group(Group{Min: 2, Healthy: 1})},
	{"minimum healthy", ReasonGroupUnreadable, "the other one can't tell", group(Group{Min: 1, Healthy: 1, Unknown: 1, Takes: 1})},
	{"minimum healthy", ReasonGroupUnreadable, "it can't tell itself", group(Group{Min: 1, Unknown: 1, Unsure: 1})},
	{"minimum healthy", "", "it can't tell itself, and others stay", group(Group{Min: 1, Healthy: 1, Unknown: 1, Unsure: 1})},
	{"minimum healthy", "", "a person asks", func(f *Facts, t *Touched, s *remediate.Situation) {
		group(Group{Min: 1, Healthy: 1, Takes: 1})(f, t, s)
		f.Asked = true
	}},
	{"host", ReasonHostsTurn, "it is at work", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.Aside = &remediate.StoodAside{Until: now.Add(time.Minute), By: "the host"}
	}},
	{"host", "", "its turn is over", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.Aside = &remediate.StoodAside{Until: now, By: "the host"}
	}},
	{"host", "", "no host asks for so long: the clock was wrong when it was agreed", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.Aside = &remediate.StoodAside{Until: now.Add(87600 * time.Hour), By: "the host"}
	}},
	{"guest", ReasonGuestsTurn, "the agent inside is there", func(f *Facts, t *Touched, s *remediate.Situation) {
		f.Opened, t.WaitForGuest, s.GuestActs = ago(time.Minute), 8*time.Minute, true
	}},
	{"guest", "", "its turn is over", func(f *Facts, t *Touched, s *remediate.Situation) {
		f.Opened, t.WaitForGuest, s.GuestActs = ago(8*time.Minute), 8*time.Minute, true
	}},
	{"guest", "", "it is gone, or gave up", func(f *Facts, t *Touched, _ *remediate.Situation) {
		f.Opened, t.WaitForGuest = ago(time.Minute), 8*time.Minute
	}},
	{"guest", "", "the ladder was begun", func(f *Facts, t *Touched, s *remediate.Situation) {
		f.Opened, t.WaitForGuest, s.GuestActs, f.Begun = ago(time.Minute), 8*time.Minute, true, true
	}},
	{"guest", "", "a person asked", func(f *Facts, t *Touched, s *remediate.Situation) {
		f.Opened, t.WaitForGuest, s.GuestActs, f.Asked = ago(time.Minute), 8*time.Minute, true, true
	}},
	{"second rollback", ReasonRolledBack, "too soon", func(f *Facts, t *Touched, _ *remediate.Situation) {
		f.Swaps, f.Grade, t.LastSwap, t.SwapEvery = true, remediate.BootProved, ago(5*time.Hour), 6*time.Hour
	}},
	{"second rollback", "", "long ago", func(f *Facts, t *Touched, _ *remediate.Situation) {
		f.Swaps, f.Grade, t.LastSwap, t.SwapEvery = true, remediate.BootProved, ago(6*time.Hour), 6*time.Hour
	}},
	{"second rollback", "", "no disk goes back", func(f *Facts, t *Touched, _ *remediate.Situation) {
		t.LastSwap, t.SwapEvery = ago(time.Hour), 6*time.Hour
	}},
	{"second rollback", "", "a person asked", func(f *Facts, t *Touched, _ *remediate.Situation) {
		f.Swaps, f.Grade, f.Asked, t.LastSwap, t.SwapEvery = true, remediate.BootProved, true, ago(time.Hour), 6*time.Hour
	}},
	{"approval", ReasonApproval, "to what was never booted", func(f *Facts, t *Touched, _ *remediate.Situation) {
		f.Risk, f.Swaps, f.Grade, t.Alone = remediate.Rollback, true, remediate.WasHealthy, remediate.Rollback
	}},
	{"approval", "", "its site lets it go back alone to what booted", func(f *Facts, t *Touched, _ *remediate.Situation) {
		f.Risk, f.Swaps, f.Grade, t.Alone = remediate.Rollback, true, remediate.BootProved, remediate.Rollback
	}},
	{"approval", ReasonApproval, "a yes that is old", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.Risk, f.Approved, f.ApprovedAt = remediate.Rollback, "d1", ago(15*time.Minute)
	}},
	{"approval", "", "a climb that a yes began", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.Risk, f.Approved, f.ApprovedAt, f.Climbing = remediate.Rollback, "d1", ago(15*time.Minute), true
	}},
	{"approval", ReasonApproval, "a yes that is old, to a climb that an interrupted step began in vain", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.Risk, f.Approved, f.ApprovedAt, f.Climbing, f.Untried = remediate.Rollback, "d1", ago(15*time.Minute), true, true
	}},
	{"approval", ReasonApproval, "more than a restart", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.Risk = remediate.Reset }},
	{"approval", ReasonApproval, "may not act alone", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.Autonomy = remediate.Approve }},
	{"approval", ReasonApproval, "another plan was approved", func(f *Facts, _ *Touched, _ *remediate.Situation) { f.Risk, f.Approved = remediate.Rollback, "d0" }},
	{"approval", "", "this plan was approved", func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.Risk, f.Approved, f.ApprovedAt = remediate.Rollback, "d1", now
	}},
}

// flapping3 is three times in half an hour.
var flapping3 = remediate.Rate{Max: 3, Per: 30 * time.Minute}

// window is a bound of 3 of which so much was used.
func window(made, fresh int) func(*Facts, *Touched, *remediate.Situation) {
	return func(f *Facts, _ *Touched, _ *remediate.Situation) {
		f.Windows = []Window{{Of: "host", Max: 9, Per: time.Hour, New: fresh}, {Of: "unit:web.service", Max: 3, Per: time.Hour, Made: made, New: fresh}}
	}
}

func group(g Group) func(*Facts, *Touched, *remediate.Situation) {
	return func(f *Facts, _ *Touched, _ *remediate.Situation) { g.Name = "front"; f.Groups = []Group{g} }
}

func ago(d time.Duration) remediate.Instant {
	return remediate.Instant{Wall: now.Wall.Add(-d), Boot: now.Boot, Up: now.Up - d}
}

func TestWhatIsFineIsAllowed(t *testing.T) {
	if got := Judge(fine()); got != (remediate.Verdict{Decision: remediate.Allow}) {
		t.Fatalf("%+v", got)
	}
}

func TestEachGateRefusesWhatItIsForAndNothingElse(t *testing.T) {
	for _, c := range cases {
		t.Run(c.gate+"/"+c.name, func(t *testing.T) {
			f := fine()
			c.change(&f, &f.Touches[0], &f.Touches[0].Situation)
			got := Judge(f)
			if c.reason == "" {
				if got.Decision != remediate.Allow {
					t.Fatalf("%s: %s (%s)", got.Gate, got.Reason, got.Detail)
				}
				return
			}
			if got.Gate != c.gate || got.Reason != c.reason {
				t.Fatalf("%q said %q, should be %q and %q", got.Gate, got.Reason, c.gate, c.reason)
			}
			if got.Detail == "" {
				t.Error("it says nothing to people")
			}
			if got.Decision == remediate.Wait && (got.On == "") == got.Until.IsZero() {
				t.Errorf("it waits for %q until %v: exactly one of them ends a wait", got.On, got.Until)
			}
			if got.Decision == remediate.Wait && got.On == "" && !now.Before(got.Until) {
				t.Error("it waits for a time that has come: the incident would ask without end")
			}
		})
	}
}

func TestTheOrderOfTheGates(t *testing.T) {
	want := []string{"frozen", "observe-only", "unknown target", "maintenance", "silence", "stale", "truncated", "source", "person", "host", "dependants", "start-up", "storm",
		"busy", "guest", "cooldown", "attempts", "rates", "breaker", "flapping", "minimum healthy", "second rollback", "deny list", "approval"}
	f := fine()
	for n := len(want) - 1; n >= 0; n-- { // the gate in front decides, whatever those behind it would say
		for _, c := range cases {
			if c.gate == want[n] && c.reason != "" {
				c.change(&f, &f.Touches[0], &f.Touches[0].Situation)
				break
			}
		}
		if got := Judge(f).Gate; got != want[n] {
			t.Errorf("%q decided, should be %q", got, want[n])
		}
	}
	for n, gate := range Gates {
		if n >= len(want) || gate.Name != want[n] {
			t.Errorf("gate %d is %s", n, gate.Name)
		}
	}
}

func TestAllAsksEveryGate(t *testing.T) {
	f := fine()
	f.Frozen, f.Truncated = &remediate.Freeze{}, true
	all := All(f)
	if len(all) != len(Gates) {
		t.Fatalf("%d verdicts", len(all))
	}
	for n, v := range all {
		refuses := v.Gate == "frozen" || v.Gate == "truncated"
		if v.Gate != Gates[n].Name || (v.Decision == remediate.Refuse) != refuses {
			t.Errorf("%+v", v)
		}
	}
}

func TestTheDenyList(t *testing.T) {
	for _, unit := range []string{
		"dbus.service", "dbus-broker.service", "systemd-networkd.service", "systemd-journald.service", "ssh.service", "sshd.service", "sshd@1.service",
		"networking.service", "NetworkManager.service", "nats.service", "nats-server.service", "alertmanager.service",
		"prometheus-alertmanager.service", "nightshift.service", "nightshift-limit@safe:x.service", "polkit.service", "user@0.service", "init.scope",
	} {
		if !Denied(unit) {
			t.Errorf("%s may be acted on", unit)
		}
	}
	for _, unit := range []string{"nginx.service", "prometheus.service", "grafana.service", "postgresql.service", "my-dbus-app.service"} {
		if Denied(unit) {
			t.Errorf("%s is denied", unit)
		}
	}
}

// TestTheTableIsWhatTheGatesSay holds the table's rows, the gates and the cases
// above to each other.
func TestTheTableIsWhatTheGatesSay(t *testing.T) {
	type row struct {
		gate   string
		reason remediate.Reason
	}
	proved, reasons := map[row]bool{}, map[remediate.Reason]string{}
	for _, c := range cases {
		proved[row{c.gate, c.reason}] = true
	}
	for _, gate := range Gates {
		if len(gate.Answers()) == 0 {
			t.Errorf("gate %s has no row", gate.Name)
		}
		for _, a := range gate.Answers() {
			if !proved[row{gate.Name, a.Reason}] {
				t.Errorf("no case shows that gate %s says %s", gate.Name, a.Reason)
			}
			if other, twice := reasons[a.Reason]; twice {
				t.Errorf("%s is said by %s and by %s", a.Reason, other, gate.Name)
			}
			reasons[a.Reason] = gate.Name
			if (a.Decision == remediate.Refuse) != (a.Next != "") {
				t.Errorf("%s: %s leads to %q", a.Reason, a.Decision, a.Next)
			}
			if a.Means == "" {
				t.Errorf("%s means nothing to people", a.Reason)
			}
		}
	}
	for r := range proved {
		if r.reason != "" && reasons[r.reason] != r.gate {
			t.Errorf("%s of gate %s is not in the table", r.reason, r.gate)
		}
	}
	if len(table) != len(Gates) {
		t.Errorf("%d gates have rows, there are %d", len(table), len(Gates))
	}
}

func TestFactsReadBack(t *testing.T) {
	f := fine()
	f.Frozen, f.Acting = &remediate.Freeze{By: "ann", Until: now}, acting(web, remediate.Host("h"))
	f.Touches[0].LastEnded = now
	text, err := remediate.EncodeJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	var read Facts
	if err := remediate.DecodeJSON(text, &read); err != nil {
		t.Fatal(err)
	}
	again, err := remediate.EncodeJSON(read)
	if err != nil || string(again) != string(text) {
		t.Errorf("%v\n%s\n%s", err, text, again)
	}
	if Judge(read) != Judge(f) {
		t.Error("judged again from the log it comes to something else")
	}
}

func TestWhatIsToldOnceIsQuietAfterwards(t *testing.T) {
	f := fine()
	f.Storm, f.Frozen = &remediate.Storm{}, nil
	if Judge(f).Quiet {
		t.Error("the first one of a storm is not told")
	}
	if f.StormTold = true; !Judge(f).Quiet {
		t.Error("each one of a storm is told")
	}
	if f.Frozen = (&remediate.Freeze{By: "ann"}); Judge(f).Quiet {
		t.Error("the first one of a freeze is not told")
	}
	if f.FreezeTold = true; !Judge(f).Quiet {
		t.Error("each one of a freeze is told")
	}
}

// TestWhatStepsTakeAwayFromAGroup: restarts follow each other, stops add up, and what
// is down already, or not in the group, takes nothing away.
func TestWhatStepsTakeAwayFromAGroup(t *testing.T) {
	group := remediate.ManagedGroup{Units: []string{"a.service", "b.service", "c.service"}, MinHealthy: 2}
	step := func(do remediate.Verb, unit string) remediate.Step {
		return remediate.Step{Do: do, On: remediate.Unit(unit)}
	}
	restart, stop := remediate.VerbRestart, remediate.VerbStop
	well := map[string]remediate.Health{"a.service": remediate.Healthy, "b.service": remediate.Healthy, "c.service": remediate.Healthy}
	for name, c := range map[string]struct {
		steps  []remediate.Step
		health map[string]remediate.Health
		want   Group
	}{
		"one":                 {[]remediate.Step{step(restart, "a.service")}, well, Group{Healthy: 3, Takes: 1}},
		"one after the other": {[]remediate.Step{step(restart, "a.service"), step(restart, "b.service")}, well, Group{Healthy: 3, Takes: 1}},
		"two stopped":         {[]remediate.Step{step(stop, "a.service"), step(stop, "b.service")}, well, Group{Healthy: 3, Takes: 2}},
		"another unit":        {[]remediate.Step{step(restart, "x.service")}, well, Group{Healthy: 3}},
		"started":             {[]remediate.Step{step(remediate.VerbStart, "a.service")}, well, Group{Healthy: 3}},
		"down already":        {[]remediate.Step{step(restart, "a.service")}, map[string]remediate.Health{"a.service": remediate.Unhealthy, "b.service": remediate.Healthy, "c.service": remediate.Unhealthy}, Group{Healthy: 1}},
		"nobody knows":        {[]remediate.Step{step(restart, "a.service")}, map[string]remediate.Health{"a.service": remediate.Unknown}, Group{Unknown: 3, Unsure: 1}},
		"taken along":         {[]remediate.Step{{Do: restart, On: remediate.Unit("x.service"), Takes: []remediate.Target{remediate.Unit("a.service"), remediate.Unit("b.service")}}}, well, Group{Healthy: 3, Takes: 2}},
		"one by one, and taken along with another": {[]remediate.Step{step(restart, "c.service"), {Do: restart, On: remediate.Unit("a.service"), Takes: []remediate.Target{remediate.Unit("b.service")}}}, well, Group{Healthy: 3, Takes: 2}},
		"stopped by a start":                       {[]remediate.Step{{Do: remediate.VerbStart, On: remediate.Unit("a.service"), Takes: []remediate.Target{remediate.Unit("b.service")}}}, well, Group{Healthy: 3, Takes: 1}},
		"nobody knows the others":                  {[]remediate.Step{step(restart, "a.service")}, map[string]remediate.Health{"a.service": remediate.Healthy}, Group{Healthy: 1, Unknown: 2, Takes: 1}},
	} {
		c.want.Name, c.want.Min = "front", 2
		if got := GroupOf("front", group, c.steps, c.health); got != c.want {
			t.Errorf("%s: %+v, should be %+v", name, got, c.want)
		}
	}
}
