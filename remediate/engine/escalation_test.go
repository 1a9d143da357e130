package engine_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"nightshift/alerts"
	. "nightshift/remediate"
	"nightshift/remediate/engine/enginetest"
)

// severe is the alert about the host, with a label of that severity.
func severe(label string) alerts.Alert {
	labels := map[string]string{"alertname": "Down", "severity": label}
	return alerts.Alert{Status: alerts.Firing, Labels: labels, Fingerprint: alerts.FingerprintOf(labels)}
}

// matrix gives the rig severities, and RAVE's own levels.
func (r *rig) matrix() {
	r.config.Inventory.Severities = map[string]Severity{"critical": 1, "warning": 2}
	r.config.Inventory.Escalations = map[Severity]EscalationPolicy{}
	for s := Severity(1); s <= LeastSevere; s++ {
		policy := DefaultEscalation(s)
		policy.Levels = []time.Duration{0, 15 * time.Minute, 30 * time.Minute, time.Hour}
		r.config.Inventory.Escalations[s] = policy
	}
	r.Configure(r.config)
}

// paged is when people were told since a moment, and at which level.
func (r *rig) paged(since time.Time) (all []string) {
	for _, e := range r.log.Events() {
		if p := e.Paged; p != nil {
			all = append(all, fmt.Sprintf("%.0fm %d %t", e.At.Wall.Sub(since).Minutes(), p.Level, p.Again))
		}
	}
	return all
}

func (r *rig) says(said Said) error {
	_, err := r.Say(r.Context(), string(r.one().ID), said)
	return err
}

func TestAnIncidentClimbsItsLevelsThroughRestarts(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.matrix()
		r.frozen = &Freeze{By: "file"}
		r.breaks("")
		began := time.Now()
		r.takes(severe("warning"))
		i := r.is(Escalated, "frozen")
		if i.Severity != 2 || len(i.Escalation.Levels) != 4 {
			t.Errorf("severity %d, %v", i.Severity, i.Escalation)
		}
		for range 9 {
			r.after(5 * time.Minute)
			r.restarts(5 * time.Minute)
		}
		want := []string{"0m 0 false", "15m 1 false", "30m 2 false", "60m 3 false"}
		if got := r.paged(began); !reflect.DeepEqual(got, want) {
			t.Errorf("people were told at %v, want %v", got, want)
		}
	})
}

func TestASeverityOneIsToldAgainAndCounted(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.registry = prometheus.NewRegistry()
		r.stop()
		r.start()
		r.matrix()
		r.frozen = &Freeze{By: "file"}
		r.breaks("")
		r.takes(severe("critical"))
		r.after(11 * time.Minute)
		if err := r.says(Said{Verb: PersonAcks, By: "ann"}); err != nil {
			t.Fatal(err)
		}
		r.after(10 * time.Minute)
		if err := r.says(Said{Verb: PersonAcks, By: "ann"}); err != nil { // again, in time
			t.Fatal(err)
		}
		r.after(14 * time.Minute)
		want := `
# HELP nightshift_escalations_repeated_total Escalations that were told again because nobody had acknowledged, by severity.
# TYPE nightshift_escalations_repeated_total counter
nightshift_escalations_repeated_total{severity="1"} 2
nightshift_escalations_repeated_total{severity="2"} 0
nightshift_escalations_repeated_total{severity="3"} 0
nightshift_escalations_repeated_total{severity="4"} 0
`
		if err := testutil.GatherAndCompare(r.registry, strings.NewReader(want), "nightshift_escalations_repeated_total"); err != nil {
			t.Error(err)
		}
		if n := histogramCount(t, r.registry, "nightshift_time_to_acknowledge_seconds"); n != 1 {
			t.Errorf("the time to the first word was taken %d times", n)
		}
	})
}

// histogramCount is how often a histogram was observed.
func histogramCount(t *testing.T, registry *prometheus.Registry, name string) uint64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetHistogram().GetSampleCount()
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}

func TestAFreezeTellsPeopleOnce(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.world.Change("db.service", func(u *enginetest.Unit) { u.Health = Unhealthy })
		r.world.Change("app.service", func(u *enginetest.Unit) { u.Health = Unhealthy })
		r.world.Change("web.service", func(u *enginetest.Unit) { u.Health = Unhealthy })
		r.Freeze(r.Context(), "ann", "the racks move", 0, nil)
		r.takes(about("UnitCrashed", "db.service", alerts.Firing))
		r.restarts(time.Minute)
		r.takes(about("UnitCrashed", "app.service", alerts.Firing))
		loud := 0
		for _, i := range r.all() {
			if i.State != Escalated || i.Reason != "frozen" {
				t.Fatalf("%s is %s (%s)", i.Target, i.State, i.Reason)
			}
			if !i.Quiet {
				loud++
			}
		}
		if loud != 1 || len(r.paged(time.Now())) != 1 {
			t.Errorf("%d incidents tell of one freeze, people were told %d times", loud, len(r.paged(time.Now())))
		}
		r.Thaw(r.Context(), "ann", "", nil)
		r.after(time.Second)
		r.Freeze(r.Context(), "ann", "once more", 0, nil)
		r.takes(about("UnitCrashed", "web.service", alerts.Firing))
		if n := len(r.paged(time.Now())); n != 2 {
			t.Errorf("of two freezes people were told %d times", n)
		}
	})
}

