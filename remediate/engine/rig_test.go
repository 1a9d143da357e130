package engine_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"nightshift/alerts"
	. "nightshift/remediate"
	"nightshift/remediate/engine"
	"nightshift/remediate/engine/enginetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is an engine in a world of memory and of virtual time.
type rig struct {
	*testing.T
	*engine.Engine
	log    *enginetest.Log
	world  *enginetest.World
	config engine.Config
	frozen *Freeze // by a file
	clock  func() Instant
	// reached is called at each boundary; it may kill.
	reached func(boundary string)
	// count counts what becomes of alerts, where a test looks at that.
	count func(result string)
	// registry keeps the metrics where a test looks at them.
	registry *prometheus.Registry
	next     uint64
	cancel   context.CancelFunc
	ended    chan error
}

// inBubble runs a test in virtual time.
func inBubble(t *testing.T, f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.start()
		defer r.stop()
		f(r)
	})
}

func newRig(t *testing.T) *rig {
	began := time.Now()
	return &rig{
		T: t, log: &enginetest.Log{}, world: enginetest.NewWorld("db.service", "app.service", "web.service"),
		config: engine.Config{
			Mode: Act, MaxActing: 1, Playbooks: []Playbook{threeRungs(), ofUnit("crash", "UnitCrashed"), ofUnit("slow", "UnitSlow")},
			Inventory: Inventory{Host: "h1", Units: map[string]ManagedUnit{"db.service": {}, "app.service": {}, "web.service": {}}},
		},
		clock: func() Instant {
			return Instant{Wall: time.Now().UTC().Round(0), Boot: "b1", Up: 1000*time.Hour + time.Since(began)}
		},
		reached: func(string) {},
	}
}

// threeRungs restarts db, app and web, in this order, until the front is healthy.
func threeRungs() Playbook {
	rung := func(unit string) Rung {
		return Rung{Name: unit, Do: []Move{{Do: VerbRestart, On: Selector{Unit: unit}}}}
	}
	return Playbook{
		Name: "three", Match: alerts.Matching(`alertname="Down"`), Target: TargetRule{Host: true},
		Look:   []Look{{What: SeeMemory}},
		Ladder: []Rung{rung("db.service"), rung("app.service"), rung("web.service")},
		Verify: Verify{Healthy: []string{"front"}},
	}
}

// ofUnit restarts the unit that an alert names.
func ofUnit(name, alertname string) Playbook {
	return Playbook{
		Name: name, Match: alerts.Matching(fmt.Sprintf("alertname=%q", alertname)), Target: TargetRule{UnitLabel: "name"},
		Ladder: []Rung{{Name: "restart", Do: []Move{{Do: VerbRestart, On: Selector{What: TheTarget}}}}},
		Verify: Verify{Healthy: []string{string(TheTarget)}},
	}
}

// start runs an engine on what the log says.
func (r *rig) start() {
	r.Helper()
	ledger, err := r.log.Ledger()
	if err != nil {
		r.Fatal(err)
	}
	actions := enginetest.Moves(r.world)
	actions[VerbRestart] = enginetest.Restart{World: r.world}
	r.Engine = engine.New(engine.Options{
		Config: r.config, Log: r.log, World: r.world, Actions: actions,
		Ledger: ledger, FrozenByFile: func() *Freeze { return r.frozen }, Now: r.clock,
		Logger: slog.New(slog.NewTextHandler(r.Output(), nil)), Registerer: r.registerer(), CountAlert: r.count, Reached: func(b string) { r.reached(b) },
	})
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel, r.ended = cancel, make(chan error, 1)
	run, ended := r.Engine.Run, r.ended
	go func() {
		var err error
		defer func() { ended <- err }() // also when it is killed
		err = run(ctx)
	}()
	synctest.Wait()
}

func (r *rig) registerer() prometheus.Registerer {
	if r.registry == nil {
		return prometheus.NewRegistry()
	}
	return r.registry
}

