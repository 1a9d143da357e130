package remediate_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nightshift/alerts"
	. "nightshift/remediate"
)

// walk is one random life of an incident, held to the rules after each input.
type walk struct {
	*life
	t *rapid.T
	// agreed is whether a probe agreed with the alert, as far as anybody knows now.
	agreed bool
	// strays is whether answers come that nobody asked for. The engine drops such.
	strays bool
	// vm is whether it is about a virtual machine.
	vm bool
}

// answers of the world, as wild as they may be.
var (
	healths  = rapid.SampledFrom([]Health{Unknown, Healthy, Unhealthy})
	results  = rapid.SampledFrom(Results)
	verdicts = rapid.SampledFrom([]Verdict{
		{Decision: Allow}, {Decision: Allow}, {Decision: Allow}, {Decision: Hold, Reason: "approval_wanted"},
		{Decision: Wait, Reason: "busy", On: "BBBB2222"}, {Decision: Wait, Reason: "settling"},
		{Decision: Refuse, Reason: "frozen", Next: Escalated}, {Decision: Refuse, Reason: "observe_only", Next: Observed},
		{Decision: Refuse, Reason: "silenced", Next: Suppressed}, {Decision: Refuse, Reason: ReasonPersonAtWork, Next: Verifying},
	})
	verbs = rapid.SampledFrom([]string{PersonCloses, PersonResumes, PersonResumes, PersonApproves, PersonApproves, PersonDenies, PersonCancels, PersonAcks, PersonAcks, PersonComments})
	pause = rapid.SampledFrom([]time.Duration{0, 0, time.Second, 5 * time.Second, time.Minute, 3 * time.Minute, 20 * time.Minute})
)

func (w *walk) verdict() Verdict {
	v := verdicts.Draw(w.t, "verdict")
	if v.Decision == Wait && v.On == "" {
		v.Until = w.now.Add(pause.Draw(w.t, "until") + time.Second)
	}
	return v
}

// input is an answer to what is wanted, or anything else.
func (w *walk) input() Input {
	want := w.want.Want
	switch stray := rapid.IntRange(0, 4).Draw(w.t, "stray"); {
	case stray == 0 && !w.strays:
		want = rapid.SampledFrom([]Want{"say", "notice", "again"}).Draw(w.t, "input")
	case stray == 0:
		want = rapid.SampledFrom([]Want{WantLook, WantJudge, WantGather, WantPrepare, WantAct, WantReconcile, WantProbe, "say", "notice", "again"}).Draw(w.t, "input")
	}
	switch want {
	case WantLook:
		return Input{Looked: &Looked{Observations: seen(healths.Draw(w.t, "seen")), Verify: 1, Plan: w.ladder(), Invocations: map[Target]string{Unit("db.service"): "i1"}}}
	case WantJudge:
		return Input{Judged: &Judgement{Verdict: w.verdict(), Facts: RawJSON(`{}`)}}
	case WantGather:
		return Input{Gathered: &Gathered{Evidence: []Evidence{{Look: Look{What: SeeUnit}, Text: "x"}}}}
	case WantPrepare:
		error := rapid.SampledFrom([]string{"", "", "", "", "", "", "no bus"}).Draw(w.t, "error")
		if w.i.Bound(w.now) {
			return Input{Prepared: &Prepared{Judgement: Judgement{Verdict: Verdict{Decision: Allow}}, Witness: Witness{"a": "b"}}}
		}
		return Input{Prepared: &Prepared{Judgement: Judgement{Verdict: w.verdict()}, Witness: Witness{"a": "b"}, Error: error}}
	case WantAct, WantReconcile:
		return Input{Acted: w.acted(want == WantReconcile)}
	case WantProbe:
		return Input{Probed: seen(healths.Draw(w.t, "probed"))}
	case "say":
		return Input{Said: w.says()}
	case "notice":
		return Input{Look: true}
	case "again":
		return Input{Again: true}
	}
	return Input{Woken: true}
}

