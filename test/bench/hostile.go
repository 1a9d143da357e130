package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The hostile clients, as many as a site should not have.
const (
	slowClients   = 1000
	greedyClients = 8
	greedyBody    = 100 << 20
	repeats       = 1000
)

// Good traffic: many times what an Alertmanager of one host sends.
const (
	goodSenders = 8
	goodRate    = 300
	goodFor     = 4 * time.Second
	// attackFirst is how long an attack has been going on when good traffic comes.
	attackFirst = time.Second
)

// hostile times good webhooks with and without hostile clients beside them.
func (b *bench) hostile(ctx context.Context) (rows []row, err error) {
	s, err := b.newSiege(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for _, attack := range []struct {
		what  string
		begin func(ctx context.Context, errs chan<- error)
	}{
		{"1,000 slow connections", dribble},
		{"8 bodies of 100 MB", gorge},
		{"1,000 identical webhooks", s.repeat},
	} {
		found, err := s.under(ctx, b.rounds, attack.what, attack.begin)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", attack.what, err)
		}
		rows = append(rows, found...)
	}
	time.Sleep(laterOn)
	later, _ := s.agent.resident()
	rows = append(rows, held("resident, a minute after all", later, s.before, "before").ratioAtMost(1.25))
	counted, err := s.counts()
	return append(rows, counted...), err
}

// siege is an agent that is attacked.
type siege struct {
	agent   *process
	counter *http.Server
	stop    func() error
	jobs    atomic.Int64 // of the dispatcher
	before  float64      // resident, with all that daily work needs
}

func (b *bench) newSiege(ctx context.Context) (*siege, error) {
	s := &siege{}
	if err := errors.Join(sleeper(dispatcher), systemctl("start", dispatcher)); err != nil {
		return nil, err
	}
	var err error
	if s.stop, err = watchJobs(func(unit string) {
		if unit == dispatcher {
			s.jobs.Add(1)
		}
	}); err != nil {
		return nil, err
	}
	if s.counter, err = countErrors(); err != nil {
		return nil, err
	}
	dir, err := b.newDir("siege")
	if err != nil {
		return nil, err
	}
	if s.agent, err = startAgent(ctx, dir); err != nil {
		return nil, err
	}
	if _, err := good(ctx); err != nil { // what it needs for its daily work it has from now on
		return nil, err
	}
	s.agent.settle()
	s.before, _ = s.agent.resident()
	return s, nil
}

func (s *siege) close() error {
	return errors.Join(s.agent.stop(), s.counter.Close(), s.stop(), systemctl("stop", dispatcher))
}

// countErrors serves a counter that rises faster than it may, so that the agent's
// probe agrees with the alert.
func countErrors() (*http.Server, error) {
	l, err := net.Listen("tcp", countAddr)
	if err != nil {
		return nil, err
	}
	var errs atomic.Int64
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "# TYPE webhook_errors_total counter\nwebhook_errors_total %d\n", errs.Add(100))
	})}
	go func() { _ = server.Serve(l) }() // it ends when it is closed
	return server, nil
}

// good sends good webhooks and returns how long they took.
func good(ctx context.Context) ([]time.Duration, error) {
	return pace{
		addr: agentAddr, senders: goodSenders, rate: goodRate, count: goodRate * int(goodFor/time.Second),
		request: func(n int) []byte { return webhookRequest(unmatched(1, n)) },
	}.run(ctx)
}

// under compares good traffic beside an attack with good traffic alone: how long
// it takes, and the most memory that the agent holds meanwhile.
func (s *siege) under(ctx context.Context, rounds int, what string, begin func(context.Context, chan<- error)) ([]row, error) {
	var quicks, slows, held turns
	turn := func(begin func(context.Context, chan<- error), q, sl, m *[]float64) func() error {
		return func() error {
			took, most, err := s.beside(ctx, begin)
			*q, *sl, *m = append(*q, quick(took)), append(*sl, slow(took)), append(*m, most)
			return err
		}
	}
	err := alternate(rounds,
		turn(begin, &quicks.ours, &slows.ours, &held.ours),
		turn(nobody, &quicks.floor, &slows.floor, &held.floor))
	if err != nil {
		return nil, err
	}
	return []row{
		slows.row(what+": good p99", "ms", "good traffic alone").ratioAtMost(2),
		quicks.row(what+": good p50", "ms", ""),
		held.row(what+": resident, the most", "MiB", "").ratioAtMost(1.25),
	}, s.agent.alive()
}

// nobody attacks.
func nobody(context.Context, chan<- error) {}

// held is a row of memory at two times.
func held(what string, now, then float64, beside string) row {
	ratio := now / then
	return row{What: what, Unit: "MiB", Ours: now, Floor: &then, Ratio: &ratio, Beside: beside}
}

// beside is good traffic beside an attack; it returns how long each webhook took,
// and the most memory that the agent held.
func (s *siege) beside(ctx context.Context, begin func(context.Context, chan<- error)) (took []time.Duration, most float64, err error) {
	s.agent.settle()
	attacking, cancel := context.WithCancel(ctx)
	errs := make(chan error, slowClients)
	var all sync.WaitGroup
	all.Go(func() { begin(attacking, errs) })
	all.Go(func() { most = s.watch(attacking) })
	time.Sleep(attackFirst)
	took, err = good(ctx)
	cancel()
	all.Wait()
	close(errs)
	for attack := range errs {
		err = errors.Join(err, attack)
	}
	return took, most, err
}

// watch is the most memory that the agent held until ctx ended.
func (s *siege) watch(ctx context.Context) (most float64) {
	for ctx.Err() == nil {
		now, _ := s.agent.resident()
		most = max(most, now)
		pause(ctx, 50*time.Millisecond)
	}
	return most
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// counts holds that the identical webhooks were one incident and one act.
func (s *siege) counts() ([]row, error) {
	opened, err := metric(`nightshift_alerts_total{result="opened"}`)
	if err != nil {
		return nil, err
	}
	exactly := func(r row) row { return r.aim("1", r.Ours == 1) }
	return []row{
		exactly(row{What: "identical webhooks: incidents", Ours: opened}),
		exactly(row{What: "identical webhooks: restarts", Ours: float64(s.jobs.Load())}),
	}, nil
}

// metric reads one of the agent's metrics.
func metric(name string) (value float64, err error) {
	answer, err := http.Get("http://" + agentAddr + "/metrics")
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			_, err := fmt.Sscan(rest, &value)
			return value, err
		}
	}
	return 0, fmt.Errorf("the agent has no metric %s", name)
}