// stop ends the engine and returns what Run returned.
func (r *rig) stop() error {
	r.Helper()
	r.cancel()
	select {
	case err := <-r.ended:
		r.ended <- err
		return err
	case <-time.After(time.Minute):
		r.Fatal("the engine does not end")
		return nil
	}
}

// restarts ends the process: what it would still record is lost. It comes back after
// a while on what the log holds.
func (r *rig) restarts(after time.Duration) {
	r.Helper()
	r.log.Die()
	r.stop()
	time.Sleep(after)
	r.log.Revive()
	r.reached = func(string) {}
	if r.registry != nil {
		r.registry = prometheus.NewRegistry() // as a new process has
	}
	r.start()
}

// killAt ends the process at the n-th time that it reaches a boundary: nothing is
// recorded any more, and what would come next in that goroutine does not.
func (r *rig) killAt(boundary string, n int) {
	r.reached = func(at string) {
		if at == boundary {
			n--
		}
		if at == boundary && n == 0 {
			r.log.Die()
			r.cancel()
			runtime.Goexit()
		}
	}
}

// down is the alert about the host.
func down(status alerts.Status) alerts.Alert { return about("Down", "", status) }

func about(name, unit string, status alerts.Status) alerts.Alert {
	labels := map[string]string{"alertname": name, "name": unit}
	return alerts.Alert{Status: status, Labels: labels, Fingerprint: alerts.FingerprintOf(labels)}
}

// takes delivers alerts as one message.
func (r *rig) takes(all ...alerts.Alert) {
	r.Helper()
	if err := r.deliver(all...); err != nil {
		r.Fatal(err)
	}
	synctest.Wait()
}

func (r *rig) deliver(all ...alerts.Alert) error {
	r.next++
	arrivals := make([]Arrival, len(all))
	for n, a := range all {
		arrivals[n] = Arrival{Alert: a, Received: r.clock(), Position: Position{Message: r.next, Alert: n}}
	}
	return r.Take(context.Background(), arrivals)
}

// after lets time pass.
func (r *rig) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// one is the only incident.
func (r *rig) one() Incident {
	r.Helper()
	all := r.all()
	if len(all) != 1 {
		r.Fatalf("%d incidents", len(all))
	}
	return all[0]
}

func (r *rig) all() []Incident {
	r.Helper()
	all, err := r.Incidents(context.Background())
	if err != nil {
		r.Fatal(err)
	}
	return all
}

// is fails unless the only incident is there, for that reason.
func (r *rig) is(state State, why Reason) Incident {
	r.Helper()
	i := r.one()
	reason := i.Reason
	if i.Wait != nil {
		reason = i.Wait.Reason
	}
	if i.State != state || reason != why {
		r.Fatalf("it is %s (%s: %s), should be %s (%s)\n%s", i.State, reason, i.Detail, state, why, r.story())
	}
	return i
}

// did fails unless exactly that was done.
func (r *rig) did(want ...string) {
	r.Helper()
	if got := r.world.Done(); !slices.Equal(got, want) {
		r.Fatalf("did %q, should have done %q\n%s", got, want, r.story())
	}
}

// story is the log in words.
func (r *rig) story() string {
	var b strings.Builder
	for n, e := range r.log.Events() {
		fmt.Fprintf(&b, "%3d %s %s %s\n", n+1, e.At.Wall.Format(time.TimeOnly), e.Incident, e.Type)
	}
	return b.String()
}

// silent fails if anything is recorded in that time.
func (r *rig) silent(d time.Duration) {
	r.Helper()
	n := len(r.log.Events())
	if r.after(d); len(r.log.Events()) != n {
		r.Fatalf("the log grows while nothing happens:\n%s", r.story())
	}
}

// breaks makes the front unhealthy; that unit's restart mends it, "" none.
func (r *rig) breaks(mendedBy string) {
	r.world.Says("front", Unhealthy)
	if mendedBy != "" {
		r.world.Change(mendedBy, func(u *enginetest.Unit) { u.Mends = []string{"front"} })
	}
}