// says is a person's verb, with all that it may need.
func (w *walk) says() *Said {
	said := Said{Verb: verbs.Draw(w.t, "verb"), By: "ann", Approves: Rollback, Force: rapid.Bool().Draw(w.t, "force"), Again: rapid.Bool().Draw(w.t, "once more"), Seen: seen(healths.Draw(w.t, "says"))}
	if w.i.Plan != nil && w.i.Rung < len(w.i.Plan.Rungs) {
		said.Plan = w.i.Plan.Rungs[w.i.Rung].Digest
	}
	return &said
}

func (w *walk) acted(recovered bool) *Acted {
	switch rapid.IntRange(0, 5).Draw(w.t, "acted") {
	case 0:
		return &Acted{NotDone: true, Recovered: recovered, Error: "no"}
	case 1:
		return &Acted{InDoubt: true, Recovered: recovered, Error: "no bus"}
	}
	return &Acted{Receipt: Receipt{Result: results.Draw(w.t, "result")}, Recovered: recovered}
}

// ladder is one of a few plans.
func (w *walk) ladder() Plan {
	p := w.i.Playbook
	if w.vm {
		m := running
		m.Alive, m.Paused = rapid.Bool().Draw(w.t, "alive"), rapid.Bool().Draw(w.t, "paused")
		return planned(w.t, p, m)
	}
	p.Ladder = p.Ladder[rapid.IntRange(0, len(p.Ladder)).Draw(w.t, "rungs left out"):]
	plan, err := MakePlan(p, Host("h1"), Seen{Inventory: site})
	if err != nil {
		w.t.Fatal(err)
	}
	return plan
}

// gives gives an input and holds what follows to the rules. A person's verb may
// not fit.
func (w *walk) gives(in Input) {
	before := w.i.Clone()
	events, want, err := w.decide(in)
	if err != nil {
		if in.Said == nil {
			w.t.Fatal(err)
		}
		return
	}
	w.believes(in)
	for _, e := range events {
		w.allowed(in, e)
		w.apply(e)
		// Also between two events: a crash may come there, and the other incidents ask.
		if waits := w.i.State == Waiting; waits != (w.i.Wait != nil) {
			w.t.Fatalf("%s leaves it %s, and what it waits for is %+v", e.Type, w.i.State, w.i.Wait)
		}
	}
	w.sane(before, in, events, want)
	if want != (Effect{}) {
		w.want = want
	}
}

// believes keeps whether a probe agrees with the alert.
func (w *walk) believes(in Input) {
	switch {
	case in.Again:
		w.agreed = w.i.Intent != nil && w.agreed
	case in.Looked != nil:
		w.agreed = Worst(in.Looked.Observations) == Unhealthy
	case in.Probed != nil && w.want.Want == WantProbe:
		w.agreed = Worst(in.Probed) == Unhealthy
	}
}

// allowed holds a new event to what was before it.
func (w *walk) allowed(in Input, e Event) {
	switch {
	case !w.i.State.Live():
		w.t.Fatalf("%s after the end (%s)", e.Type, w.i.State)
	case e.Started == nil:
		return
	case in.Prepared == nil || in.Prepared.Verdict.Decision != Allow || in.Prepared.Error != "":
		w.t.Fatalf("an intent without an allow in that very input: %+v", in)
	case w.i.Intent != nil:
		w.t.Fatal("an intent while another is not finished")
	case w.i.State == Escalated:
		w.t.Fatal("an intent after people got it")
	case w.i.Bound(w.now): // nothing of what follows holds it up half-way
	case !w.i.Firing && w.i.Rung == 0:
		w.t.Fatal("a first rung though the alert is gone")
	case !w.agreed && !w.strays && w.i.Asked == nil:
		w.t.Fatal("an intent without a probe that agrees")
	case w.i.Overdue(w.now):
		w.t.Fatal("an intent after the deadline")
	case w.i.Canceled != nil:
		w.t.Fatal("an intent after it was canceled")
	}
	tries := 1
	for _, old := range slices.Backward(w.log) {
		if old.Answered != nil && old.Answered.Verb == PersonResumes {
			break
		}
		if s := old.Started; s != nil && s.Rung == e.Started.Rung && s.Step == e.Started.Step {
			tries++
		}
	}
	if tries > 2 || tries > 1 && !Verbs[e.Started.What.Do].RepeatSafe {
		w.t.Fatalf("%s is tried %d times", e.Started.What, tries)
	}
}

