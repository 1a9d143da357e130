package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// startServer starts a server without its store: what can go wrong here (a port
// that is taken, a bad certificate) is no damage.
func startServer(o *Options, ids *identities) (*server.Server, error) {
	opts, err := serverOptions(o, ids)
	if err != nil {
		return nil, err
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("cannot start the NATS server: %w", err)
	}
	log := &serverLog{log: o.logger()}
	srv.SetLoggerV2(log, false, false, false)
	ids.gate.serve(srv)
	srv.Start()
	if !srv.ReadyForConnections(callDeadline) {
		err := fmt.Errorf("cannot start the NATS server: %s", log.why("it is not ready after "+callDeadline.String()))
		return nil, errors.Join(err, stopServer(srv))
	}
	return srv, nil
}

// serverOptions are those of a server for one process: no signals, no monitoring
// port, no profiler. SyncAlways is the promise that an answer means durable;
// without it the server syncs every two minutes.
func serverOptions(o *Options, ids *identities) (*server.Options, error) {
	opts := &server.Options{
		ServerName:      "nightshift-" + o.Host,
		DontListen:      o.Listen == "",
		NoSigs:          true,
		NoLog:           true,
		SyncAlways:      true,
		JetStreamDomain: o.Host,
		MaxPayload:      MaxPayload,
		// Everything that waits for a slow reader, among it a whole batch of
		// the longest messages; whoever reads nothing for so long is cut off. A
		// person who stops reading costs no more than that, and the log nothing.
		MaxPending:             4 * MaxPayload,
		WriteDeadline:          writeDeadline,
		DisableJetStreamBanner: true,
	}
	var err error
	if o.Listen != "" {
		if opts.Host, opts.Port, err = o.listenAddr(); err != nil {
			return nil, err
		}
		if opts.TLSConfig, err = o.tlsConfig(); err != nil {
			return nil, err
		}
		opts.TLSTimeout = callDeadline.Seconds()
	}
	if opts.LeafNode, err = o.leafNode(); err != nil {
		return nil, err
	}
	return opts, ids.configure(opts, o.Host)
}

// openStore gives a running server its store, and reads what is in it. It does
// not come back from some damages.
func openStore(srv *server.Server, dir, host string) error {
	err := srv.EnableJetStream(&server.JetStreamConfig{
		StoreDir:   dir,
		Domain:     host,
		SyncAlways: true,
		Strict:     true,
		MaxMemory:  16 << 20, // nothing of ours lies in memory; 0 would guess
		MaxStore:   storeBytes,
	})
	if err != nil {
		return fmt.Errorf("cannot open the store: %w", err)
	}
	account, err := srv.LookupAccount(journalAccount)
	if err != nil {
		return fmt.Errorf("cannot open the store: %w", err)
	}
	if err := account.EnableJetStream(nil, nil); err != nil {
		return fmt.Errorf("cannot open the store: %w", err)
	}
	return nil
}

// stopServer ends a server and waits for it.
func stopServer(srv *server.Server) error {
	stopped := make(chan struct{})
	go func() {
		srv.Shutdown()
		srv.WaitForShutdown()
		close(stopped)
	}()
	select {
	case <-stopped:
		return nil
	case <-time.After(stopDeadline):
		return fmt.Errorf("%w: it did not stop within %s", ErrStuck, stopDeadline)
	}
}

// door is the way into the server of the moment: connections that outlive a
// server find the next one through it.
type door struct {
	srv atomic.Pointer[server.Server]
	log *slog.Logger
}

// InProcessConn connects to the server of the moment.
func (d *door) InProcessConn() (net.Conn, error) {
	if srv := d.srv.Load(); srv != nil {
		return srv.InProcessConn()
	}
	return nil, errors.New("cannot connect: the NATS server is down")
}

// connect logs in as the user of a key. The connection is kept for ever: by
// default the client gives up after 60 tries. What can't be sent at once is an
// error, not a buffer.
func (d *door) connect(name string, key nkeys.KeyPair, options ...nats.Option) (*nats.Conn, error) {
	public, err := key.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("cannot connect to the NATS server: %w", err)
	}
	conn, err := nats.Connect("", append([]nats.Option{
		nats.InProcessServer(d),
		nats.Name(name),
		nats.Nkey(public, key.Sign),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(50 * time.Millisecond),
		nats.ReconnectBufSize(-1),
		nats.Timeout(callDeadline),
		nats.NoCallbacksAfterClientClose(),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			d.log.Warn("the agent's NATS connection", "connection", name, "error", err)
		}),
	}, options...)...)
	if err != nil {
		return nil, fmt.Errorf("cannot connect to the NATS server: %w", err)
	}
	return conn, nil
}

// within bounds a call that the caller must not be able to abandon half way:
// whoever stops waiting for an append does not undo it.
func within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), callDeadline)
}
