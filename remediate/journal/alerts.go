package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"nightshift/remediate"
	"nightshift/remediate/failpoint"
)

// unreadLimit is how many batches may wait to be read.
const unreadLimit = 10_000

// The headers of a batch: when it was received, by both clocks.
const (
	wallHeader = "Nightshift-Received"
	bootHeader = "Nightshift-Boot"
	upHeader   = "Nightshift-Up"
)

// AlertMessage is one stored batch of alerts.
type AlertMessage struct {
	// Position is its place; what an event keeps, and where reading goes on.
	Position uint64
	// Batch is what was stored.
	Batch []byte
	// Received is when it was stored.
	Received remediate.Instant
	// Missed is how many batches before it were gone before they were read.
	Missed uint64
}

// alerts are the batches that wait. Nothing about reading them is stored: the
// reader's cursor is in the log.
type alerts struct {
	o       *Options
	store   *store
	damages *damages

	// storing is held by the one who stores.
	storing sync.Mutex
	// end remembers the last position.
	end *alertsEnd

	mu sync.Mutex
	// last is the last position that was stored, read the last that was read.
	last, read uint64
	missed     uint64
	// fresh is the batch that was stored last: a reader that has kept up takes
	// it from here.
	fresh AlertMessage
	// wake is closed when last moves.
	wake   chan struct{}
	closed bool
}

func newAlerts(o *Options, store *store, damages *damages, end *alertsEnd) *alerts {
	return &alerts{o: o, store: store, damages: damages, end: end, wake: make(chan struct{})}
}

// StoreAlerts makes a batch of alerts durable and returns its position. One
// batch is stored after the other; what comes meanwhile goes best together into
// the next. The batch is the caller's again when this returns.
//
// The error is [ErrOverloaded] when 10,000 batches wait, [ErrUnavailable] when
// it can be tried again, and [ErrTooLarge] when the batch must be divided.
func (j *Journal) StoreAlerts(ctx context.Context, batch []byte) (uint64, error) {
	position, err := j.alerts.put(ctx, batch)
	if err != nil {
		return 0, fmt.Errorf("cannot store alerts: %w", err)
	}
	return position, nil
}

func (a *alerts) put(ctx context.Context, batch []byte) (uint64, error) {
	if len(batch) > MaxPayload-headerRoom {
		return 0, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(batch), MaxPayload-headerRoom)
	}
	a.storing.Lock()
	defer a.storing.Unlock()
	if a.unread() >= unreadLimit {
		return 0, ErrOverloaded
	}
	if err := a.store.mend(ctx); err != nil {
		return 0, err
	}
	failpoint.Here("alerts.store.before")
	now := a.o.now()
	position, err := a.store.publish(ctx, alertsStream(a.o.Host), alertsMsg(a.o.Host, batch, now))
	if err != nil {
		a.store.health.failed(err)
		return 0, errors.Join(ErrUnavailable, err)
	}
	a.store.health.succeeded()
	failpoint.Here("alerts.store.after")
	a.end.write(position)
	a.stored(AlertMessage{Position: position, Batch: bytes.Clone(batch), Received: now}) // the caller writes into batch again
	return position, nil
}

func alertsMsg(host string, batch []byte, now remediate.Instant) *nats.Msg {
	msg := nats.NewMsg(alertsSubject(host))
	msg.Data = batch
	msg.Header[wallHeader] = []string{now.Wall.UTC().Format(time.RFC3339Nano)}
	msg.Header[bootHeader] = []string{now.Boot}
	msg.Header[upHeader] = []string{strconv.FormatInt(int64(now.Up), 10)}
	return msg
}

// stored lets a waiting reader go on.
func (a *alerts) stored(m AlertMessage) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	a.last, a.fresh = m.Position, m
	close(a.wake)
	a.wake = make(chan struct{})
}

func (a *alerts) unread() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last - min(a.read, a.last)
}

func (a *alerts) lost() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.missed
}

// close ends all waiting.
func (a *alerts) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil
	}
	a.closed = true
	close(a.wake)
	return a.end.close()
}
