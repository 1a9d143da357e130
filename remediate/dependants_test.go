package remediate_test

import (
	"strings"
	"testing"

	. "nightshift/remediate"
)

// hanging is what restarts of units take along.
func hanging(along map[string]string) Dependants {
	d := Dependants{}
	for unit, others := range along {
		d[Deed{VerbRestart, unit}] = strings.Fields(others)
	}
	return d
}

func restarts(units ...string) Playbook {
	rung := Rung{Name: "restart"}
	for _, unit := range units {
		rung.Do = append(rung.Do, Move{Do: VerbRestart, On: Selector{Unit: unit}})
	}
	return Playbook{Name: "p", Ladder: []Rung{rung}, Verify: Verify{Healthy: []string{"front"}}}.WithDefaults()
}

func planOf(t *testing.T, p Playbook, inv Inventory, d Dependants) Plan {
	t.Helper()
	plan, err := MakePlan(p, Host("h1"), Seen{Inventory: inv, Dependants: d})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestAPlanSaysWhatARestartTakesAlong(t *testing.T) {
	alone := planOf(t, restarts("db.service"), site, nil)
	plan := planOf(t, restarts("db.service"), site, hanging(map[string]string{"db.service": "web.service app.service"}))
	rung := plan.Rungs[0]
	if got := rung.Steps[0].Full(); got != "restart db.service (takes along app.service, web.service)" {
		t.Errorf("the step is %q", got)
	}
	if got := rung.Touches(); len(got) != 3 {
		t.Errorf("it touches %v", got)
	}
	if with, ok := rung.TakenBy(Unit("app.service")); !ok || with.On != Unit("db.service") {
		t.Errorf("app is taken along by %v", with)
	}
	if _, ok := rung.TakenBy(Unit("db.service")); ok {
		t.Error("what a step names is not only taken along")
	}
	if rung.Digest == alone.Rungs[0].Digest || plan.Digest == alone.Digest {
		t.Error("the digest does not say what is taken along")
	}
	text := strings.Join(rung.Probes, " ")
	if !strings.Contains(text, UnitProbe("app.service")) || !strings.Contains(text, UnitProbe("web.service")) || strings.Contains(text, "front") {
		t.Errorf("afterwards these are asked beside the verification's: %q", text)
	}
}

func TestAStartThatStopsAnotherIsMoreThanAStart(t *testing.T) {
	p := restarts("db.service")
	p.Ladder[0].Do[0].Do = VerbStart
	if got := planOf(t, p, site, nil).Rungs[0].Risk(); got != Restart {
		t.Errorf("a start is %s", got)
	}
	if got := planOf(t, p, site, Dependants{{VerbStart, "db.service"}: {"app.service"}}).Rungs[0].Risk(); got != Reset {
		t.Errorf("a start that stops another is %s", got)
	}
}

// What another restart of the rung takes along comes behind it, where there is
// nothing left to do; two that take each other along stay as they are.
func TestWhoTakesAlongComesFirst(t *testing.T) {
	for name, c := range map[string]struct {
		units string
		along map[string]string
		want  string
	}{
		"in order already":       {"db.service app.service web.service", map[string]string{"db.service": "app.service web.service", "app.service": "web.service"}, "db app web"},
		"the wrong way round":    {"web.service app.service db.service", map[string]string{"db.service": "app.service web.service", "app.service": "web.service"}, "db app web"},
		"only one hangs on it":   {"web.service app.service db.service", map[string]string{"db.service": "web.service"}, "app db web"},
		"each takes the other":   {"web.service db.service", map[string]string{"db.service": "web.service", "web.service": "db.service"}, "web db"},
		"nothing hangs together": {"web.service db.service", nil, "web db"},
	} {
		var got []string
		for _, s := range planOf(t, restarts(strings.Fields(c.units)...), site, hanging(c.along)).Rungs[0].Steps {
			got = append(got, strings.TrimSuffix(s.On.Name, ".service"))
		}
		if order := strings.Join(got, " "); order != c.want {
			t.Errorf("%s: %s, should be %s", name, order, c.want)
		}
	}
}

// lifeOf begins a life whose plan restarts db, app and web in one rung, where app hangs
// on db.
func lifeOf(t *testing.T) *life {
	t.Helper()
	l := begin(t, restarts("db.service", "app.service", "web.service"))
	plan := planOf(t, restarts("db.service", "app.service", "web.service"), site, hanging(map[string]string{"db.service": "app.service"}))
	l.give(Input{Looked: &Looked{Observations: seen(Unhealthy), Verify: 1, Plan: plan, Invocations: map[Target]string{
		Unit("db.service"): "d1", Unit("app.service"): "a1", Unit("web.service"): "w1",
	}}})
	return l.judged(Verdict{Decision: Allow})
}

// does lets the next step begin and end, and leaves these invocations behind.
func (l *life) does(takes []Target, left map[Target]string) *life {
	l.t.Helper()
	l.give(Input{Prepared: &Prepared{Judgement: Judgement{Verdict: Verdict{Decision: Allow}}, Takes: takes}})
	return l.give(Input{Acted: &Acted{Receipt: Receipt{Result: Done}, Invocations: left}})
}

func TestWhatWasTakenAlongIsNotRestartedAgain(t *testing.T) {
	app := []Target{Unit("app.service")}
	l := lifeOf(t).does(app, map[Target]string{Unit("db.service"): "d2", Unit("app.service"): "a2"})
	if next, _ := l.i.NextStep(); next.On != Unit("web.service") {
		t.Errorf("after db, which took app along, comes %s", next)
	}
	if got := l.i.Tried[0]; len(got.Results) != 2 || len(got.Along) != 1 {
		t.Errorf("the rung has %+v", got)
	}
	if probes := strings.Join(l.i.Probes(), " "); !strings.Contains(probes, UnitProbe("app.service")) {
		t.Errorf("asked afterwards is %s", probes)
	}
}

// It was down by then, so systemd left it alone: its own step mends that.
func TestWhatStayedIsRestartedAfterAll(t *testing.T) {
	for name, c := range map[string]struct {
		takes []Target
		left  map[Target]string
	}{
		"nothing hung on it any more": {nil, map[Target]string{Unit("db.service"): "d2", Unit("app.service"): "a1"}},
		"it was not started anew":     {[]Target{Unit("app.service")}, map[Target]string{Unit("db.service"): "d2", Unit("app.service"): "a1"}},
	} {
		if next, _ := lifeOf(t).does(c.takes, c.left).i.NextStep(); next.On != Unit("app.service") {
			t.Errorf("%s: after db comes %s", name, next)
		}
	}
}

func TestTheLastStepsMayAllBeTakenAlong(t *testing.T) {
	l := begin(t, restarts("db.service", "app.service"))
	plan := planOf(t, restarts("db.service", "app.service"), site, hanging(map[string]string{"db.service": "app.service"}))
	l.give(Input{Looked: &Looked{Observations: seen(Unhealthy), Verify: 1, Plan: plan, Invocations: map[Target]string{Unit("app.service"): "a1"}}})
	l.judged(Verdict{Decision: Allow}).does([]Target{Unit("app.service")}, map[Target]string{Unit("app.service"): "a2"})
	l.is(Verifying, "")
}

// A plan of which nobody can tell what it takes along says what would be done, and is
// another than the one that is made once that can be told: nothing takes one for the
// other.
func TestAPlanThatNobodyCanReadIsAnother(t *testing.T) {
	read := planOf(t, restarts("db.service"), site, nil)
	unread, err := MakePlan(restarts("db.service"), Host("h1"), Seen{Inventory: site, Unread: "no bus"})
	if err != nil {
		t.Fatal(err)
	}
	if unread.Unread != "no bus" || unread.Digest == read.Digest || len(unread.Rungs) != 1 {
		t.Errorf("unread is %+v", unread)
	}
}
