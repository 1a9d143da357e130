// Package engine drives incidents: it asks the state machine what is wanted,
// brings the world's answer back to it, and makes each event durable before
// anything happens that the event permits.
//
// One goroutine owns all that is known and does nothing slow; whatever asks the
// world runs beside it and posts its answer back. What the world is, the engine
// does not know: it sees the interfaces of [Options].
package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nightshift/alerts"
	"nightshift/remediate"
)

// Log is the durable record.
type Log interface {
	// Append makes an event durable, or returns why it is not; it may write a
	// snapshot of the ledger first. [ErrFenced] says that another process
	// writes this log, and [ErrStartAgain] that an event was stored after all
	// whose append had failed: the engine stops.
	Append(ctx context.Context, e remediate.Event) error
	// KeepEvidence stores a text that is too long for an event and returns the
	// digest by which it is found.
	KeepEvidence(ctx context.Context, id remediate.ID, text string) (digest string, err error)
}

// World is what the engine asks and does outside.
type World interface {
	// Situation reads how a target stands; what can't be read is not Known.
	Situation(ctx context.Context, on remediate.Target) remediate.Situation
	// Probe asks one probe by its name; one that is not configured is unknown.
	Probe(ctx context.Context, name string) remediate.Observation
	// Machine reads how a VM of the inventory stands, and which images a plan for
	// it could name; asked is what a person asked for, if one did.
	Machine(ctx context.Context, vm string, asked *remediate.Asked) remediate.Machine
	// Busiest is the unit that uses most of the processors; asked only for a plan
	// that acts on it.
	Busiest(ctx context.Context) remediate.Busy
	// Dependants names the units that systemd would restart or stop along with a deed
	// now, directly or not; none where the verb takes nothing along. An error says that
	// it can't be told, so nothing may be done.
	Dependants(ctx context.Context, deed remediate.Deed) ([]string, error)
	// See takes one piece of evidence.
	See(ctx context.Context, look remediate.Look, about remediate.Target) remediate.Evidence
	// Silences are those of Alertmanager that cover an alert now, as far as is known:
	// an Alertmanager that can't be read is not waited for.
	Silences(ctx context.Context, a alerts.Alert) []remediate.Silence
}

// ErrFenced says that another process writes the log.
var ErrFenced = errors.New("another process writes this host's log")

// ErrStartAgain says that what the engine believes is not what the log says: only
// a start from the log mends that.
var ErrStartAgain = errors.New("the log holds something else than was believed")

// Config is what a reload can change.
type Config struct {
	Inventory remediate.Inventory
	// Playbooks in the order in which they are asked.
	Playbooks []remediate.Playbook
	// Asked are the playbooks that only a person starts.
	Asked []remediate.Playbook
	// Mode is how far the whole agent may go.
	Mode remediate.Autonomy
	// MaxActing is how many incidents may act at once on this host.
	MaxActing int
}

// Options are all that an engine needs.
type Options struct {
	Config  Config
	Log     Log
	World   World
	Actions map[remediate.Verb]remediate.Action
	// Ledger is the fold of the log so far.
	Ledger *remediate.Ledger
	// FrozenByFile is the freeze that a file holds, or damage of the log; nil if
	// none does.
	FrozenByFile func() *remediate.Freeze
	// Now reads the clocks.
	Now func() remediate.Instant
	// Told is called with each event that became durable, in order, and the
	// incident as it is then (nil for the host's own). It must neither block nor
	// keep the incident.
	Told func(e remediate.Event, i *remediate.Incident)
	// CountAlert counts what became of an alert.
	CountAlert func(result string)
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	// Pace is how time passes; nil is the process's own, which Run drives.
	Pace Pace
	// Random is where the names of incidents come from; nil is [crypto/rand.Reader].
	Random io.Reader
	// Reached is called at each durable boundary with its name, so that a test
	// build can stop there; nil otherwise.
	Reached func(boundary string)
}

