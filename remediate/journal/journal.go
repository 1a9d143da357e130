package journal

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"nightshift/remediate"
)

// Journal is the open log of one host. Its methods may be called at once; the
// events are appended one after the other.
type Journal struct {
	o       Options
	store   *store
	damages *damages
	metrics *metrics
	alerts  *alerts
	lock    *os.File

	// mu guards the end of the log, and head, the file that says where it is.
	mu    sync.Mutex
	chain chain
	head  *headFile

	// peopleMu guards the connections among people.
	peopleMu         sync.Mutex
	people, notifier *nats.Conn
}

// Open starts the server and opens the log. Damage is no error: see
// [Journal.Damage] and [Journal.Replay], which must come next.
//
// The error is [ErrFenced] when another process has the state directory, and
// [ErrStuck] when only a new process can go on: the caller executes itself anew
// or ends and is started again. A store that could not be opened three times in
// a row is set aside, and an empty log is begun with that damage.
func Open(ctx context.Context, o Options) (*Journal, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := makeDir(o.Dir); err != nil {
		return nil, err
	}
	lock, err := lockDir(o.Dir)
	if err != nil {
		return nil, err
	}
	j := &Journal{o: o, lock: lock, damages: &damages{dir: o.Dir}}
	if err := j.open(ctx); err != nil {
		return nil, errors.Join(err, j.abandon())
	}
	return j, nil
}

// open does the steps of Open that need the lock.
func (j *Journal) open(ctx context.Context) error {
	if err := j.damages.load(); err != nil {
		return err
	}
	operator, err := operatorKey(&j.o)
	if err != nil {
		return err
	}
	if j.store, err = newStore(&j.o, operator); err != nil {
		return err
	}
	if j.head, err = openHead(j.o.Dir); err != nil {
		return err
	}
	j.chain = chain{o: &j.o, stream: onServer{j}, mark: j.head.mark, ids: newIDs()}
	end, err := openAlertsEnd(j.o.Dir)
	if err != nil {
		return err
	}
	j.alerts = newAlerts(&j.o, j.store, j.damages, end)
	if j.metrics, err = newMetrics(j.o.Metrics, j); err != nil {
		return err
	}
	if err := j.openCounted(ctx); err != nil {
		return err
	}
	if j.o.Listen == "" {
		return nil
	}
	return writeContext(&j.o, j.o.url(j.store.srv.Addr().(*net.TCPAddr).Port))
}

// openCounted opens the store, counting the failures; when there were too many it
// is set aside.
func (j *Journal) openCounted(ctx context.Context) error {
	count := opening{j.o.Dir}
	for fresh := false; ; {
		before := count.tally()
		if before.hopeless() {
			fresh = true
			if err := j.setAside(before); err != nil {
				return err
			}
			before = tally{}
		}
		if err := j.store.start(); err != nil {
			return err
		}
		if err := count.begin(before); err != nil {
			return err
		}
		if err := j.scan(); err != nil {
			return errors.Join(err, count.succeeded())
		}
		err := j.store.openBounded(ctx, j.openLog)
		if err == nil {
			return count.succeeded()
		}
		if blameless(err) {
			return errors.Join(err, count.succeeded())
		}
		if err := errors.Join(err, count.failed(before)); errors.Is(err, ErrStuck) || fresh {
			return err
		}
		j.o.logger().Warn("the store could not be opened", "failures", before.failed+1, "error", err)
		if err := j.store.stop(); err != nil {
			return err
		}
	}
}

// scan looks at the store before the server does. What it finds is damage only
// if the chain says so: it may as well be the end of a write that a power cut
// interrupted. A log that is known to be damaged is looked at as a whole.
func (j *Journal) scan() error {
	limit := int64(scanBytes)
	if j.o.whole || j.Damage() != nil {
		limit = math.MaxInt64
	}
	aside := filepath.Join(j.o.Dir, asideName(time.Now()))
	found, err := scanStore(j.o.Dir, aside, limit)
	if len(found) > 0 {
		j.o.logger().Warn("blocks of the store make no sense; the server is told to read all of it", "blocks", found, "copies", aside)
	}
	return err
}

// setAside gives the store up, keeps it for people, and remembers that.
func (j *Journal) setAside(t tally) error {
	aside, err := setAside(j.o.Dir, time.Now())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return j.damages.found(Flaw{
		Kind:   StoreSetAside,
		Detail: fmt.Sprintf("the store could not be opened %d times and was set aside as %s", t.failed+t.killed, aside),
	})
}