func TestClosingAsksTheProbes(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.breaks("")
		r.frozen = &Freeze{By: "file"}
		r.takes(down(alerts.Firing))
		r.is(Escalated, "frozen")
		if err := r.says(Said{Verb: PersonCloses, By: "ann"}); err == nil || !strings.Contains(err.Error(), "front") {
			t.Errorf("it was closed though it is not healthy: %v", err)
		}
		r.is(Escalated, "frozen")
		r.world.Says("front", Healthy)
		if err := r.says(Said{Verb: PersonCloses, By: "ann"}); err != nil {
			t.Fatal(err)
		}
		if i := r.is(Cleared, ReasonHealthy); i.By != "ann" {
			t.Errorf("by %q", i.By)
		}
	})
}

func TestWhatIsSaidBesideDisturbsNothing(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.breaks("db.service")
		r.takes(down(alerts.Firing)) // db.service was restarted, and is verified
		r.is(Verifying, "")
		for range 60 {
			for _, verb := range []string{PersonComments, PersonAcks} {
				if err := r.says(Said{Verb: verb, By: "ann", Comment: "hm"}); err != nil {
					t.Fatal(err)
				}
			}
			if r.after(2 * time.Second); !r.one().State.Live() {
				break
			}
		}
		if i := r.is(Resolved, ReasonFixed); i.Since.Since(i.OpenedAt) > 75*time.Second {
			t.Errorf("words held it up: it took %s", i.Since.Since(i.OpenedAt))
		}
	})
}

func TestASignatureIsNotTakenTwice(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.config.Mode = Approve
		r.Configure(r.config)
		r.breaks("db.service")
		r.takes(down(alerts.Firing))
		r.is(Held, "")
		yes := Said{
			Verb: PersonApproves, By: "ann", Approves: Rollback, Plan: r.one().Plan.Rungs[0].Digest,
			Proof: &Proof{Key: "U", Nonce: "once", Expires: r.clock().Add(5 * time.Minute)},
		}
		wrong := yes
		wrong.Plan = "another"
		if err := r.says(wrong); err == nil {
			t.Error("a yes to another plan was taken")
		}
		if err := r.says(yes); err != nil {
			t.Fatalf("a signature that came to nothing was used up: %v", err)
		}
		r.after(3 * time.Minute)
		r.is(Resolved, ReasonFixed)
		r.restarts(time.Second)
		if _, err := r.Freeze(r.Context(), "ann", "", 0, yes.Proof); err == nil || !strings.Contains(err.Error(), "used before") {
			t.Errorf("it was taken again after a restart: %v", err)
		}
	})
}

func TestAnApprovalThatExpiredIsAskedForAgain(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.config.Mode = Approve
		r.Configure(r.config)
		r.breaks("db.service")
		r.takes(down(alerts.Firing))
		r.after(16 * time.Minute)
		i := r.is(Escalated, ReasonExpired)
		yes := Said{Verb: PersonApproves, By: "ann", Approves: Rollback, Plan: i.Plan.Rungs[0].Digest}
		if err := r.says(yes); err == nil || !strings.Contains(err.Error(), "--again") {
			t.Errorf("a yes that came too late: %v", err)
		}
		yes.Again = true
		if err := r.says(yes); err != nil {
			t.Fatal(err)
		}
		r.after(time.Second)
		r.is(Held, "")
		r.did()
		yes.Again = false
		if err := r.says(yes); err != nil {
			t.Fatal(err)
		}
		r.after(3 * time.Minute)
		r.is(Resolved, ReasonFixed)
		r.did("restart db.service")
	})
}

func TestACancellationInAStepLetsItEnd(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.breaks("")
		release := r.world.Hang("do db.service")
		r.takes(down(alerts.Firing))
		r.is(Acting, "")
		if err := r.says(Said{Verb: PersonCancels, By: "ann"}); err != nil {
			t.Fatal(err)
		}
		r.is(Acting, "")
		release()
		r.after(time.Second)
		r.is(Escalated, ReasonCanceled)
		r.after(10 * time.Minute)
		r.did("restart db.service")
	})
}
