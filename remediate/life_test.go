package remediate_test

import (
	"time"

	"nightshift/alerts"
	. "nightshift/remediate"
)

// noon is when every test begins, in the boot "b1".
var noon = Instant{Wall: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC), Boot: "b1", Up: 1000 * time.Hour}

// site is an inventory as small as the tests need it.
var site = Inventory{Host: "h1", Units: map[string]ManagedUnit{
	"db.service":   {},
	"app.service":  {Needs: []string{"db.service"}},
	"web.service":  {Needs: []string{"app.service"}, Healthy: []string{"front"}},
	"gc.service":   {Oneshot: true, Risk: Rollback},
	"task.service": {Oneshot: true},
}, VMs: map[string]ManagedVM{"rave": {Unit: "rave-vm.service", Healthy: []string{"front"}, Boots: 2 * time.Minute, Alone: Restart}}}

// threeRungs is a playbook with three rungs of one restart each.
func threeRungs() Playbook {
	rung := func(unit string) Rung {
		return Rung{Name: "restart " + unit, Do: []Move{{Do: VerbRestart, On: Selector{Unit: unit}}}}
	}
	return Playbook{
		Name: "three", Match: alerts.Matching(`alertname="Down"`), Target: TargetRule{Host: true},
		Look:   []Look{{What: SeeMemory}},
		Ladder: []Rung{rung("db.service"), rung("app.service"), rung("web.service")},
		Verify: Verify{Healthy: []string{"front"}, Settle: 5 * time.Second, Window: time.Minute},
	}.WithDefaults()
}

// alert is a firing or resolved alert of that name.
func alert(name string, status alerts.Status) alerts.Alert {
	labels := map[string]string{"alertname": name}
	return alerts.Alert{Status: status, Labels: labels, Fingerprint: alerts.FingerprintOf(labels)}
}

// tb is what a test and a property have in common.
type tb interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// life drives one incident and holds each decision to what is always true.
type life struct {
	t    tb
	i    Incident
	now  Instant
	log  []Event
	want Effect
	plan Plan
	// taken collects the transitions, where somebody wants to know.
	taken map[[2]State]bool
}

// begin opens an incident about this host.
func begin(t tb, p Playbook) *life {
	t.Helper()
	plan, err := MakePlan(p, Host("h1"), Seen{Inventory: site})
	if err != nil {
		t.Fatal(err)
	}
	l := &life{t: t, now: noon, plan: plan}
	l.apply(Event{Type: IncidentOpened, Incident: "AAAA1111", At: l.now, Opened: &Opened{
		Alert: alert("Down", alerts.Firing), Received: l.now, Position: Position{Message: 1}, Playbook: p, Target: Host("h1"),
	}})
	return l.give(Input{Woken: true})
}

func (l *life) apply(e Event) {
	l.t.Helper()
	from := l.i.State
	if err := l.i.Apply(throughText(l.t, e)); err != nil {
		l.t.Fatal(err)
	}
	l.log = append(l.log, e)
	if l.taken != nil {
		l.taken[[2]State{from, l.i.State}] = true
	}
}

// throughText is what a reader of the log makes of an event.
func throughText(t tb, e Event) Event {
	t.Helper()
	text := written(t, e)
	read := Event{Type: e.Type, Incident: e.Incident, At: e.At}
	if err := DecodeJSON([]byte(text), &read); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if again := written(t, read); again != text {
		t.Fatalf("an event reads otherwise than it was written:\n%s\n%s", text, again)
	}
	return read
}

