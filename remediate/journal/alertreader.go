package journal

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"nightshift/remediate"
)

// AlertReader reads the batches of alerts in order. It is not safe for use by
// several goroutines.
type AlertReader struct {
	a    *alerts
	next uint64
}

// ReadAlerts reads the batches after a position: the cursor that the replayed
// log ends with. Stored batches that are gone although no limit pushed them out
// are damage: see [Journal.Damage] afterwards.
func (j *Journal) ReadAlerts(ctx context.Context, after uint64) (*AlertReader, error) {
	if err := j.alerts.begin(ctx, after); err != nil {
		return nil, fmt.Errorf("cannot read alerts: %w", err)
	}
	return &AlertReader{a: j.alerts, next: after + 1}, nil
}

// begin finds the end of the stream, and whether it lost batches there.
func (a *alerts) begin(ctx context.Context, after uint64) error {
	state, err := a.state(ctx)
	if err != nil {
		return err
	}
	if noted := max(after, a.end.read()); noted > state.LastSeq {
		flaw := Flaw{Kind: AlertsLost, Detail: fmt.Sprintf("alerts up to %d were stored, and the store ends with %d", noted, state.LastSeq)}
		if err := a.damages.found(flaw); err != nil {
			return err
		}
	}
	if after > state.LastSeq {
		if err := a.skipTo(ctx, after); err != nil {
			return err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.read, a.last = after, max(after, state.LastSeq)
	return nil
}

// skipTo has the next batch stored after a position that was read: at or before
// it, nobody would read it. All that the stream still has was read too.
func (a *alerts) skipTo(ctx context.Context, position uint64) error {
	_, js := a.store.link()
	ctx, cancel := within(ctx)
	defer cancel()
	stream, err := js.Stream(ctx, alertsStream(a.o.Host))
	if err != nil {
		return err
	}
	return stream.Purge(ctx, jetstream.WithPurgeSequence(position+1))
}

func (a *alerts) state(ctx context.Context) (jetstream.StreamState, error) {
	_, js := a.store.link()
	if js == nil {
		return jetstream.StreamState{}, fmt.Errorf("%w: the NATS server is down", ErrUnavailable)
	}
	ctx, cancel := within(ctx)
	defer cancel()
	stream, err := js.Stream(ctx, alertsStream(a.o.Host))
	if err != nil {
		return jetstream.StreamState{}, err
	}
	return stream.CachedInfo().State, nil
}

// ErrClosed says that the journal was closed.
var ErrClosed = errors.New("the journal is closed")

// Next waits for the next batch. The error is ctx's, [ErrClosed], or
// [ErrUnavailable] when it may be asked again.
func (r *AlertReader) Next(ctx context.Context) (AlertMessage, error) {
	for {
		m, wake, err := r.take()
		if err != nil || m.Position != 0 {
			return m, err
		}
		if wake == nil {
			if m, err := r.fetch(ctx); err != nil || m.Position != 0 {
				return m, err
			}
			continue
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return AlertMessage{}, ctx.Err()
		}
	}
}

// take takes the batch that was stored last when it is the next; else it says
// what to wait for, or nothing when the next one has to be fetched.
func (r *AlertReader) take() (m AlertMessage, wake chan struct{}, err error) {
	a := r.a
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.closed:
		return m, nil, ErrClosed
	case r.next > a.last:
		return m, a.wake, nil
	case a.fresh.Position == r.next:
		m = a.fresh
		a.read, r.next = r.next, r.next+1
	}
	return m, nil, nil
}

// fetch reads the next batch from the store. What is missing in between is
// counted; the zero message says that nothing is left up to the end.
func (r *AlertReader) fetch(ctx context.Context) (AlertMessage, error) {
	reader, err := r.a.store.reader(alertsStream(r.a.o.Host))
	if err != nil {
		return AlertMessage{}, err
	}
	defer reader.close()
	found, ok, err := reader.one(ctx, query{Seq: r.next})
	if err == nil && !ok {
		found, ok, err = reader.one(ctx, query{Seq: r.next, NextFor: alertsSubject(r.a.o.Host)})
	}
	if err != nil {
		return AlertMessage{}, fmt.Errorf("cannot read alerts: %w", errors.Join(ErrUnavailable, err))
	}
	if !ok {
		return AlertMessage{}, r.missed(ctx, r.end())
	}
	m := AlertMessage{Position: found.seq, Batch: found.data, Received: receivedAt(found), Missed: found.seq - r.next}
	if err := r.missed(ctx, found.seq); err != nil {
		return AlertMessage{}, err
	}
	r.next = found.seq + 1
	r.a.mu.Lock()
	defer r.a.mu.Unlock()
	r.a.read = found.seq
	return m, nil
}

// end is the position after the last.
func (r *AlertReader) end() uint64 {
	r.a.mu.Lock()
	defer r.a.mu.Unlock()
	return r.a.last + 1
}

// missed counts what is gone before the position where reading goes on. What a
// limit pushed out is only counted.
func (r *AlertReader) missed(ctx context.Context, next uint64) error {
	if next <= r.next {
		return nil
	}
	state, err := r.a.state(ctx)
	if err != nil {
		return err
	}
	if next > state.FirstSeq {
		flaw := Flaw{Kind: AlertsLost, Detail: fmt.Sprintf("alerts %d to %d can't be read", max(r.next, state.FirstSeq), next-1)}
		if err := r.a.damages.found(flaw); err != nil {
			return err
		}
	}
	r.a.mu.Lock()
	defer r.a.mu.Unlock()
	r.a.missed += next - r.next
	r.next = next
	r.a.read = next - 1
	return nil
}

// receivedAt is the time in a batch's headers, or when the server stored it.
func receivedAt(m message) remediate.Instant {
	wall, err := time.Parse(time.RFC3339Nano, m.header.Get(wallHeader))
	up, err2 := strconv.ParseInt(m.header.Get(upHeader), 10, 64)
	if err != nil || err2 != nil {
		return remediate.Instant{Wall: m.time}
	}
	return remediate.Instant{Wall: wall, Boot: m.header.Get(bootHeader), Up: time.Duration(up)}
}
