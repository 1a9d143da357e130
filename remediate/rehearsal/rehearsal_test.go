package rehearsal_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nightshift/alerts"
	. "nightshift/remediate"
	"nightshift/remediate/engine"
	"nightshift/remediate/rehearsal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is a host of three units, on which nothing is wrong before the test says so.
type site struct {
	probes map[string]Health
	takes  map[string]time.Duration
	mends  map[string]string // by the step: the probe that it makes healthy
	deeds  []string
}

func newSite() *site {
	return &site{probes: map[string]Health{}, takes: map[string]time.Duration{}, mends: map[string]string{}}
}

func (s *site) Probe(name string, _ time.Duration) rehearsal.Answer {
	h, ok := s.probes[name]
	if !ok {
		h = Healthy
	}
	return rehearsal.Answer{Health: h, Detail: "it is " + h.String(), Takes: s.takes[name]}
}

func (s *site) Situation(Target, time.Duration) Situation {
	return Situation{Known: true, Exists: true, Active: true, StartsLeft: -1, Invocation: "i"}
}

func (s *site) Machine(string, *Asked, time.Duration) Machine { return Machine{} }

func (s *site) Do(step Step, at time.Duration) rehearsal.Deed {
	s.deeds = append(s.deeds, fmt.Sprintf("%s %s", at, step))
	return rehearsal.Deed{Takes: s.takes[step.String()], Then: func(time.Duration) {
		if probe, ok := s.mends[step.String()]; ok {
			s.probes[probe] = Healthy
		}
	}}
}

func config() rehearsal.Config {
	restart := func(unit string) Rung {
		return Rung{Name: unit, Do: []Move{{Do: VerbRestart, On: Selector{Unit: unit}}}}
	}
	return rehearsal.Config{Engine: engine.Config{
		Mode: Act,
		Playbooks: []Playbook{Playbook{
			Name: "down", Match: alerts.Matching(`alertname="Down"`), Target: TargetRule{Host: true},
			Ladder: []Rung{restart("app.service"), restart("web.service")}, Verify: Verify{Healthy: []string{"front"}},
		}.WithDefaults()},
		Inventory: Inventory{Host: "h1", Units: map[string]ManagedUnit{"app.service": {}, "web.service": {}}},
	}}
}

func down(from, until time.Duration) []rehearsal.Word {
	return rehearsal.Fires(map[string]string{"alertname": "Down"}, from, until, rehearsal.DefaultBegin)
}

// play rehearses and fails the test where that can't be done.
func play(t *testing.T, c rehearsal.Config, s rehearsal.Script) rehearsal.Result {
	t.Helper()
	r, err := rehearsal.Run(c, s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// told is what was recorded: when, and of what type.
func told(r rehearsal.Result) []string {
	var lines []string
	for _, e := range r.Events {
		lines = append(lines, fmt.Sprintf("%s %s", r.Since(e.At), e.Type))
	}
	return lines
}

func TestALadderIsClimbedInVirtualTime(t *testing.T) {
	world := newSite()
	world.probes["front"] = Unhealthy
	world.mends["restart web.service"] = "front"
	world.takes["restart app.service"] = 40 * time.Second

	r := play(t, config(), rehearsal.Script{Alerts: down(0, 5*time.Minute), World: world, Lasts: time.Hour})

	if len(r.Incidents) != 1 || r.Incidents[0].State != Resolved || len(r.Incidents[0].Tried) != 2 {
		t.Fatalf("expected one incident that the second rung resolved, found %v in\n%s", r.Incidents, strings.Join(told(r), "\n"))
	}
	// 40 s of restart, 5 s to settle, 1 min of a broken front: then the second rung.
	if expected := []string{"0s restart app.service", "1m45s restart web.service"}; !slices.Equal(world.deeds, expected) {
		t.Errorf("expected %v, found %v", expected, world.deeds)
	}
	if over := r.Since(r.Ended); over < 20*time.Minute || over > 21*time.Minute {
		t.Errorf("expected the end with the episode's, 15 min after the alert's, found %s", over)
	}
}

func TestTheSameScriptComesToTheSame(t *testing.T) {
	once := func() rehearsal.Result {
		world := newSite()
		world.probes["front"] = Unhealthy
		world.takes["front"] = 1300 * time.Millisecond
		return play(t, config(), rehearsal.Script{Alerts: append(down(0, time.Hour), down(17*time.Minute, 3*time.Hour)...), World: world, Lasts: 5 * time.Hour})
	}
	first, second := once(), once()
	if !reflect.DeepEqual(first, second) {
		t.Error("the same script came to something else")
	}
	if len(first.Events) < 10 {
		t.Errorf("expected a story, found %v", told(first))
	}
}

func TestAStepThatTakesLongerThanItsTimeHasTimedOut(t *testing.T) {
	world := newSite()
	world.probes["front"] = Unhealthy
	world.takes["restart app.service"] = time.Hour
	r := play(t, config(), rehearsal.Script{Alerts: down(0, 5*time.Minute), World: world, Lasts: 10 * time.Minute})
	for _, e := range r.Events {
		if e.Finished != nil {
			if took := e.Finished.Receipt.Took; e.Finished.Receipt.Result != TimedOut || took != DefaultStepTimeout {
				t.Errorf("expected a timeout after %s, found %s after %s", DefaultStepTimeout, e.Finished.Receipt.Result, took)
			}
			return
		}
	}
	t.Errorf("no step finished: %v", told(r))
}

func TestAProbeThatHangsIsUnknown(t *testing.T) {
	world := newSite()
	world.takes["front"] = time.Hour
	r := play(t, config(), rehearsal.Script{Alerts: down(0, 5*time.Minute), World: world, Lasts: 20 * time.Minute})
	if i := r.Incidents[0]; i.State != Escalated || len(world.deeds) > 0 {
		t.Errorf("expected people to have it and nothing done, found %s %s, %v", i.State, i.Reason, world.deeds)
	}
}

func TestPeopleAreHeardWhileThingsGoOn(t *testing.T) {
	world := newSite()
	world.probes["front"] = Unhealthy
	freeze := rehearsal.Deal{At: time.Minute, Do: func(ctx context.Context, e *engine.Engine) error {
		_, err := e.Freeze(ctx, "oncall", "look first", 0, nil)
		return err
	}}
	r := play(t, config(), rehearsal.Script{Alerts: down(0, 10*time.Minute), People: []rehearsal.Deal{freeze}, World: world, Lasts: 20 * time.Minute})
	if !slices.Equal(world.deeds, []string{"0s restart app.service"}) {
		t.Errorf("expected nothing to be done after the freeze, found %v", world.deeds)
	}
	if i := r.Incidents[0]; i.Reason != "frozen" {
		t.Errorf("expected the freeze as the reason, found %s %s", i.State, i.Reason)
	}
	if len(r.Answers) != 1 || r.Answers[0] != nil {
		t.Errorf("expected the freeze to be taken, found %v", r.Answers)
	}
}

func TestAMonthIsOverSoon(t *testing.T) {
	var words []rehearsal.Word
	for day := range 30 {
		at := time.Duration(day) * 24 * time.Hour
		words = append(words, down(at, at+10*time.Minute)...)
	}
	world := newSite()
	world.probes["front"] = Unhealthy
	world.mends["restart app.service"] = "front"
	r := play(t, config(), rehearsal.Script{Alerts: words, World: world, Lasts: 31 * 24 * time.Hour})
	if len(r.Incidents) != 30 {
		t.Errorf("expected an incident a day, found %d", len(r.Incidents))
	}
}
