package engine_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"nightshift/alerts"
	. "nightshift/remediate"
	"nightshift/remediate/engine/enginetest"
)

func TestAFreezeBetweenTheJudgementAndTheEffect(t *testing.T) {
	for _, by := range []string{"log", "file"} {
		inBubble(t, func(r *rig) {
			r.breaks("db.service")
			release := r.world.Hang("see") // the rung was allowed, and the evidence is being taken
			r.takes(down(alerts.Firing))
			r.is(Acting, "")
			if by == "file" {
				r.frozen = &Freeze{By: "file"}
			} else if _, err := r.Freeze(r.Context(), "ann", "maintenance", 0, nil); err != nil {
				r.Fatal(err)
			}
			release()
			r.after(time.Minute)
			r.is(Escalated, "frozen")
			r.did()
		})
	}
}

func TestAFreezeEndsByItself(t *testing.T) {
	inBubble(t, func(r *rig) {
		f, err := r.Freeze(r.Context(), "ann", "an hour\nof peace", time.Hour, nil)
		if err != nil || f.Until.Until(r.clock()) != time.Hour {
			r.Fatalf("%+v %v", f, err)
		}
		r.breaks("db.service")
		r.takes(down(alerts.Firing))
		r.is(Escalated, "frozen")
		r.after(time.Hour + 2*time.Second)
		if f, err := r.Frozen(r.Context()); f != nil || err != nil {
			r.Fatalf("frozen by %+v, %v", f, err)
		}
		thawed := 0
		for _, e := range r.log.Events() {
			if e.Thawed != nil {
				thawed++
			}
		}
		if thawed != 1 {
			r.Errorf("%d times thawed", thawed)
		}
		if _, err := r.Say(r.Context(), string(r.one().ID), Said{Verb: PersonResumes, By: "ann"}); err != nil {
			r.Fatal(err)
		}
		r.after(4 * time.Minute)
		r.is(Resolved, ReasonFixed)
	})
}

func TestThaw(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.Freeze(r.Context(), "ann", "", 0, nil)
		if err := r.Thaw(r.Context(), "ann", "done", nil); err != nil {
			r.Fatal(err)
		}
		if err := r.Thaw(r.Context(), "ann", "twice", nil); err != nil {
			r.Errorf("thawing what is not frozen: %v", err)
		}
		r.frozen = &Freeze{By: "file", Reason: "/x/freeze"}
		if err := r.Thaw(r.Context(), "ann", "", nil); err == nil || !strings.Contains(err.Error(), "/x/freeze") {
			r.Errorf("a file freezes still, and thaw says %v", err)
		}
	})
}

func TestADamagedJournalStaysFrozenUntilItIsAccepted(t *testing.T) {
	inBubble(t, func(r *rig) {
		damage := Freeze{By: "nightshift", Reason: "a hole", Damage: true}
		if err := r.Record(r.Context(), Event{Type: HostFroze, Froze: &damage}); err != nil {
			r.Fatal(err)
		}
		if err := r.Thaw(r.Context(), "ann", "", nil); err == nil || !strings.Contains(err.Error(), "accept") {
			r.Errorf("thaw: %v", err)
		}
		if f, err := r.Freeze(r.Context(), "ann", "short", time.Second, nil); err != nil || !f.Damage {
			r.Errorf("a short freeze took the place of the damage: %+v %v", f, err)
		}
		if r.after(time.Minute); r.Thaw(r.Context(), "ann", "", nil) == nil {
			r.Error("the damage was forgotten")
		}
		broken := errors.New("no")
		if err := r.AcceptDamage(r.Context(), "ann", "seen", func() error { return broken }); !errors.Is(err, broken) {
			r.Errorf("accept: %v", err)
		}
		if err := r.AcceptDamage(r.Context(), "ann", "seen", func() error { return nil }); err != nil {
			r.Fatal(err)
		}
		if f, _ := r.Frozen(r.Context()); f == nil || f.Damage || f.By != "ann" {
			r.Errorf("after it was accepted: %+v", f)
		}
		if err := r.Thaw(r.Context(), "ann", "", nil); err != nil {
			r.Error(err)
		}
	})
}

func TestWhatCantBeRecordedIsNotSaidToBeDone(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.takes(down(alerts.Firing))
		r.log.Decide(func(int, Event) enginetest.Fate { return enginetest.Refused })
		if _, err := r.Freeze(r.Context(), "ann", "", 0, nil); err == nil || !strings.Contains(err.Error(), "freeze file") {
			r.Errorf("freeze: %v", err)
		}
		if f, _ := r.Frozen(r.Context()); f != nil {
			r.Error("it believes in a freeze that the log does not hold")
		}
		if _, err := r.Say(r.Context(), string(r.one().ID), Said{Verb: PersonCloses, Force: true}); err == nil {
			r.Error("it was closed, and the log does not say so")
		}
		r.log.Decide(nil)
		r.after(time.Second)
		r.is(Waiting, ReasonDisagrees)
	})
}

