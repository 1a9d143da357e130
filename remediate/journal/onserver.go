package journal

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// onServer is the stream of the epoch that is written, on the embedded server.
type onServer struct{ j *Journal }

var _ Stream = onServer{}

// Publish stores a message if the stream ends with that sequence.
func (s onServer) Publish(ctx context.Context, subject string, text []byte, last uint64) error {
	store := s.j.store
	msg := &nats.Msg{Subject: subject, Data: text}
	_, err := store.publish(ctx, logStream(s.j.o.Host, s.j.chain.epoch), msg, jetstream.WithExpectLastSequence(last))
	switch {
	case err == nil:
		store.health.succeeded()
	case !refused(err):
		store.health.failed(err)
	}
	return err
}

// Last reads the last message.
func (s onServer) Last(ctx context.Context) (uint64, []byte, error) {
	m, ok, err := s.j.last(ctx, logStream(s.j.o.Host, s.j.chain.epoch))
	if err != nil || !ok {
		return 0, nil, err
	}
	return m.seq, m.data, nil
}

// Mend restarts the server if it can't write and it is time to try that.
func (s onServer) Mend(ctx context.Context) error { return s.j.store.mend(ctx) }

// Generation counts the restarts of the server.
func (s onServer) Generation() int64 { return s.j.store.generation.Load() }

// last reads the last message of a stream; ok is false when it has none.
func (j *Journal) last(ctx context.Context, stream string) (m message, ok bool, err error) {
	_, js := j.store.link()
	if js == nil {
		return message{}, false, fmt.Errorf("%w: the NATS server is down", ErrUnavailable)
	}
	ctx, cancel := within(ctx)
	defer cancel()
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return message{}, false, fmt.Errorf("cannot read the end of %s: %w", stream, err)
	}
	seq := s.CachedInfo().State.LastSeq
	if seq == 0 {
		return message{}, false, nil
	}
	r, err := j.store.reader(stream)
	if err != nil {
		return message{}, false, err
	}
	defer r.close()
	m, ok, err = r.one(ctx, query{Seq: seq})
	m.seq = seq
	return m, ok, err
}
