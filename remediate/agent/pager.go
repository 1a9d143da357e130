package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nightshift/alerts"
	"nightshift/alerts/alertmanager"
	"nightshift/remediate"
)

const (
	// lookEvery is how often the Alertmanagers are looked at though nothing happened:
	// so late, at most, is a person's silence heard of.
	lookEvery = 10 * time.Second
	// apart is the least time between two looks, so that many events in a row do not
	// make as many questions.
	apart = 200 * time.Millisecond
)

// handled is what the pager must know of incidents, and what it has to say of them.
type handled interface {
	Incidents(ctx context.Context) ([]remediate.Incident, error)
	Alerts(ctx context.Context) (map[remediate.ID][]alerts.Alert, error)
	Say(ctx context.Context, incident string, said remediate.Said) (remediate.Incident, error)
	Record(ctx context.Context, event remediate.Event) error
}

// pagerOptions are all that a pager needs.
type pagerOptions struct {
	Posting   func() posting
	Engine    handled
	Clients   []*alertmanager.Client
	Mine      func(alerts.Alert) bool
	Whole     func() bool
	Store     func(ctx context.Context, batch []byte) error
	Now       func() remediate.Instant
	Log       *slog.Logger
	PageFails prometheus.Counter
}

// pager projects the incidents onto the Alertmanagers, and hears from them what people
// silenced. It is a projection: what an Alertmanager has is compared with what the log
// says, over and over, so that nothing has to be remembered and no answer is waited
// for. It never holds up the engine.
type pager struct {
	o        pagerOptions
	stations []*station
	nudged   chan struct{}
	silences atomic.Pointer[[]heardSilence]

	said   map[string]bool              // incident and silence: whether it was taken, or only tried
	fed    map[alerts.Fingerprint]*feed // muted alerts
	failed failure
}

func newPager(o pagerOptions) *pager {
	p := &pager{
		o: o, nudged: make(chan struct{}, 1), said: map[string]bool{}, fed: map[alerts.Fingerprint]*feed{},
	}
	for _, client := range o.Clients {
		p.stations = append(p.stations, newStation(client, o.Posting().host, o.Log))
	}
	return p
}

// nudge says that something changed. It never waits.
func (p *pager) nudge() {
	select {
	case p.nudged <- struct{}{}:
	default: // a look is due already, and will see this too
	}
}

// run looks until ctx ends.
func (p *pager) run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		p.look(ctx)
		pause(ctx, apart)
		select {
		case <-p.nudged:
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// look goes about all Alertmanagers once, side by side.
func (p *pager) look(ctx context.Context) {
	incidents, err := p.o.Engine.Incidents(ctx)
	if err != nil {
		return // the engine has ended
	}
	known, err := p.o.Engine.Alerts(ctx)
	if err != nil {
		return
	}
	now, posting := p.o.Now(), p.o.Posting()
	w := posting.wanted(incidents, known, now)
	w.whole = p.o.Whole()
	var claims claims
	var all sync.WaitGroup
	for _, s := range p.stations {
		all.Go(func() { s.visit(ctx, posting, w, now.Wall, claims.claim) })
	}
	all.Wait()
	if ctx.Err() != nil {
		return
	}
	p.listen(now.Wall)
	p.acknowledge(ctx, posting, incidents, now)
	p.feedMuted(ctx, w, known, now.Wall)
	p.account(ctx, w, now.Wall)
}

// wanted is what the Alertmanagers are to have because of the incidents.
func (p posting) wanted(incidents []remediate.Incident, known map[remediate.ID][]alerts.Alert, now remediate.Instant) wanted {
	w := wanted{alerts: map[alerts.Fingerprint]alertmanager.Alert{}, calls: map[alerts.Fingerprint]remediate.ID{}}
	for n := range incidents {
		i := &incidents[n]
		for _, a := range p.acting(i, now.Wall) {
			w.alerts[alerts.FingerprintOf(a.Labels)] = a
		}
		for _, a := range p.escalations(i, now.Wall) {
			f := alerts.FingerprintOf(a.Labels)
			w.alerts[f] = a
			if acknowledged(i, now) == nil {
				w.calls[f] = i.ID
			}
		}
		w.quiet = append(w.quiet, p.quieting(i, known[i.ID], now)...)
	}
	return w
}

// claims are the new silences of one look: one Alertmanager makes each, and the next
// look sees whether the others have heard of it.
type claims struct {
	mu   sync.Mutex
	made map[string]bool
}

func (c *claims) claim(s alertmanager.Silence) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made[key(s)] {
		return false
	}
	if c.made == nil {
		c.made = map[string]bool{}
	}
	c.made[key(s)] = true
	return true
}

// makePager makes the pager; the Alertmanagers that it needs are reached as the settings
// say. An error of a setting names it.
func (a *Agent) makePager() error {
	clients, err := alertmanagers(a.settings)
	if err != nil {
		return configError{err}
	}
	fails := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "nightshift_page_failures_total", Help: "Looks at which no Alertmanager had taken an escalation that nobody has acknowledged.",
	})
	a.registry.MustRegister(fails)
	a.pager = newPager(pagerOptions{
		Posting: func() posting { return posting{host: a.file().Host.Name, dashboard: a.file().Host.Dashboard} },
		Engine:  a.engine, Clients: clients, PageFails: fails, Now: a.now, Log: a.log,
		Mine:  func(alert alert) bool { return a.file().Scope.Mine(alert) },
		Whole: func() bool { return a.journal.Damage() == nil },
		Store: func(ctx context.Context, batch []byte) error { return alertStore{a.journal}.StoreAlerts(ctx, batch) },
	})
	a.world.silences = func(of alert) []remediate.Silence { return a.pager.covering(of, a.now().Wall) }
	a.teardown.add("connections to Alertmanagers", func(context.Context) error {
		for _, client := range clients {
			client.Close()
		}
		return nil
	})
	return nil
}

// startPager begins to look at the Alertmanagers, if there are any.
func (a *Agent) startPager() {
	if len(a.pager.stations) == 0 {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.pager.run(ctx)
	}()
	a.teardown.add("pager", func(stop context.Context) error { cancel(); return await(stop, ended) })
}

// alertmanagers are the clients of the setting's URLs, all with one transport.
func alertmanagers(s Settings) ([]*alertmanager.Client, error) {
	transport, err := clientTransport(s)
	if err != nil || len(s.AlertmanagerURL) == 0 {
		return nil, err
	}
	var clients []*alertmanager.Client
	var errs []error
	for _, address := range s.AlertmanagerURL {
		client, err := alertmanager.New(address, transport)
		if err != nil {
			errs = append(errs, fmt.Errorf("cannot use NIGHTSHIFT_ALERTMANAGER_URL: %w", err))
			continue
		}
		clients = append(clients, client)
	}
	return clients, errors.Join(errs...)
}