// sane holds the incident to what is true after every input.
func (w *walk) sane(before Incident, in Input, events []Event, want Effect) {
	i := &w.i
	if folded, is := written(w.t, fold(w.t, w.log)), written(w.t, *i); folded != is {
		w.t.Fatalf("the fold of the log is another incident:\n%s\n%s", folded, is)
	}
	if i.State.Live() && i.State != Escalated && i.Overdue(w.now) {
		w.t.Fatalf("%s after the deadline", i.State)
	}
	if i.State.Live() == (want.Want == WantNothing) {
		w.t.Fatalf("%s wants %s", i.State, want.Want)
	}
	if acts := slices.ContainsFunc(events, func(e Event) bool { return e.Started != nil }); acts != (want.Want == WantAct) {
		w.t.Fatalf("an act is wanted %t, an intent recorded %t", want.Want == WantAct, acts)
	}
	aside := func(e Event) bool { return e.Paged != nil || e.Acknowledged != nil || e.Answered != nil }
	if want == (Effect{}) && (!in.Look && in.Said == nil && !in.Woken || !all(events, aside)) {
		w.t.Fatal("nothing is wanted")
	}
	if i.State.Live() && i.State != Escalated && want.At.Since(i.Due(w.now)) > 0 && i.Intent == nil && !i.Bound(w.now) {
		w.t.Fatalf("it wants %s only %s after its deadline", want.Want, want.At.Since(i.Due(w.now)))
	}
	if (want.Want == WantJudge || want.Want == WantPrepare) && (i.Plan == nil || i.Rung >= len(i.Plan.Rungs)) {
		w.t.Fatalf("%s is wanted of rung %d, which is not there", want.Want, i.Rung)
	}
	if i.State == Escalated && before.State == Escalated && before.Intent == nil && i.Intent != nil {
		w.t.Fatal("a step began while people have it")
	}
}

func all(events []Event, are func(Event) bool) bool {
	return !slices.ContainsFunc(events, func(e Event) bool { return !are(e) })
}

// hears brings news of the alert.
func (w *walk) hears() {
	if !w.i.State.Live() {
		return
	}
	status := rapid.SampledFrom([]alerts.Status{alerts.Firing, alerts.Firing, alerts.Resolved}).Draw(w.t, "status")
	w.apply(Event{Type: IncidentJoined, Incident: w.i.ID, At: w.now, Joined: &Joined{Alert: alert("Down", status)}})
	if rapid.Bool().Draw(w.t, "told at once") {
		w.gives(Input{Look: true})
	}
}

// dies loses what the last decision had not yet recorded, and comes back later,
// perhaps in another boot with another idea of the time.
func (w *walk) dies(last int) {
	lost := rapid.IntRange(0, last).Draw(w.t, "lost")
	w.log = w.log[:len(w.log)-lost]
	w.i = fold(w.t, w.log)
	w.now = w.now.Add(pause.Draw(w.t, "away"))
	if rapid.IntRange(0, 3).Draw(w.t, "boot") == 0 {
		w.now.Boot, w.now.Up = fmt.Sprint(w.now.Boot, "'"), time.Minute
		w.now.Wall = w.now.Wall.Add(rapid.SampledFrom([]time.Duration{0, -time.Hour, 24 * time.Hour}).Draw(w.t, "jump"))
	}
	w.agreed = false
	w.gives(Input{Again: true})
}

