package engine

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
)

// nowhere is a log that keeps nothing.
type nowhere struct{}

func (nowhere) Append(context.Context, remediate.Event) error { return nil }
func (nowhere) KeepEvidence(context.Context, remediate.ID, string) (string, error) {
	return "", nil
}

// crowded is an engine that knows n live incidents, each with a rung to be judged.
func crowded(b *testing.B, n int) (*Engine, *remediate.Incident) {
	b.Helper()
	now := remediate.Instant{Wall: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC), Boot: "b1", Up: time.Hour}
	p := remediate.Playbook{
		Name: "p", Match: alerts.Matching(`alertname="A"`), Target: remediate.TargetRule{UnitLabel: "unit"},
		Ladder: []remediate.Rung{{Name: "r", Do: []remediate.Move{{Do: remediate.VerbRestart, On: remediate.Selector{What: remediate.TheTarget}}}}},
		Verify: remediate.Verify{Healthy: []string{string(remediate.TheTarget)}},
	}
	inv := remediate.Inventory{Host: "h", Units: map[string]remediate.ManagedUnit{}}
	for i := range n {
		inv.Units[fmt.Sprintf("u%d.service", i)] = remediate.ManagedUnit{}
	}
	e := New(Options{
		Config: Config{Inventory: inv, Playbooks: []remediate.Playbook{p}, Mode: remediate.Act}, Log: nowhere{},
		Now: func() remediate.Instant { return now }, Logger: slog.New(slog.DiscardHandler),
	})
	var last *remediate.Incident
	for i := range n {
		unit := fmt.Sprintf("u%d.service", i)
		labels := map[string]string{"alertname": "A", "unit": unit}
		d := e.ledger.Take(remediate.Arrival{
			Alert:    alerts.Alert{Status: alerts.Firing, Labels: labels, Fingerprint: alerts.FingerprintOf(labels)},
			Position: remediate.Position{Message: uint64(i + 1)},
		}, e.config.Load().Playbooks, inv, e.newID(), now)
		if err := e.ledger.Apply(*d.Event); err != nil {
			b.Fatal(err)
		}
		last = e.ledger.Incidents[d.Incident]
		plan, err := remediate.MakePlan(last.Playbook, last.Target, remediate.Seen{Inventory: inv})
		if err != nil {
			b.Fatal(err)
		}
		last.Plan = &plan
		e.task(last.ID)
	}
	return e, last
}

// BenchmarkCrowd measures what the loop does for one incident while many live.
func BenchmarkCrowd(b *testing.B) {
	for _, n := range []int{1, 1000, 10000} {
		e, i := crowded(b, n)
		touches := i.Plan.Rungs[0].Touches()
		read := &reading{}
		labels := map[string]string{"alertname": "A", "unit": "u0.service", "new": "yes"}
		arrival := remediate.Arrival{
			Alert:    alerts.Alert{Status: alerts.Firing, Labels: labels, Fingerprint: alerts.FingerprintOf(labels)},
			Position: remediate.Position{Message: uint64(n + 1)},
		}
		c := e.config.Load()
		b.Run(fmt.Sprintf("judge/%d", n), func(b *testing.B) {
			for b.Loop() {
				e.judgement(i, touches, read)
			}
		})
		b.Run(fmt.Sprintf("take/%d", n), func(b *testing.B) {
			for b.Loop() {
				e.ledger.Take(arrival, c.Playbooks, c.Inventory, "NEW00000", e.o.Now())
			}
		})
		b.Run(fmt.Sprintf("repeat/%d", n), func(b *testing.B) {
			for b.Loop() {
				e.ledger.Take(remediate.Arrival{Alert: i.Alert, Position: arrival.Position}, c.Playbooks, c.Inventory, "NEW00000", e.o.Now())
			}
		})
		b.Run(fmt.Sprintf("tick/%d", n), func(b *testing.B) {
			for b.Loop() {
				e.tick()
			}
		})
	}
}