func TestWhichIncidentSomebodyMeans(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.takes(about("UnitCrashed", "a", alerts.Firing), about("UnitCrashed", "b", alerts.Firing))
		for _, id := range []string{"", "UUUU", "0000000000"} {
			if _, err := r.Say(r.Context(), id, Said{Verb: PersonCloses, Force: true}); err == nil {
				r.Errorf("%q is an incident", id)
			}
		}
		all := r.all()
		closed, err := r.Say(r.Context(), strings.ToLower(string(all[0].ID)), Said{Verb: PersonCloses, Force: true, By: "ann", Comment: "no\x1b such"})
		if err != nil || closed.State != Closed || closed.By != "ann" || closed.Comment != "no\uFFFD such" {
			r.Errorf("%v %+v", err, closed)
		}
	})
}

func TestApproval(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.config.Mode = Approve
		r.Configure(r.config)
		r.breaks("db.service")
		r.takes(down(alerts.Firing))
		r.silent(10 * time.Minute)
		r.is(Held, "")
		if _, err := r.Say(r.Context(), string(r.one().ID), Said{Verb: PersonApproves, By: "ann", Approves: Rollback, Plan: r.one().Plan.Rungs[0].Digest}); err != nil {
			r.Fatal(err)
		}
		r.after(3 * time.Minute)
		r.is(Resolved, ReasonFixed)
		r.did("restart db.service")
	})
}

func TestWhatIncidentsShowsIsACopy(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.breaks("app.service")
		r.takes(down(alerts.Firing))
		before := r.one()
		copied := before.Clone()
		r.after(6 * time.Minute)
		if !reflect.DeepEqual(before, copied) {
			r.Error("an incident that was handed out changed afterwards")
		}
	})
}

func TestExplainDoesNothing(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.breaks("db.service")
		r.frozen = &Freeze{By: "file"}
		x, err := r.Explain(r.Context(), Arrival{Alert: down(alerts.Firing), Received: r.clock()})
		if err != nil {
			r.Fatal(err)
		}
		if x.Fate != FateOpened || x.Playbook != "three" || x.Target != Host("h1") || len(x.Plan.Rungs) != 3 || x.Incident != "" {
			r.Errorf("%+v", x)
		}
		if x.Verdicts[0].Gate != "frozen" || x.Verdicts[0].Decision != Refuse || x.Verdicts[1].Decision != Allow || len(x.Observations) != 1 {
			r.Errorf("%+v", x.Verdicts)
		}
		for _, c := range []struct {
			alert alerts.Alert
			want  Fate
		}{
			{about("Nobody", "", alerts.Firing), FateUnmatched}, {down(alerts.Resolved), FateOver},
		} {
			if x, err := r.Explain(r.Context(), Arrival{Alert: c.alert}); err != nil || x.Fate != c.want {
				r.Errorf("%+v %v", x, err)
			}
		}
		r.after(time.Hour)
		r.did()
		if log := r.log.Events(); len(log) != 1 || log[0].Froze == nil || !log[0].Froze.File || len(r.all()) != 0 { // the file is on record
			r.Error("explain left something behind")
		}
		r.frozen = nil
		r.takes(down(alerts.Firing))
		if x, err := r.Explain(r.Context(), Arrival{Alert: down(alerts.Firing)}); err != nil || x.Fate != FateRepeated || x.Incident != r.one().ID {
			r.Errorf("%+v %v", x, err)
		}
	})
}

func TestAShorterFreezeDoesNotEndALongerOne(t *testing.T) {
	inBubble(t, func(r *rig) {
		if _, err := r.Freeze(r.Context(), "ann", "the racks move", 0, nil); err != nil {
			r.Fatal(err)
		}
		f, err := r.Freeze(r.Context(), "bob", "a look", 10*time.Minute, nil)
		if err != nil || f.By != "ann" {
			r.Errorf("it is frozen by %+v (%v), want ann's freeze to hold and bob to be told", f, err)
		}
		r.after(time.Hour)
		if f, err := r.Frozen(r.Context()); err != nil || f == nil || f.By != "ann" {
			r.Errorf("after bob's time it is frozen by %+v (%v), want ann", f, err)
		}
		if err := r.Thaw(r.Context(), "ann", "", nil); err != nil {
			r.Fatal(err)
		}
		r.Freeze(r.Context(), "ann", "", time.Minute, nil)
		if f, err := r.Freeze(r.Context(), "bob", "", time.Hour, nil); err != nil || f.By != "bob" {
			r.Errorf("it is frozen by %+v (%v), want bob's longer freeze", f, err)
		}
	})
}