// Engine drives the incidents of one host.
type Engine struct {
	o        Options
	config   atomic.Pointer[Config]
	frozenBy atomic.Pointer[remediate.Freeze] // that of the log, for who can't wait for the loop
	m        *metrics
	pace     Pace

	inbox chan func()
	done  chan struct{}
	work  sync.WaitGroup
	ctx   context.Context
	stop  context.CancelFunc

	// What follows belongs to the loop alone.
	ledger  *remediate.Ledger
	tasks   map[remediate.ID]*task
	arrived []arrival
	unsaid  remediate.Position           // dealt with, and not yet in the log
	told    remediate.Position           // the last position in the log
	retry   bool                         // the log could not be written and is tried again soon
	outage  bool                         // that was said, and is not over
	heard   map[string]remediate.Instant // when each source was heard last, by this process
	began   remediate.Instant            // when this process began to listen

	observed remediate.Instant // when the units of plans that were only observed were looked at last
	fatal    error
}

// inboxSize lets answers wait without holding up who brings them; alerts have a
// bound of their own, the stream they are read from.
const inboxSize = 256

// New makes an engine; Run starts it.
func New(o Options) *Engine {
	if o.Ledger == nil {
		o.Ledger = remediate.NewLedger()
	}
	if o.Reached == nil {
		o.Reached = func(string) {}
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Told == nil {
		o.Told = func(remediate.Event, *remediate.Incident) {}
	}
	if o.CountAlert == nil {
		o.CountAlert = func(string) {}
	}
	if o.FrozenByFile == nil {
		o.FrozenByFile = func() *remediate.Freeze { return nil }
	}
	ctx, stop := context.WithCancel(context.Background())
	e := &Engine{
		o: o, m: newMetrics(o.Registerer), inbox: make(chan func(), inboxSize), done: make(chan struct{}),
		ctx: ctx, stop: stop, ledger: o.Ledger, tasks: map[remediate.ID]*task{},
		unsaid: o.Ledger.Cursor, told: o.Ledger.Cursor, heard: map[string]remediate.Instant{}, began: o.Now(),
	}
	if e.pace = o.Pace; e.pace == nil {
		e.pace = process{e}
	}
	e.frozenBy.Store(o.Ledger.Freeze)
	e.Configure(o.Config)
	return e
}

// Configure replaces the configuration. Incidents that live keep their playbook.
func (e *Engine) Configure(c Config) {
	if c.MaxActing < 1 {
		c.MaxActing = 1
	}
	c.Inventory.Limits = c.Inventory.Limits.WithDefaults()
	e.config.Store(&c)
	e.m.configure(c)
}

// Run takes up every live incident and drives them until ctx ends or the log is
// another's; it then returns nil, or [ErrFenced] or [ErrStartAgain]. An act that
// is under way when it ends is told so by its context; what came of it is found
// by its witness at the next start. Run can be called once.
func (e *Engine) Run(ctx context.Context) error {
	defer close(e.done)
	defer e.work.Wait() // at most [Grace]: nothing waits longer for what hangs
	defer e.stop()
	e.recover()
	tick := time.NewTicker(TickEvery)
	defer tick.Stop()
	for e.fatal == nil && ctx.Err() == nil {
		select {
		case <-tick.C: // first, where both are due: a deadline waits for no crowd
			e.tick()
			continue
		default:
		}
		select {
		case <-ctx.Done():
		case f := <-e.inbox:
			f()
		case <-tick.C:
			e.tick()
		}
	}
	if e.fatal == nil {
		e.sayRead()
	}
	return e.fatal
}

// newID is a name that no incident has that the engine knows.
func (e *Engine) newID() remediate.ID {
	for {
		var random [5]byte
		_, _ = io.ReadFull(e.o.Random, random[:]) // crypto/rand never fails: it ends the process
		id := remediate.NewID(random)
		if e.ledger.Incidents[id] == nil {
			return id
		}
	}
}

// Cursor is the last alert that was dealt with: reading goes on behind it.
func (e *Engine) Cursor(ctx context.Context) (remediate.Position, error) {
	var p remediate.Position
	err := e.call(ctx, func() error { p = e.unsaid; return nil })
	return p, err
}
