package simulate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nightshift/remediate"
	"nightshift/remediate/engine"
	"nightshift/remediate/journal"
)

// process is one life of the agent, from a start to its death.
type process struct {
	w      *world
	n      int
	engine *engine.Engine
	tail   *journal.Tail
	ctx    context.Context
	cancel context.CancelFunc
	// gone is whether it is dead: nothing it still wants to do happens.
	gone  atomic.Bool
	began time.Time
	// doom counts the boundaries that are left to it, when it is not negative.
	doom atomic.Int64
	// dead is closed when it dies, or ends.
	dead chan struct{}
	once sync.Once
	// ended is closed when its engine has ended, with err.
	ended chan struct{}
	err   error
}

// epoch is the one that every simulated log has.
const epoch = "01KJMMA2G04T2KVZ6T9HQB7NMY"

// starts begins a process on what the log holds.
func (w *world) starts() *process {
	w.processes++
	p := &process{w: w, n: w.processes, began: time.Now(), dead: make(chan struct{}), ended: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.doom.Store(-1)
	ledger := remediate.NewLedger()
	p.tail = journal.NewTail(journal.Options{
		Host: hostName, Now: w.clock.now,
		Snapshot: func() ([]byte, error) { return remediate.EncodeJSON(ledger) },
	}, epoch, ofProcess{w.stream, p}, w.stream.mark)
	flaws, err := p.tail.Replay(w.stream.messages(), fold(ledger))
	if err != nil || len(flaws) > 0 {
		w.observer.breach("after a crash the log reads as it was written", "%v %v", flaws, err)
	}
	w.observer.comesBack(ledger)
	p.engine = engine.New(engine.Options{
		Config: w.config, Log: p, World: hands{p}, Actions: actions(p), Ledger: ledger,
		FrozenByFile: w.frozenByFile, Now: w.clock.now, Logger: slog.New(slog.DiscardHandler),
		Registerer: prometheus.NewRegistry(), Reached: p.reaches, Random: w.dice,
	})
	w.alive.Go(func() {
		defer p.kill()
		defer close(p.ended)
		p.err = p.engine.Run(p.ctx)
	})
	w.alive.Go(p.reads)
	return p
}

// fold applies what the log holds to a ledger, as the agent does.
func fold(ledger *remediate.Ledger) func(journal.Recorded) error {
	return func(r journal.Recorded) error {
		if r.Snapshot == nil {
			return ledger.Apply(r.Event)
		}
		fresh := remediate.NewLedger()
		if err := remediate.DecodeJSON(r.Snapshot, fresh); err != nil {
			return err
		}
		*ledger = *fresh
		return nil
	}
}

// Append is the engine's log, as the agent wires it.
func (p *process) Append(ctx context.Context, e remediate.Event) error {
	err := p.tail.Append(ctx, e)
	switch {
	case errors.Is(err, journal.ErrFenced):
		return fmt.Errorf("%w: %w", engine.ErrFenced, err)
	case errors.Is(err, journal.ErrDiverged):
		return fmt.Errorf("%w: %w", engine.ErrStartAgain, err)
	}
	return err
}

// KeepEvidence keeps nothing: nobody reads it here.
func (p *process) KeepEvidence(_ context.Context, _ remediate.ID, text string) (string, error) {
	p.lives()
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:]), nil
}

// lives ends the goroutine if the process is dead.
func (p *process) lives() {
	if p.gone.Load() {
		runtime.Goexit()
	}
}

// dies is a kill, here and now.
func (p *process) dies() {
	p.kill()
	runtime.Goexit()
}

// kill ends the process: what it still does has no effect.
func (p *process) kill() {
	p.gone.Store(true)
	p.cancel()
	p.once.Do(func() { close(p.dead) })
}

// doomed lets it die at the n-th durable boundary from here.
func (p *process) doomed(n int) { p.doom.Store(int64(n)) }

// reaches is called at each durable boundary.
func (p *process) reaches(boundary string) {
	p.lives()
	p.w.count.add(p.w.count.boundaries, boundary)
	if p.doom.Add(-1) == 0 {
		p.w.count.add(p.w.count.crashes, boundary)
		p.dies()
	}
	p.w.reached(boundary)
}

// reads brings the stored notifications to the engine, from its cursor, as the
// agent does.
func (p *process) reads() {
	cursor, err := p.engine.Cursor(p.ctx)
	if err != nil {
		return
	}
	for n := max(cursor.Message, 1); ; n++ {
		arrivals, ok := p.w.mailbox.next(p.ctx, n)
		if !ok || p.engine.Take(p.ctx, arrivals) != nil {
			return
		}
	}
}
