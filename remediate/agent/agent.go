package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"nightshift/alerts/webhook"
	"nightshift/remediate"
	"nightshift/remediate/engine"
	"nightshift/remediate/inventory"
	"nightshift/remediate/journal"
	"nightshift/remediate/oncall"
	"nightshift/remediate/probe"
	"nightshift/remediate/systemd"
)

// ErrFenced says that another process writes this host's log. It does not help to
// start again: a person decides which of the two goes.
var ErrFenced = engine.ErrFenced

// Agent is one running agent: New binds what can fail, Start begins to work, Stop
// ends it. It can be embedded: nothing of it is global.
type Agent struct {
	settings Settings
	version  string
	log      *slog.Logger
	now      func() remediate.Instant
	registry *prometheus.Registry

	inventory atomic.Pointer[inventory.File]
	listener  net.Listener
	journal   *journal.Journal
	bus       *systemd.Bus
	world     *world
	engine    *engine.Engine
	notifier  *oncall.Notifier
	pager     *pager
	counts    *webhook.Metrics
	damaged   *journal.Damage
	inside    inside

	reloading reloading
	sampling  atomic.Pointer[func()] // stops the probes that sample by themselves
	teardown  teardown
	done      chan struct{}
	stopOnce  sync.Once
	mu        sync.Mutex
	err       error
}

// New opens the journal and binds the listeners, so that Addr is known. What it
// opened is closed again when it fails. The error is [ErrFenced] when another
// process has the state directory.
func New(s Settings, version string, log *slog.Logger, options ...Option) (*Agent, error) {
	a := &Agent{settings: s, version: version, log: log, now: clock(), registry: prometheus.NewRegistry(), done: make(chan struct{})}
	a.inside.hardware = thisMachine()
	for _, option := range options {
		option(a)
	}
	a.lookInside()
	if err := a.open(); err != nil {
		return nil, errors.Join(err, a.teardown.run(context.Background()))
	}
	return a, nil
}

// open does the steps of New; each registers how it is taken back.
func (a *Agent) open() error {
	file, config, probes, err := read(a.settings, inForce{})
	if err != nil {
		return err
	}
	a.inventory.Store(file)
	a.describe()
	if err := a.listen(); err != nil {
		return err
	}
	ledger, err := a.openJournal(file, config)
	if err != nil {
		return err
	}
	a.openWorld(file, probes)
	a.makeEngine(config, ledger)
	return a.makePager()
}

// describe registers what says which program this is.
func (a *Agent) describe() {
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "nightshift_build_info", Help: "1, with the version of the program and its mode.",
	}, []string{"version", "mode"})
	info.WithLabelValues(a.version, a.settings.Mode.String()).Set(1)
	a.describeReloads()
	a.registry.MustRegister(info, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
}

// openJournal opens the log and folds it.
func (a *Agent) openJournal(file *inventory.File, config engine.Config) (*remediate.Ledger, error) {
	ledger := remediate.NewLedger()
	s := a.settings
	j, err := journal.Open(context.Background(), journal.Options{
		Dir: s.StateDir, Host: file.Host.Name, Agent: a.version, Inventory: file.Digest, Playbooks: digestOf(config),
		Listen: s.NATSListen, TLSCert: s.NATSTLSCertFile, TLSKey: s.NATSTLSKeyFile, TLSCA: s.NATSCAFile,
		People: usersOf(file), Leaf: s.leaf(),
		Snapshot: func() ([]byte, error) { return remediate.EncodeJSON(ledger) },
		Now:      a.now, Log: a.log, Metrics: a.registry,
	})
	if errors.Is(err, journal.ErrFenced) {
		return nil, fmt.Errorf("%w: %w", ErrFenced, err)
	}
	if err != nil {
		return nil, err
	}
	a.journal = j
	a.teardown.add("journal", j.Close)
	if a.damaged, err = j.Replay(context.Background(), fold(ledger)); err != nil {
		return nil, err
	}
	return ledger, a.startNotifying(file.Host.Name)
}

// startNotifying publishes notifications from now on.
func (a *Agent) startNotifying(host string) error {
	conn, err := a.journal.NotifyConn()
	if err != nil {
		return err
	}
	a.notifier = oncall.NewNotifier(host, conn, a.log)
	a.teardown.add("notifications", a.notifier.Stop)
	return nil
}

// fold applies what the log holds to a ledger.
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

// openWorld connects to systemd, whether or not it is there, and takes the probes
// into use.
func (a *Agent) openWorld(file *inventory.File, probes map[string]prober) {
	a.bus = systemd.Connect(systemd.Options{Log: a.log, Registry: a.registry})
	a.teardown.add("systemd", func(context.Context) error { a.bus.Close(); return nil })
	listed := func() []string { return unitNames(a.file()) }
	a.world = &world{
		units: systemd.NewUnits(a.bus, listed), listed: listed,
		sights: sightsOf(file), load: newLoad(file), log: a.log,
	}
	a.world.use(probes, makeVMs(a.world, file, nil, true))
	a.teardown.add("virtual machines", func(context.Context) error { a.world.closeVMs(); return nil })
}

// sightsOf is where the evidence of a host is taken.
func sightsOf(file *inventory.File) probe.Sights {
	if m := file.Host.Memory; m != nil {
		return probe.Sights{Slice: m.Of, Allocation: int64(m.Allocation)}
	}
	return probe.Sights{}
}