// roundTrips writes a ledger that holds the incident and reads it back.
func (w *walk) roundTrips() {
	l := NewLedger()
	for _, e := range w.log {
		if err := l.Apply(e); err != nil {
			w.t.Fatal(err)
		}
	}
	text, read := written(w.t, l), NewLedger()
	if err := DecodeJSON([]byte(text), read); err != nil {
		w.t.Fatal(err)
	}
	if again := written(w.t, read); again != text {
		w.t.Fatalf("a snapshot reads otherwise than it was written:\n%s\n%s", text, again)
	}
}

// through holds an incident to the one promise about a VM: from its power-down to
// its start nothing but a doubt, or far too much time, comes in between.
func (w *walk) through() {
	i := &w.i
	rung := Tried{}
	if len(i.Tried) > 0 {
		rung = i.Tried[len(i.Tried)-1]
	}
	down, started, people := false, false, false
	var what Step
	for _, e := range w.log {
		late := e.At.Since(rung.Started) >= 30*time.Minute // the deadline, from the rung's first intent
		switch {
		case e.Started != nil:
			what = e.Started.What
		case e.Ended != nil && e.Ended.State == Escalated && (late || e.Ended.Reason == ReasonInDoubt):
			down, people = false, true
		case e.Answered != nil && e.Answered.Verb == PersonResumes:
			people = false
		case people:
		case e.Finished != nil && !e.Finished.NotDone && what.Do == VerbPowerDown:
			down, started = true, false
		case e.Finished != nil && !e.Finished.NotDone && what.Do == VerbBoot:
			started = true
		}
	}
	if down && !started && i.State != Acting {
		w.t.Fatalf("the VM is down and the incident is %s (%s: %s)", i.State, i.Reason, i.Detail)
	}
}

func TestEveryLifeOfAVMGoesThrough(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &walk{t: rt, vm: true}
		if rapid.Bool().Draw(rt, "asked") {
			w.life = askedFor(rt, Playbook{Name: "vm-rollback", Ladder: []Rung{goBack}, Verify: Verify{Healthy: []string{"target"}}})
		} else {
			p := vmDown()
			p.Ladder = p.Ladder[rapid.IntRange(0, 2).Draw(rt, "first"):]
			w.life = opensVM(rt, p)
		}
		for range rapid.IntRange(1, 60).Draw(rt, "length") {
			n := len(w.log)
			switch rapid.IntRange(0, 9).Draw(rt, "what") {
			case 0:
				if w.i.Asked == nil {
					w.hears()
				}
			case 1:
				w.gives(w.input())
				w.dies(len(w.log) - n)
			case 2:
				w.now = w.now.Add(pause.Draw(rt, "pause"))
				if w.want.Want == WantRest || w.i.Overdue(w.now) {
					w.gives(Input{Woken: true})
				}
			default:
				if wait := w.want.At.Until(w.now); wait < time.Hour {
					w.now = w.now.Add(wait)
				}
				w.gives(w.input())
			}
			w.through()
			if !w.i.State.Live() {
				break
			}
		}
		w.roundTrips()
	})
}

func TestEveryLifeKeepsTheRules(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := threeRungs()
		p.Ladder[0].Do = append(p.Ladder[0].Do, Move{Do: VerbOneshot, On: Selector{Unit: "task.service"}})
		w := &walk{life: begin(rt, p), t: rt, strays: rapid.Bool().Draw(rt, "strays")}
		for range rapid.IntRange(1, 60).Draw(rt, "length") {
			n := len(w.log)
			switch rapid.IntRange(0, 12).Draw(rt, "what") {
			case 0:
				w.hears()
			case 1:
				w.gives(w.input())
				w.dies(len(w.log) - n)
			case 2, 3:
				w.now = w.now.Add(pause.Draw(rt, "pause"))
				if w.want.Want == WantRest || w.i.Overdue(w.now) {
					w.gives(Input{Woken: true})
				}
			default:
				if wait := w.want.At.Until(w.now); wait < time.Hour {
					w.now = w.now.Add(wait)
				}
				w.gives(w.input())
			}
			if !w.i.State.Live() {
				break
			}
		}
		w.roundTrips()
	})
}
