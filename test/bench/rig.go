package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nightshift/alerts"
	"nightshift/alerts/webhook"
	"nightshift/remediate"
	"nightshift/remediate/engine"
	"nightshift/remediate/journal"
	"nightshift/remediate/systemd"
)

// rigAddr is where the rig takes webhooks.
const rigAddr = "127.0.0.1:9702"

// rig is the agent's parts, put together as remediate/agent does, in this
// process: with a playbook for any unit, which the shipped ones are not, and with
// a clock at each boundary.
type rig struct {
	journal *journal.Journal
	engine  *engine.Engine
	hook    *webhook.Handler
	server  *http.Server
	hangUp  func()
	stop    context.CancelFunc
	ended   chan error
}

// benchAlert is what the rig's playbook is for.
const benchAlert = "BenchUnitFailed"

// benchPlaybook restarts the unit that an alert names. Its verification is over
// at once, and it takes no evidence: what is measured is the way up to the act.
var benchPlaybook = remediate.Playbook{
	Name:     "bench",
	Match:    alerts.Matching(`alertname="` + benchAlert + `"`),
	Target:   remediate.TargetRule{UnitLabel: "name"},
	Ladder:   []remediate.Rung{{Name: "restart", Do: []remediate.Move{{Do: remediate.VerbRestart, On: remediate.Selector{What: remediate.TheTarget}}}}},
	Verify:   remediate.Verify{Healthy: []string{string(remediate.TheTarget)}, Settle: time.Millisecond, Window: time.Millisecond, Within: time.Minute, Every: time.Millisecond},
	Attempts: remediate.Attempts{Max: 1_000_000, Per: time.Second, Cooldown: 1},
}

// newRig starts the parts with their state in dir. It restarts units only if it
// acts; else an act takes no time, and all before it is real.
func newRig(ctx context.Context, dir string, units []string, seen *courses, acts bool, clock func() remediate.Instant) (*rig, error) {
	ledger, registry := remediate.NewLedger(), prometheus.NewRegistry()
	j, err := openJournal(ctx, dir, ledger, registry, clock)
	if err != nil {
		return nil, err
	}
	r := &rig{journal: j, ended: make(chan error, 2)}
	inv := remediate.Inventory{Host: historyHost, Units: map[string]remediate.ManagedUnit{}, Limits: manyMore}
	for _, name := range units {
		inv.Units[name] = remediate.ManagedUnit{}
	}
	var bus *systemd.Units
	bus, r.hangUp = connect()
	r.engine = engine.New(engine.Options{
		Config: engine.Config{Inventory: inv, Playbooks: []remediate.Playbook{benchPlaybook}, Mode: remediate.Act, MaxActing: len(units)},
		Log:    clockedLog{j, seen}, World: rigWorld{bus, seen}, Ledger: ledger,
		Actions: map[remediate.Verb]remediate.Action{remediate.VerbRestart: clockedAction{bus.Actions()[remediate.VerbRestart], seen, acts}},
		Now:     clock, Logger: slog.New(slog.DiscardHandler), Registerer: registry,
	})
	return r, r.start(ctx)
}

// openJournal opens a log and folds it, as the agent does.
func openJournal(ctx context.Context, dir string, ledger *remediate.Ledger, registry prometheus.Registerer, clock func() remediate.Instant) (*journal.Journal, error) {
	j, err := journal.Open(ctx, journal.Options{
		Dir: dir, Host: historyHost, Agent: "bench", Now: clock, Metrics: registry,
		Snapshot: func() ([]byte, error) { return remediate.EncodeJSON(ledger) },
	})
	if err != nil {
		return nil, err
	}
	damage, err := j.Replay(ctx, fold(ledger))
	if err == nil && damage != nil {
		err = damage
	}
	if err != nil {
		return nil, errors.Join(err, j.Close(ctx))
	}
	return j, nil
}

// fold applies a log to a ledger, and forgets as the agent does every second.
func fold(ledger *remediate.Ledger) func(journal.Recorded) error {
	return func(r journal.Recorded) error {
		if r.N%1000 == 0 {
			ledger.Prune(r.At)
		}
		if r.Snapshot == nil {
			return ledger.Apply(r.Event)
		}
		fresh := remediate.NewLedger()
		err := remediate.DecodeJSON(r.Snapshot, fresh)
		*ledger = *fresh
		return err
	}
}

func (r *rig) start(ctx context.Context) error {
	var running context.Context
	running, r.stop = context.WithCancel(ctx)
	reader, err := r.journal.ReadAlerts(ctx, 0)
	if err != nil {
		return err
	}
	r.hook, err = webhook.New(webhook.Options{Store: rigStore{r.journal}, Mine: func(alerts.Alert) bool { return true }})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", rigAddr)
	if err != nil {
		return err
	}
	conns := webhook.NewConns(webhook.MaxConns)
	r.server = webhook.NewServer(r.hook, conns, slog.New(slog.DiscardHandler))
	go func() { _ = r.server.Serve(conns.Listener(l)) }() // it ends when it is closed
	go func() { r.ended <- r.engine.Run(running) }()
	go func() { r.ended <- r.read(running, reader) }()
	return nil
}

// read brings stored alerts to the engine.
func (r *rig) read(ctx context.Context, reader *journal.AlertReader) error {
	for {
		m, err := reader.Next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		notifications, err := alerts.DecodeBatch(m.Batch)
		if err != nil {
			return err
		}
		var arrivals []remediate.Arrival
		for _, n := range notifications {
			for _, a := range n.Alerts {
				arrivals = append(arrivals, remediate.Arrival{
					Alert: a, Received: m.Received, Position: remediate.Position{Message: m.Position, Alert: len(arrivals)},
				})
			}
		}
		if err := r.engine.Take(ctx, arrivals); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// close ends the rig in the order in which the agent ends.
func (r *rig) close(ctx context.Context) error {
	err := errors.Join(r.server.Shutdown(ctx), r.hook.Close(ctx))
	r.stop()
	err = errors.Join(err, <-r.ended, <-r.ended)
	r.hangUp()
	return errors.Join(err, r.journal.Close(ctx))
}

// rigStore makes alerts durable.
type rigStore struct{ j *journal.Journal }

func (s rigStore) StoreAlerts(ctx context.Context, batch []byte) error {
	_, err := s.j.StoreAlerts(ctx, batch)
	return err
}

// manyMore are the limits of what is measured: it is done far more often than a site
// may.
var manyMore = remediate.Limits{
	Touched: []remediate.Rate{{Max: 1e6, Per: time.Hour}}, Playbook: []remediate.Rate{{Max: 1e6, Per: time.Hour}}, Host: []remediate.Rate{{Max: 1e6, Per: time.Hour}},
	Breaker: remediate.BreakerLimits{Touched: 1e6, Playbook: 1e6}, Storm: remediate.StormLimits{Targets: 1e6}, Flapping: remediate.Rate{Max: 1e6, Per: time.Hour},
}
