package journal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/oklog/ulid/v2"

	"nightshift/remediate"
	"nightshift/remediate/failpoint"
)

// chain is the end of the log, where events are appended.
type chain struct {
	epoch string
	// n and hash are of the last event; seq is the last sequence of the stream.
	n, seq uint64
	hash   string
	// replayed is whether the caller knows what the log says.
	replayed bool
	// snapshot is when the next one is due.
	snapshot due

	head *headFile
	// ids names events, in order within a millisecond.
	ids *ulid.MonotonicEntropy
	// generation is the server's that this end was read from.
	generation int64
	// doubt is an event whose append failed with an outcome that is not known.
	doubt *draft
	// broken is why nothing can be appended any more.
	broken error
}

// draft is an event on its way into the log.
type draft struct {
	subject string
	text    []byte
	n       uint64
	hash    string
	// firm is whether the head is synced with it.
	firm bool
	// fold is the length of the fold that it holds.
	fold int
}

// wrongLastSequence is the server's code for an append that expected another
// last sequence.
const wrongLastSequence = 10071

// draft writes an event that would come next.
func (j *Journal) draft(subject string, event remediate.Event, more data) (*draft, error) {
	c := &j.chain
	id, err := ulid.New(ulid.Timestamp(event.At.Wall), c.ids)
	if err != nil {
		return nil, fmt.Errorf("cannot name an event: %w", err)
	}
	d := more
	d.Schema, d.N, d.Epoch, d.Prev = schema, c.n+1, c.epoch, c.hash
	d.Boot, d.Up = event.At.Boot, event.At.Up
	d.Agent, d.Inventory, d.Playbooks = j.o.Agent, j.o.Inventory, j.o.Playbooks
	d.Event = event
	text, err := (&envelope{
		SpecVersion: "1.0",
		ID:          id.String(),
		Source:      "/nightshift/" + j.o.Host,
		Type:        typePrefix + string(event.Type),
		Subject:     token(event.Incident),
		Time:        event.At.Wall.UTC(),
		ContentType: "application/json",
		Data:        d,
	}).encode()
	if err != nil {
		return nil, err
	}
	if len(text) > MaxPayload-headerRoom {
		return nil, fmt.Errorf("cannot append %s: %w: %d bytes, at most %d", event.Type, ErrTooLarge, len(text), MaxPayload-headerRoom)
	}
	return &draft{subject: subject, text: text, n: d.N, hash: hashOf(text), firm: firm(event)}, nil
}

// headerRoom is what the headers of a message may take of its payload.
const headerRoom = 1 << 10

// append makes a draft the last event. The head is written before it returns, and
// durable where an effect may follow: see firm.
func (j *Journal) append(ctx context.Context, d *draft) error {
	failpoint.Here("journal.append.before")
	if err := j.put(ctx, d); err != nil {
		return err
	}
	failpoint.Here("journal.append.stored")
	c := &j.chain
	c.n, c.seq, c.hash = d.n, c.seq+1, d.hash
	c.snapshot.since += len(d.text)
	write := c.head.note
	if d.firm {
		write = c.head.write
	}
	if err := write(Head{c.epoch, c.n, c.hash}); err != nil {
		j.store.health.failed(err)
		c.broken = errors.Join(ErrDiverged, err)
		return c.broken
	}
	j.metrics.events.Inc()
	failpoint.Here("journal.append.after")
	return nil
}

// put stores a draft, or finds out what became of it.
func (j *Journal) put(ctx context.Context, d *draft) error {
	if err := j.settled(ctx); err != nil {
		return err
	}
	stream := logStream(j.o.Host, j.chain.epoch)
	msg := &nats.Msg{Subject: d.subject, Data: d.text}
	_, err := j.store.publish(ctx, stream, msg, jetstream.WithExpectLastSequence(j.chain.seq))
	if err == nil {
		j.store.health.succeeded()
		return nil
	}
	return j.found(ctx, d, err)
}

// found tells what became of a draft whose append failed: the last event is
// ours, or another's, or still the one before.
func (j *Journal) found(ctx context.Context, d *draft, failure error) error {
	c := &j.chain
	c.doubt = d
	if !refused(failure) {
		j.store.health.failed(failure)
		if err := j.store.mend(ctx); err != nil {
			return errors.Join(ErrUnavailable, failure, err)
		}
		c.generation = j.store.generation.Load()
	}
	seq, hash, err := j.lastStored(ctx)
	switch {
	case err != nil:
		return errors.Join(ErrUnavailable, failure, err)
	case seq == c.seq+1 && hash == d.hash:
		c.doubt = nil
		return nil
	case seq == c.seq && hash == c.hash:
		c.doubt = nil
		return fmt.Errorf("%w: %w", ErrUnavailable, failure)
	}
	c.broken = fmt.Errorf("%w: it wrote event %d of the stream", ErrFenced, seq)
	return c.broken
}

// refused reports whether the server said no because the last event is another,
// or the answer came from elsewhere: nothing that a restart would mend.
func refused(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, ErrFenced) || errors.As(err, &api) && api.ErrorCode == wrongLastSequence
}

// settled is nil when the end of the log is where this writer believes. After a
// restart of the server that is looked up: an append that was given up may have
// been stored after all.
func (j *Journal) settled(ctx context.Context) error {
	c := &j.chain
	if c.broken != nil {
		return c.broken
	}
	if err := j.store.mend(ctx); err != nil {
		return err
	}
	if c.generation == j.store.generation.Load() && c.doubt == nil {
		return nil
	}
	seq, hash, err := j.lastStored(ctx)
	if err != nil {
		return errors.Join(ErrUnavailable, err)
	}
	if seq != c.seq || hash != c.hash {
		c.broken = fmt.Errorf("%w: event %d of the stream", ErrDiverged, seq)
		return c.broken
	}
	c.generation, c.doubt = j.store.generation.Load(), nil
	return nil
}

// lastStored is the sequence of the last stored event, and its hash.
func (j *Journal) lastStored(ctx context.Context) (seq uint64, hash string, err error) {
	m, ok, err := j.last(ctx, logStream(j.o.Host, j.chain.epoch))
	if err != nil || !ok {
		return 0, j.chain.hash, err
	}
	return m.seq, hashOf(m.data), nil
}

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

// newIDs names events by random numbers that nobody else draws.
func newIDs() *ulid.MonotonicEntropy { return ulid.Monotonic(rand.Reader, 0) }

// newEpoch names an epoch: a ULID, so that their names are in their order.
func newEpoch(now time.Time) (string, error) {
	id, err := ulid.New(ulid.Timestamp(now), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("cannot name an epoch: %w", err)
	}
	return id.String(), nil
}

// genesis is the hash before the first event.
const genesis = "0000000000000000000000000000000000000000000000000000000000000000"