func (a *Agent) makeEngine(config engine.Config, ledger *remediate.Ledger) {
	a.inside.was = ledger.Epoch
	var later []string
	for _, fate := range remediate.Fates {
		later = append(later, string(fate))
	}
	a.counts = webhook.NewMetrics(a.registry, later...)
	a.engine = engine.New(engine.Options{
		Config: config, Log: recorder{a.journal}, World: sleeper{a.world, a.inside.awake}, Actions: a.world.actions(a.halted), Ledger: ledger,
		FrozenByFile: orByDamage(a.journal.Damage, a.now, frozenByFile(a.now, FreezeFile(a.settings), siteFreezeFile)),
		Now:          a.now, Told: a.told,
		CountAlert: func(result string) { a.counts.Count(result, 1) },
		Logger:     a.log, Registerer: a.registry, Reached: reached,
	})
}

// halted says why nothing may be done now, if somebody froze the agent. It waits for
// nothing.
func (a *Agent) halted() error {
	if f := a.engine.Halted(); f != nil {
		return fmt.Errorf("%w: frozen by %s just before it", remediate.ErrWithheld, f.By)
	}
	return nil
}

// file is the inventory in force.
func (a *Agent) file() *inventory.File { return a.inventory.Load() }

// Addr is where webhooks and metrics are served, as host:port.
func (a *Agent) Addr() string { return a.listener.Addr().String() }

// Done is closed when the agent has ended, by Stop or by itself; Err says why.
func (a *Agent) Done() <-chan struct{} { return a.done }

// Err is why the agent ended by itself; nil after Stop.
func (a *Agent) Err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// Start begins to work: incidents are taken up, alerts read, webhooks answered.
func (a *Agent) Start(ctx context.Context) error {
	if err := a.start(ctx); err != nil {
		return errors.Join(err, a.Stop(ctx))
	}
	a.notifyReady()
	return nil
}

func (a *Agent) start(ctx context.Context) error {
	a.startEngine()
	if err := a.freezeIfDamaged(ctx); err != nil {
		return err
	}
	if err := a.wake(ctx); err != nil {
		return err
	}
	a.sample()
	if err := a.startReading(ctx); err != nil {
		return err
	}
	if err := a.startPeople(); err != nil {
		return err
	}
	a.startPager()
	a.startPruning()
	a.speakWithHost()
	return a.startServing()
}

func (a *Agent) startEngine() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := a.engine.Run(ctx); err != nil {
			a.fail(err)
		}
	}()
	a.teardown.add("engine", func(stop context.Context) error { cancel(); return await(stop, ended) })
}

// freezeIfDamaged stops all acting when the log can't be trusted.
func (a *Agent) freezeIfDamaged(ctx context.Context) error {
	if a.damaged == nil {
		return nil
	}
	a.log.Error("the journal is damaged; all acting is frozen", slog.String("damage", a.damaged.Error()))
	return a.engine.Record(ctx, remediate.Event{Type: remediate.HostFroze, Froze: &remediate.Freeze{
		By: "nightshift", Reason: remediate.Brief(a.damaged.Error()), At: a.now(), Damage: true,
	}})
}

// sample keeps sampling what needs it, in place of what did before.
func (a *Agent) sample() {
	ctx, cancel := context.WithCancel(context.Background())
	wait := keepSampling(ctx, a.world.samplers())
	stop := func() { cancel(); wait() }
	if before := a.sampling.Swap(&stop); before != nil {
		(*before)()
		return
	}
	a.teardown.add("sampling", func(context.Context) error { (*a.sampling.Load())(); return nil })
}

func (a *Agent) startPeople() error {
	conn, err := a.journal.PeopleConn()
	if err != nil {
		return err
	}
	service, err := oncall.Serve(oncall.Options{
		Host: a.file().Host.Name, Version: a.version, Dashboard: func() string { return a.file().Host.Dashboard }, Conn: conn, Person: a.person, Now: a.now,
		Agent: people{a}, Machines: people{a}, History: history{a.journal}, Logger: a.log,
	})
	if err != nil {
		return err
	}
	a.teardown.add("people", func(context.Context) error { service.Stop(); return nil })
	return nil
}

// fail ends the agent because of an error of its own.
func (a *Agent) fail(err error) {
	a.mu.Lock()
	if a.err == nil {
		a.err = err
	}
	a.mu.Unlock()
	a.log.Error("the agent ends", slog.Any("err", err))
	go func() {
		if err := a.Stop(context.Background()); err != nil {
			a.log.Error("the agent did not end in order", slog.Any("err", err))
		}
	}()
}

// Stop ends the agent in the reverse order of its start, within stopTimeout, and
// closes Done. It can be called more than once.
func (a *Agent) Stop(ctx context.Context) error {
	var err error
	a.stopOnce.Do(func() {
		a.notifyStopping()
		bounded, cancel := context.WithTimeout(ctx, stopTimeout)
		defer cancel()
		err = a.teardown.run(bounded)
		close(a.done)
	})
	<-a.done
	return err
}

// stopTimeout is less than the unit's TimeoutStopSec=, so that the agent ends by
// itself.
const stopTimeout = 20 * time.Second

// degraded says what the agent can't do now, by what it lacks.
func (a *Agent) degraded(ctx context.Context) map[string]string {
	lacks := map[string]string{}
	if err := a.bus.Err(); err != nil {
		lacks["systemd"] = "units can be neither read nor acted on: " + err.Error()
	}
	if err := a.journal.Ready(ctx); err != nil {
		lacks["journal"] = "nothing can be recorded, so nothing is done: " + err.Error()
	}
	if d := a.journal.Damage(); d != nil {
		lacks["journal_damage"] = "all acting is frozen: " + d.Error()
	}
	a.world.lacksVMs(ctx, lacks)
	a.pager.lacks(lacks)
	a.lacksInside(lacks)
	return lacks
}
