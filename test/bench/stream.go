package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/oklog/ulid/v2"

	"nightshift/remediate"
)

// stream is a log's stream, opened by a server of our own that does not sync.
type stream struct {
	srv  *server.Server
	conn *nats.Conn
	js   jetstream.JetStream
	name string
}

// inFlight is how many events may wait for the server's answer.
const inFlight = 4096

// openStream opens the stream of an epoch where the journal keeps it: in its
// account, below its directory.
func openStream(ctx context.Context, dir, epoch string) (*stream, error) {
	account := server.NewAccount("JOURNAL")
	srv, err := server.NewServer(&server.Options{
		ServerName: "nightshift-" + historyHost, DontListen: true, NoSigs: true, NoLog: true, MaxPayload: 8 << 20,
		JetStreamDomain: historyHost, Accounts: []*server.Account{account},
		Users: []*server.User{{Username: "bench", Password: "bench", Account: account}},
	})
	if err != nil {
		return nil, err
	}
	srv.Start()
	s := &stream{srv: srv, name: "journal-" + historyHost + "-" + epoch}
	if err := s.connect(ctx, filepath.Join(dir, "journal")); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open the log's stream: %w", err), s.close())
	}
	return s, nil
}

func (s *stream) connect(ctx context.Context, store string) error {
	err := s.srv.EnableJetStream(&server.JetStreamConfig{StoreDir: store, Domain: historyHost, MaxMemory: 16 << 20, MaxStore: 8 << 30})
	if err != nil {
		return err
	}
	account, err := s.srv.LookupAccount("JOURNAL")
	if err != nil {
		return err
	}
	if err := account.EnableJetStream(nil, nil); err != nil {
		return err
	}
	if s.conn, err = nats.Connect("", nats.InProcessServer(s.srv), nats.UserInfo("bench", "bench")); err != nil {
		return err
	}
	s.js, err = jetstream.NewWithDomain(s.conn, historyHost, jetstream.WithPublishAsyncMaxPending(inFlight))
	if err != nil {
		return err
	}
	_, err = s.js.Stream(ctx, s.name)
	return err
}

func (s *stream) close() error {
	if s.conn != nil {
		s.conn.Close()
	}
	s.srv.Shutdown()
	s.srv.WaitForShutdown()
	return nil
}

// end is the last event's number and hash, and its place in the stream.
func (s *stream) end(ctx context.Context) (n uint64, hash string, seq uint64, err error) {
	opened, err := s.js.Stream(ctx, s.name)
	if err != nil {
		return 0, "", 0, err
	}
	seq = opened.CachedInfo().State.LastSeq
	last, err := opened.GetMsg(ctx, seq)
	if err != nil {
		return 0, "", 0, err
	}
	n, err = placeOf(last.Data)
	return n, hashOf(last.Data), seq, err
}

func hashOf(stored []byte) string {
	sum := sha256.Sum256(stored)
	return hex.EncodeToString(sum[:])
}

// fill adds whole lives until there are count events more, the first at a time.
func (s *stream) fill(ctx context.Context, life []stencil, count int, from time.Time) error {
	n, prev, seq, err := s.end(ctx)
	if err != nil {
		return err
	}
	ids := ulid.DefaultEntropy()
	var f filling
	for added := range count {
		step := added % len(life)
		if step == 0 {
			if added+len(life) > count {
				break
			}
			f.incident, f.fingerprint = nameOf(n), fmt.Sprintf("%016x", n)
		}
		n++
		f.n, f.prev, f.at = n, prev, from.Add(time.Duration(added)*apart/time.Duration(len(life)))
		if f.id, err = ulid.New(ulid.Timestamp(f.at), ids); err != nil {
			return err
		}
		text := life[step].fill(f)
		prev = hashOf(text)
		if _, err := s.js.PublishAsync("journal."+historyHost+"."+f.incident, text, jetstream.WithStallWait(patience)); err != nil {
			return err
		}
		seq++
	}
	return s.settle(ctx, seq)
}

// settle waits until all is stored.
func (s *stream) settle(ctx context.Context, seq uint64) error {
	select {
	case <-s.js.PublishAsyncComplete():
	case <-ctx.Done():
		return ctx.Err()
	}
	_, _, stored, err := s.end(ctx)
	if err == nil && stored != seq {
		err = fmt.Errorf("the log ends with message %d, and %d were sent", stored, seq)
	}
	return err
}

// nameOf is an incident's name that no other has.
func nameOf(n uint64) string {
	return string(remediate.NewID([5]byte{byte(n >> 32), byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}))
}
