package journal

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// store is the embedded server with its streams, and this process's connection
// to them. It can be restarted in place: a full disk leaves a server that takes
// publishes and never answers, also when there is space again.
type store struct {
	o    *Options
	ids  *identities
	door *door

	// mu guards what a restart replaces. Publishing holds it for reading.
	mu   sync.RWMutex
	srv  *server.Server
	conn *nats.Conn
	js   jetstream.JetStream
	// stuck is set when an opening did not end: what it may still change is not
	// touched any more.
	stuck atomic.Bool
	// generation counts the restarts.
	generation atomic.Int64

	// mending is held by the one who restarts.
	mending sync.Mutex
	health  health
}

func newStore(o *Options, operatorKey string) (*store, error) {
	ids, err := newIdentities(o, operatorKey)
	if err != nil {
		return nil, err
	}
	return &store{o: o, ids: ids, door: &door{log: o.logger()}}, nil
}

// start starts the server, still without its store.
func (s *store) start() error {
	srv, err := startServer(s.o, s.ids)
	if err != nil {
		return err
	}
	s.srv = srv
	s.door.srv.Store(srv)
	return nil
}

// open gives the server its store and connects to it. Damage can make this
// hang or panic; see [store.openBounded].
func (s *store) open(ctx context.Context) error {
	if err := openStore(s.srv, filepath.Join(s.o.Dir, storeDir), s.o.Host); err != nil {
		return err
	}
	conn, err := s.door.connect("journal", s.ids.journal)
	if err != nil {
		return err
	}
	js, err := jetstream.NewWithDomain(conn, s.o.Host)
	if err != nil {
		conn.Close()
		return fmt.Errorf("cannot use the store: %w", err)
	}
	s.conn, s.js = conn, js
	return s.ensure(ctx, alertsConfig(s.o.Host), evidenceConfig(s.o.Host), canaryConfig(s.o.Host))
}

// ensure makes streams as they should be, whatever was recovered: a stream whose
// description was lost finds its messages again under its name.
func (s *store) ensure(ctx context.Context, configs ...jetstream.StreamConfig) error {
	for _, config := range configs {
		ctx, cancel := within(ctx)
		_, err := s.js.CreateOrUpdateStream(ctx, config)
		cancel()
		if err != nil {
			return fmt.Errorf("cannot open stream %s: %w", config.Name, err)
		}
	}
	return nil
}

// openBounded opens the store within its deadline, which no caller can shorten:
// an opening is not abandoned half way. After [ErrStuck] part of the
// server still runs and only a new process helps.
func (s *store) openBounded(ctx context.Context, more func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), openDeadline)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("cannot open the store: the NATS server panicked: %v", p)
			}
		}()
		err := s.open(ctx)
		if err == nil {
			err = more(ctx)
		}
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		s.stuck.Store(true)
		return fmt.Errorf("%w: the store did not open within %s", ErrStuck, openDeadline)
	}
}

// stop ends the connection and the server.
func (s *store) stop() error {
	s.door.srv.Store(nil)
	if s.stuck.Load() {
		return nil
	}
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
	if s.srv == nil {
		return nil
	}
	srv := s.srv
	s.srv = nil
	return stopServer(srv)
}

// link is the connection of the moment; nil when the server is down.
func (s *store) link() (*nats.Conn, jetstream.JetStream) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.stuck.Load() {
		return nil, nil
	}
	return s.conn, s.js
}

// publish stores one message and returns its sequence once it is durable. It
// checks who acknowledged: with equal subjects, a server that is joined to this
// one could.
func (s *store) publish(ctx context.Context, stream string, msg *nats.Msg, opts ...jetstream.PublishOpt) (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.stuck.Load() || s.conn == nil {
		return 0, fmt.Errorf("%w: the NATS server is down", ErrUnavailable)
	}
	ctx, cancel := within(ctx)
	defer cancel()
	ack, err := s.js.PublishMsg(ctx, msg, append(opts, jetstream.WithRetryAttempts(0))...)
	if err != nil {
		return 0, err
	}
	if ack.Stream != stream || ack.Domain != s.o.Host {
		return 0, fmt.Errorf("%w: stream %q of domain %q answered for %q", ErrFenced, ack.Stream, ack.Domain, stream)
	}
	return ack.Sequence, nil
}
