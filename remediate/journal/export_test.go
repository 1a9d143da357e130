package journal

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// second is another writer on the server of a, with a head and a connection of
// its own, that has read the same log: what two agents are whose lock did not
// keep them apart.
func (a *agent) second(t *testing.T) *agent {
	t.Helper()
	dir := t.TempDir()
	o := a.o
	o.Dir = dir
	b := newAgent()
	o.Snapshot = b.options(dir).Snapshot
	j := &Journal{o: o, damages: &damages{dir: dir}, metrics: a.metrics}
	j.store = &store{o: &j.o, ids: a.store.ids, door: a.store.door}
	var err error
	if j.store.conn, err = a.store.door.connect("second", a.store.ids.journal); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.store.conn.Close)
	if j.store.js, err = jetstream.NewWithDomain(j.store.conn, o.Host); err != nil {
		t.Fatal(err)
	}
	if j.head, err = openHead(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.head.close() })
	if err := j.head.write(a.Head()); err != nil {
		t.Fatal(err)
	}
	j.chain = chain{o: &j.o, stream: onServer{j}, mark: j.head.mark, ids: newIDs()}
	if err := j.openLog(t.Context()); err != nil {
		t.Fatal(err)
	}
	if damage, err := j.Replay(t.Context(), b.apply); damage != nil || err != nil {
		t.Fatal(damage, err)
	}
	b.Journal = j
	return b
}
