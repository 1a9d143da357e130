package journal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/oklog/ulid/v2"

	"nightshift/remediate"
	"nightshift/remediate/failpoint"
)

// Stream is what a log lies on, as far as its end must know it: JetStream in a
// [Journal], a stream of memory in the simulation.
type Stream interface {
	// Publish makes text the message after the sequence last, and returns nil once
	// it is durable. An error that [Stream.Last] must explain is any other than
	// that the last message is another.
	Publish(ctx context.Context, subject string, text []byte, last uint64) error
	// Last is the last message and its sequence, 0 when there is none.
	Last(ctx context.Context) (seq uint64, text []byte, err error)
	// Mend is nil when the stream can be written, if need be after it was mended;
	// Generation counts how often that was done.
	Mend(ctx context.Context) error
	Generation() int64
}

// chain is the end of the log, where events are appended.
type chain struct {
	o      *Options
	stream Stream
	// mark writes where the log ends, and syncs that if it is firm.
	mark func(h Head, firm bool) error

	epoch string
	// n and hash are of the last event; seq is the last sequence of the stream.
	n, seq uint64
	hash   string
	// replayed is whether the caller knows what the log says.
	replayed bool
	// snapshot is when the next one is due.
	snapshot due

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
func (c *chain) draft(subject string, event remediate.Event, more data) (*draft, error) {
	id, err := ulid.New(ulid.Timestamp(event.At.Wall), c.ids)
	if err != nil {
		return nil, fmt.Errorf("cannot name an event: %w", err)
	}
	d := more
	d.Schema, d.N, d.Epoch, d.Prev = schema, c.n+1, c.epoch, c.hash
	d.Boot, d.Up = event.At.Boot, event.At.Up
	d.Agent, d.Inventory, d.Playbooks = c.o.Agent, c.o.Inventory, c.o.Playbooks
	d.Event = event
	text, err := (&envelope{
		SpecVersion: "1.0",
		ID:          id.String(),
		Source:      "/nightshift/" + c.o.Host,
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

// record makes an event the last of the log. Before some events it takes a
// snapshot.
func (c *chain) record(ctx context.Context, event remediate.Event) error {
	if !c.replayed {
		return errors.New("cannot append to a journal that was not replayed")
	}
	if err := c.snapshotIfDue(ctx, event.At); err != nil {
		return err
	}
	d, err := c.draft(logSubject(c.o.Host, token(event.Incident)), event, data{})
	if err != nil {
		return err
	}
	if err := c.append(ctx, d); err != nil {
		return fmt.Errorf("cannot append %s: %w", event.Type, err)
	}
	return nil
}

// unmarked is an event that is stored, while the file that says where the log ends
// does not know it.
type unmarked struct{ error }

func (u unmarked) Unwrap() error { return u.error }

// append makes a draft the last event. The head is written before it returns, and
// durable where an effect may follow: see firm.
func (c *chain) append(ctx context.Context, d *draft) error {
	failpoint.Here("journal.append.before")
	if err := c.put(ctx, d); err != nil {
		return err
	}
	failpoint.Here("journal.append.stored")
	c.n, c.seq, c.hash = d.n, c.seq+1, d.hash
	c.snapshot.since += len(d.text)
	if err := c.mark(Head{c.epoch, c.n, c.hash}, d.firm); err != nil {
		c.broken = errors.Join(ErrDiverged, unmarked{err})
		return c.broken
	}
	failpoint.Here("journal.append.after")
	return nil
}

// put stores a draft, or finds out what became of it.
func (c *chain) put(ctx context.Context, d *draft) error {
	if err := c.settled(ctx); err != nil {
		return err
	}
	err := c.stream.Publish(ctx, d.subject, d.text, c.seq)
	if err == nil {
		return nil
	}
	return c.found(ctx, d, err)
}

// found tells what became of a draft whose append failed: the last event is
// ours, or another's, or still the one before.
func (c *chain) found(ctx context.Context, d *draft, failure error) error {
	c.doubt = d
	if !refused(failure) {
		if err := c.stream.Mend(ctx); err != nil {
			return errors.Join(ErrUnavailable, failure, err)
		}
		c.generation = c.stream.Generation()
	}
	seq, hash, err := c.lastStored(ctx)
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
func (c *chain) settled(ctx context.Context) error {
	if c.broken != nil {
		return c.broken
	}
	if err := c.stream.Mend(ctx); err != nil {
		return err
	}
	if c.generation == c.stream.Generation() && c.doubt == nil {
		return nil
	}
	seq, hash, err := c.lastStored(ctx)
	if err != nil {
		return errors.Join(ErrUnavailable, err)
	}
	if seq != c.seq || hash != c.hash {
		c.broken = fmt.Errorf("%w: event %d of the stream", ErrDiverged, seq)
		return c.broken
	}
	c.generation, c.doubt = c.stream.Generation(), nil
	return nil
}

// lastStored is the sequence of the last stored event, and its hash.
func (c *chain) lastStored(ctx context.Context) (seq uint64, hash string, err error) {
	seq, text, err := c.stream.Last(ctx)
	if err != nil || seq == 0 {
		return 0, c.hash, err
	}
	return seq, hashOf(text), nil
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