// Append makes event the last of the log and returns its place among the host's
// events, once it is durable, and with it the head where an effect may follow; a
// failure stores nothing that this process goes on from. Before some events it
// takes a snapshot, so the caller must have folded each before it appends the next.
//
// The error is [ErrUnavailable] when nothing was stored and it can be tried
// again, [ErrTooLarge] when it never will be, and [ErrFenced] or [ErrDiverged]
// when this process must end.
func (j *Journal) Append(ctx context.Context, event remediate.Event) (uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	began, before := time.Now(), j.chain.n
	err := j.counted(before, j.chain.record(ctx, event))
	if err != nil {
		return 0, err
	}
	j.metrics.appends.Observe(time.Since(began).Seconds())
	return j.chain.n, nil
}

// append makes a draft the last event.
func (j *Journal) append(ctx context.Context, d *draft) error {
	before := j.chain.n
	return j.counted(before, j.chain.append(ctx, d))
}

// counted notes what was appended after event n, and a head that can't be written.
func (j *Journal) counted(n uint64, err error) error {
	j.metrics.events.Add(float64(j.chain.n - n))
	if unmarked := (unmarked{}); errors.As(err, &unmarked) {
		j.store.health.failed(err)
	}
	return err
}

// Describe changes the digests that the next events name, after a reload.
func (j *Journal) Describe(inventory, playbooks string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.o.Inventory, j.o.Playbooks = inventory, playbooks
}

// Damage is what is wrong with the log and nobody accepted yet; nil when nothing
// is known to be.
func (j *Journal) Damage() *Damage { return j.damages.get() }

// Ready is nil when an event or a batch of alerts could be stored now. It proves
// that with a write when none worked within the last 15 s, and restarts the
// server when it is time to try that.
func (j *Journal) Ready(ctx context.Context) error { return j.store.ready(ctx) }

// Epoch names the epoch that events are appended to: a ULID.
func (j *Journal) Epoch() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.chain.epoch
}

// Head is where the log ends.
func (j *Journal) Head() Head {
	j.mu.Lock()
	defer j.mu.Unlock()
	return Head{j.chain.epoch, j.chain.n, j.chain.hash}
}

// Addr is where people connect, as host:port; empty when nowhere.
func (j *Journal) Addr() string {
	j.store.mu.RLock()
	defer j.store.mu.RUnlock()
	if j.o.Listen == "" || j.store.srv == nil {
		return ""
	}
	return j.store.srv.Addr().String()
}

// PeopleConn is the agent's own connection among people. It may subscribe to
// what they ask and answer to inboxes; nothing on it reaches the streams. It lasts
// until Close and over restarts of the server.
func (j *Journal) PeopleConn() (*nats.Conn, error) {
	return j.among(&j.people, "agent", j.store.ids.agent)
}

// NotifyConn is the connection for notifications: it may publish
// nightshift.notify.<host>.* and hears nothing. It lasts as long.
func (j *Journal) NotifyConn() (*nats.Conn, error) {
	return j.among(&j.notifier, "notifier", j.store.ids.notifier)
}

// among is a connection among people, made when it is first asked for.
func (j *Journal) among(conn **nats.Conn, name string, key nkeys.KeyPair) (*nats.Conn, error) {
	j.peopleMu.Lock()
	defer j.peopleMu.Unlock()
	if *conn != nil {
		return *conn, nil
	}
	made, err := j.store.door.connect(name, key)
	if err != nil {
		return nil, err
	}
	*conn = made
	return made, nil
}

// SetPeople changes who may connect beside the operator. Who is not among them any
// more, or has another key, is disconnected at once; nobody else notices.
func (j *Journal) SetPeople(people []Person) error {
	return j.store.ids.admit(j.o.Host, people)
}

// OperatorKey is the public key of the user operator, whose seed lies in the state
// directory.
func (j *Journal) OperatorKey() string { return j.store.ids.operatorKey }

// Close takes a snapshot when a start would have much to read, and stops
// everything. It is bounded by ctx and the deadline of a server's end.
func (j *Journal) Close(ctx context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.snapshotAtClose(ctx)
	return errors.Join(err, j.abandon())
}

// abandon stops whatever was started.
func (j *Journal) abandon() error {
	var errs []error
	if j.metrics != nil {
		j.metrics.unregister()
	}
	if j.alerts != nil {
		errs = append(errs, j.alerts.close())
	}
	j.peopleMu.Lock()
	for _, conn := range []*nats.Conn{j.people, j.notifier} {
		if conn != nil {
			conn.Close()
		}
	}
	j.peopleMu.Unlock()
	if j.store != nil {
		j.store.mu.Lock()
		errs = append(errs, j.store.stop())
		j.store.mu.Unlock()
	}
	if j.head != nil {
		errs = append(errs, j.head.close())
	}
	if j.lock != nil {
		errs = append(errs, j.lock.Close())
	}
	return errors.Join(errs...)
}