// written is a value as the log would hold it.
func written(t tb, value any) string {
	t.Helper()
	text, err := EncodeJSON(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// decide is Decide, which must change nothing that it was given.
func (l *life) decide(in Input) ([]Event, Effect, error) {
	l.t.Helper()
	before := written(l.t, l.i)
	events, want, err := Decide(l.i, in, l.now)
	if after := written(l.t, l.i); after != before {
		l.t.Fatalf("Decide changed the incident:\n%s\n%s", before, after)
	}
	l.decidesAgain(in, events)
	return events, want, err
}

// decidesAgain fails unless the same follows once more from what the log holds.
func (l *life) decidesAgain(in Input, events []Event) {
	l.t.Helper()
	if len(events) == 0 {
		return
	}
	var logged []Event
	for _, e := range events {
		logged = append(logged, throughText(l.t, e))
	}
	cause, ok := Cause(l.i, logged)
	if !ok {
		l.t.Fatalf("the log does not say why it was decided: %s", written(l.t, in))
	}
	again, _, err := Decide(l.i, cause, l.now)
	if err != nil {
		l.t.Fatal(err)
	}
	if was, is := written(l.t, events), written(l.t, again); was != is {
		l.t.Fatalf("it is decided otherwise once more:\n%s\n%s", was, is)
	}
}

// give gives an input and takes in what follows.
func (l *life) give(in Input) *life {
	l.t.Helper()
	events, want, err := l.decide(in)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, e := range events {
		l.apply(e)
	}
	if want != (Effect{}) {
		l.want = want
	}
	return l
}

// wants fails unless that is wanted next, after so long.
func (l *life) wants(want Want, after time.Duration) *life {
	l.t.Helper()
	if l.want.Want != want || l.want.At.Until(l.now) != after {
		l.t.Fatalf("%s: it wants %s in %s; should want %s in %s", l.i.State, l.want.Want, l.want.At.Until(l.now), want, after)
	}
	return l
}

// is fails unless the incident is in that state for that reason.
func (l *life) is(state State, why Reason) *life {
	l.t.Helper()
	reason := l.i.Reason
	if l.i.Wait != nil {
		reason = l.i.Wait.Reason
	}
	if l.i.State != state || reason != why {
		l.t.Fatalf("it is %s (%s: %s), should be %s (%s)", l.i.State, reason, l.i.Detail, state, why)
	}
	return l
}

// silent fails if the input records anything.
func (l *life) silent(in Input) *life {
	l.t.Helper()
	n := len(l.log)
	if l.give(in); len(l.log) != n {
		l.t.Fatalf("%s was recorded though nothing happened", l.log[n].Type)
	}
	return l
}

func (l *life) after(d time.Duration) *life { l.now = l.now.Add(d); return l }

func seen(h Health) []Observation {
	return []Observation{{Probe: "front", Health: h, Detail: "as told"}}
}

func (l *life) looks(h Health) *life {
	l.t.Helper()
	return l.give(Input{Looked: &Looked{Observations: seen(h), Verify: 1, Plan: l.plan, Invocations: map[Target]string{Unit("db.service"): "i1"}}})
}

func (l *life) judged(v Verdict) *life {
	l.t.Helper()
	return l.give(Input{Judged: &Judgement{Verdict: v, Facts: RawJSON(`{"n":1}`)}})
}

var allow = Verdict{Decision: Allow}

func (l *life) prepares(v Verdict) *life {
	l.t.Helper()
	return l.give(Input{Prepared: &Prepared{Judgement: Judgement{Verdict: v}, Witness: Witness{"InvocationID": "i1"}}})
}

// allowed goes from a look to the intent.
func (l *life) allowed() *life {
	l.t.Helper()
	l.looks(Unhealthy).wants(WantJudge, 0).judged(allow)
	if !l.i.Gathered && len(l.i.Playbook.Look) > 0 {
		l.wants(WantGather, 0).give(Input{Gathered: &Gathered{Evidence: []Evidence{{Look: Look{What: SeeMemory}, Text: "x"}}}})
	}
	return l.wants(WantPrepare, 0).prepares(allow).wants(WantAct, 0)
}

func (l *life) acts(r Result) *life {
	l.t.Helper()
	return l.give(Input{Acted: &Acted{Receipt: Receipt{Result: r, Took: time.Second}, Invocations: map[Target]string{Unit("db.service"): "i2"}}})
}

func (l *life) probes(h Health) *life { l.t.Helper(); return l.give(Input{Probed: seen(h)}) }

// settles waits until the probes of a verification count.
func (l *life) settles() *life {
	l.t.Helper()
	l.wants(WantProbe, 5*time.Second)
	return l.after(5 * time.Second)
}

// stays gives one answer of the probes for a whole window.
func (l *life) stays(h Health) *life {
	l.t.Helper()
	return l.settles().probes(h).after(time.Minute).probes(h)
}

func (l *life) hears(status alerts.Status) *life {
	l.t.Helper()
	l.apply(Event{Type: IncidentJoined, Incident: l.i.ID, At: l.now, Joined: &Joined{
		Alert: alert("Down", status), Received: l.now, Position: Position{Message: uint64(len(l.log) + 10)},
	}})
	return l.give(Input{Look: true})
}

func (l *life) person(verb string) *life {
	l.t.Helper()
	said := Said{Verb: verb, By: "ann", Comment: "because", Approves: Rollback, Force: true}
	if l.i.Plan != nil && l.i.Rung < len(l.i.Plan.Rungs) {
		said.Plan = l.i.Plan.Rungs[l.i.Rung].Digest
	}
	return l.give(Input{Said: &said})
}

// crash forgets the last n events and all that was under way, as a kill does, and
// takes the incident up again after a while.
func (l *life) crash(n int, away time.Duration) *life {
	l.t.Helper()
	l.log = l.log[:len(l.log)-n]
	l.i = fold(l.t, l.log)
	return l.after(away).give(Input{Again: true})
}

func fold(t tb, log []Event) Incident {
	t.Helper()
	var i Incident
	for _, e := range log {
		if err := i.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	return i
}

// started counts the intents.
func (l *life) started() (n int) {
	for _, e := range l.log {
		if e.Started != nil {
			n++
		}
	}
	return n
}
