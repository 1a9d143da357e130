package remediate_test

import (
	"strings"
	"testing"
	"time"

	. "nightshift/remediate"
)

var hold = Verdict{Decision: Hold, Reason: "approval_wanted"}

// twoSteps is a playbook whose one rung has two steps.
func twoSteps() Playbook {
	p := threeRungs()
	p.Ladder = []Rung{{Name: "two", Do: []Move{{Do: VerbRestart, On: Selector{Unit: "db.service"}}, {Do: VerbRestart, On: Selector{Unit: "app.service"}}}}}
	return p
}

// standing are incidents as they may stand when a person speaks.
var standing = map[string]func(t tb) *life{
	"open":      func(t tb) *life { return begin(t, threeRungs()) },
	"waiting":   func(t tb) *life { return begin(t, threeRungs()).looks(Unhealthy).judged(busy("BBBB2222")) },
	"held":      func(t tb) *life { return begin(t, threeRungs()).looks(Unhealthy).judged(hold) },
	"approved":  func(t tb) *life { return begin(t, threeRungs()).looks(Unhealthy).judged(hold).person(PersonApproves) },
	"allowed":   func(t tb) *life { return begin(t, threeRungs()).looks(Unhealthy).judged(allow) },
	"in a step": func(t tb) *life { return begin(t, threeRungs()).allowed() },
	"half done": func(t tb) *life { return begin(t, twoSteps()).allowed().acts(Done) },
	"verifying": func(t tb) *life { return begin(t, threeRungs()).allowed().acts(Done) },
	"next rung": func(t tb) *life { return begin(t, threeRungs()).allowed().acts(Done).stays(Unhealthy).judged(allow) },
	"with people": func(t tb) *life {
		return begin(t, threeRungs()).looks(Unhealthy).judged(Verdict{Decision: Refuse, Reason: "frozen", Next: Escalated})
	},
	"expired": func(t tb) *life {
		return begin(t, threeRungs()).looks(Unhealthy).judged(hold).after(ApprovalLasts).give(Input{Woken: true})
	},
	"late in a step": func(t tb) *life {
		return begin(t, threeRungs()).allowed().after(time.Hour).give(Input{Woken: true})
	},
	"over": func(t tb) *life { return begin(t, threeRungs()).person(PersonCloses) },
}

// TestWhatAPersonMaySay holds each verb in each situation to what becomes of it: a
// state; "same", where it is recorded and nothing moves; or "no".
func TestWhatAPersonMaySay(t *testing.T) {
	order := []string{"open", "waiting", "held", "approved", "allowed", "in a step", "half done", "verifying", "next rung", "with people", "expired", "late in a step", "over"}
	for verb, row := range map[string]string{
		//               open     waiting  held     approved allowed  in a step half done verifying next rung with people expired late    over
		PersonAcks:     "same     same     same     same     same     same      same      same      same      same        same    same    no",
		PersonComments: "same     same     same     same     same     same      same      same      same      same        same    same    no",
		PersonApproves: "no       no       open     no       no       no        no        no        no        no          no      no      no",
		"again":        "no       no       no       no       no       no        no        no        no        no          open    no      no",
		PersonDenies:   "no       no       declined declined declined no        no        no        declined  no          no      no      no",
		PersonCancels:  "closed   closed   closed   closed   closed   same      escalated escalated escalated no          no      no      no",
		PersonResumes:  "no       no       no       no       no       no        no        no        no        open        open    no      no",
		PersonCloses:   "cleared  cleared  cleared  cleared  cleared  no        cleared   cleared   cleared   cleared     cleared no      no",
		"force":        "closed   closed   closed   closed   closed   no        closed    closed    closed    closed      closed  no      no",
	} {
		for n, want := range strings.Fields(row) {
			t.Run(verb+" "+order[n], func(t *testing.T) {
				l := standing[order[n]](t)
				before, recorded := l.i.State, len(l.log)
				events, effect, err := l.decide(Input{Said: said(l, verb)})
				for _, e := range events {
					l.apply(e)
				}
				switch got := l.i.State; {
				case (want == "no") != (err != nil):
					t.Errorf("%s, and the error is %v", got, err)
				case want == "no" && len(events) > 0:
					t.Errorf("it was refused, and recorded: %v", events)
				case want == "same" && (got != before || len(l.log) != recorded+1 || effect != (Effect{})):
					t.Errorf("%s became %s with %d events and wants %v: nothing should be disturbed", before, got, len(events), effect)
				case want != "no" && want != "same" && got != State(want):
					t.Errorf("it became %s, want %s", got, want)
				}
			})
		}
	}
}

