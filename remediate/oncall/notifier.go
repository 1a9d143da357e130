package oncall

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"nightshift/remediate"
)

// notifySubject is where a host tells people things of a kind.
func notifySubject(host string, kind Kind) string {
	return "nightshift.notify." + host + "." + string(kind)
}

// Notifier publishes notifications beside whoever has something to tell: telling
// never waits. It may lose some when NATS is down for long; they can be had from the
// log, by the query for that.
type Notifier struct {
	host  string
	conn  *nats.Conn
	log   *slog.Logger
	queue chan Notification
	stop  context.CancelFunc
	done  chan struct{}
	// lost is whether the last one was.
	lost atomic.Bool
}

// notificationsWait is how many may wait to be published.
const notificationsWait = 256

// NewNotifier begins to publish on conn, which may publish notifications of host.
func NewNotifier(host string, conn *nats.Conn, log *slog.Logger) *Notifier {
	n := &Notifier{host: host, conn: conn, log: log, queue: make(chan Notification, notificationsWait), done: make(chan struct{})}
	var ctx context.Context
	ctx, n.stop = context.WithCancel(context.Background())
	go n.run(ctx)
	return n
}

// Tell publishes a notification soon. It never waits.
func (n *Notifier) Tell(told Notification) {
	told.Host = n.host
	select {
	case n.queue <- told:
		n.lost.Store(false)
	default:
		if !n.lost.Swap(true) {
			n.log.Warn("notifications are lost, because NATS does not take them; the log has them all")
		}
	}
}

// Stop publishes what waits and ends.
func (n *Notifier) Stop(ctx context.Context) error {
	n.stop()
	select {
	case <-n.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (n *Notifier) run(ctx context.Context) {
	defer close(n.done)
	for {
		select {
		case told := <-n.queue:
			n.publish(told)
		case <-ctx.Done():
			n.drain()
			return
		}
	}
}

// drain publishes what waits still.
func (n *Notifier) drain() {
	for {
		select {
		case told := <-n.queue:
			n.publish(told)
		default:
			if err := n.conn.FlushTimeout(flushWithin); err != nil {
				n.log.Warn("the last notifications may be lost", slog.Any("err", err))
			}
			return
		}
	}
}

func (n *Notifier) publish(told Notification) {
	text, err := remediate.EncodeJSON(told)
	if err == nil {
		err = n.conn.Publish(notifySubject(n.host, told.Kind), text)
	}
	if err != nil {
		n.log.Warn("a notification can't be published", slog.String("kind", string(told.Kind)), slog.Any("err", err))
	}
}

// flushWithin bounds the wait for the last ones.
const flushWithin = 2 * time.Second

// Notifications are what people were told, by the log: the newest that q allows,
// the oldest of them first.
func Notifications(ctx context.Context, h History, host string, q NotificationsQuery) ([]Notification, error) {
	r := &retelling{host: host, q: q, folded: map[remediate.ID]*remediate.Incident{}}
	if err := h.Events(ctx, "", q.Since, r.take); err != nil {
		return nil, err
	}
	for id, i := range r.folded {
		if i != nil {
			continue
		}
		r.folded[id] = &remediate.Incident{}
		if err := h.Events(ctx, id, time.Time{}, r.take); err != nil {
			return nil, err
		}
	}
	r.trim()
	return r.told, nil
}

// retelling makes of events what people were told of them.
type retelling struct {
	host string
	q    NotificationsQuery
	// folded are the incidents so far; nil is one that began earlier, whose own
	// events are read afterwards.
	folded map[remediate.ID]*remediate.Incident
	told   []Notification
}

// take folds one event and tells of it.
func (r *retelling) take(e remediate.Event) error {
	if e.Incident == "" {
		r.tell(e, nil)
		return nil
	}
	i, known := r.folded[e.Incident]
	switch {
	case !known && e.Opened == nil:
		r.folded[e.Incident] = nil
		return nil
	case !known:
		i = &remediate.Incident{}
		r.folded[e.Incident] = i
	case i == nil:
		return nil
	}
	if err := i.Apply(e); err != nil {
		return err
	}
	r.tell(e, i)
	return nil
}

func (r *retelling) tell(e remediate.Event, i *remediate.Incident) {
	n, ok := NotificationOf(e, i)
	if !ok || n.At.Before(r.q.Since) {
		return
	}
	n.Host = r.host
	r.told = append(r.told, n)
	if len(r.told) > 2*r.limit() {
		r.trim()
	}
}

// trim keeps the newest.
func (r *retelling) trim() {
	slices.SortStableFunc(r.told, func(a, b Notification) int { return a.At.Compare(b.At) })
	r.told = r.told[max(0, len(r.told)-r.limit()):]
}

// limit is how many are wanted, within what a message holds.
func (r *retelling) limit() int {
	if r.q.Limit <= 0 {
		return DefaultLimit
	}
	return min(r.q.Limit, maxNotifications)
}

// maxNotifications of the longest kind are still less than a message of 8 MiB.
const maxNotifications = 2000