// said is a verb as ann says it, with the digest of what she sees.
func said(l *life, verb string) *Said {
	s := &Said{Verb: verb, By: "ann", Comment: "because", Approves: Rollback, Seen: seen(Healthy)}
	switch verb {
	case "again":
		s.Verb, s.Again = PersonApproves, true
	case "force":
		s.Verb, s.Force, s.Seen = PersonCloses, true, seen(Unhealthy)
	}
	if l.i.Plan != nil && l.i.Rung < len(l.i.Plan.Rungs) {
		s.Plan = l.i.Plan.Rungs[l.i.Rung].Digest
	}
	return s
}

func TestClosingAsksTheProbesFirst(t *testing.T) {
	for _, seen := range [][]Observation{seen(Unhealthy), seen(Unknown), nil} {
		l := standing["with people"](t)
		_, _, err := l.decide(Input{Said: &Said{Verb: PersonCloses, By: "ann", Seen: seen}})
		if err == nil || !strings.Contains(err.Error(), "--force") {
			t.Errorf("%v: %v", seen, err)
		}
	}
	l := standing["with people"](t)
	l.give(Input{Said: &Said{Verb: PersonCloses, By: "ann", Comment: "a cable", Seen: seen(Healthy)}}).is(Cleared, ReasonHealthy)
	if l.i.By != "ann" || l.i.Comment != "a cable" {
		t.Errorf("by %q: %q", l.i.By, l.i.Comment)
	}
}

func TestWhoMayApproveWhat(t *testing.T) {
	for approves, ok := range map[Risk]bool{Observe: false, Limit: false, Restart: true, Reset: true, Rollback: true} {
		l := standing["held"](t)
		s := said(l, PersonApproves)
		s.Approves = approves
		_, _, err := l.decide(Input{Said: s})
		if (err == nil) != ok {
			t.Errorf("a restart by somebody who may approve up to %s: %v", approves, err)
		}
		if err != nil && (!strings.Contains(err.Error(), "restart") || !strings.Contains(err.Error(), approves.String())) {
			t.Errorf("the refusal does not say what is wanted, and what they may: %v", err)
		}
	}
}

func TestANoBeatsAYesUntilTheIntent(t *testing.T) {
	l := standing["approved"](t).looks(Unhealthy).judged(allow).is(Acting, "")
	l.person(PersonDenies).is(Declined, ReasonDenied).wants(WantNothing, 0).prepares(allow)
	if l.started() != 0 {
		t.Error("it was done though somebody said no")
	}
}

func TestCancelLetsTheStepEnd(t *testing.T) {
	t.Run("in a step", func(t *testing.T) {
		l := begin(t, twoSteps()).allowed().person(PersonCancels).is(Acting, "").acts(Done)
		if l.is(Escalated, ReasonCanceled); l.i.By != "ann" || l.started() != 1 {
			t.Errorf("by %q, %d steps", l.i.By, l.started())
		}
	})
	t.Run("also after a crash", func(t *testing.T) {
		begin(t, twoSteps()).allowed().person(PersonCancels).crash(0, time.Minute).wants(WantReconcile, 0).acts(Done).is(Escalated, ReasonCanceled)
	})
	t.Run("twice", func(t *testing.T) {
		l := begin(t, twoSteps()).allowed().person(PersonCancels)
		if _, _, err := l.decide(Input{Said: &Said{Verb: PersonCancels, By: "bob"}}); err == nil || !strings.Contains(err.Error(), "ann") {
			t.Errorf("%v", err)
		}
	})
	t.Run("never half-way through a rollback", func(t *testing.T) {
		p := vmDown()
		p.Ladder = []Rung{goBack}
		l := opensVM(t, p).allowed().person(PersonCancels).acts(Done).is(Acting, "")
		l.prepares(allow).acts(Done).is(Acting, "").prepares(allow).acts(Done).is(Escalated, ReasonCanceled)
	})
}

func TestASilenceAcknowledgesOnceByClaim(t *testing.T) {
	claim := Input{Said: &Said{Verb: PersonAcks, By: "whoever", Claimed: true, Silence: "s1"}}
	l := standing["with people"](t).give(claim)
	if a := l.i.Acknowledged; a == nil || !a.Claimed || a.Silence != "s1" || a.By != "whoever" {
		t.Fatalf("%+v", a)
	}
	l.silent(claim).after(3 * time.Hour).give(Input{Woken: true})
	if l.i.Acknowledged != nil {
		t.Error("a claim that came to nothing lasts for ever")
	}
	l.silent(claim)
	other := *claim.Said
	other.Silence = "s2"
	l.give(Input{Said: &other})
	if l.i.Acknowledged == nil {
		t.Error("another silence says nothing")
	}
	l.give(Input{Said: &Said{Verb: PersonAcks, By: "ann", Mute: true}})
	third := other
	third.Silence = "s3"
	l.silent(Input{Said: &third})
	if a := l.i.Acknowledged; a.By != "ann" || a.Claimed || !a.Mute {
		t.Errorf("a claim took the place of somebody who said so: %+v", a)
	}
}
