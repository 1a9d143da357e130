package journal

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestEventsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	a.add(t, 25)
	head, want := a.Head(), a.fold
	a.stop(t)

	b := start(t, dir)
	if b.Head() != head || head.N != 25 {
		t.Errorf("the head is %v, want %v with 25 events", b.Head(), head)
	}
	if len(b.fold.Events) != len(want.Events) || b.fold.Events["INC00001"] != 10 {
		t.Errorf("the fold is %v, want %v", b.fold, want)
	}
	if damage := b.Damage(); damage != nil {
		t.Error(damage)
	}
	b.add(t, 1)
	if n := b.Head().N; n != 26 {
		t.Errorf("the next event is %d, want 26", n)
	}
}

func TestNothingIsAppendedBeforeTheLogIsReplayed(t *testing.T) {
	a := newAgent()
	j, err := Open(t.Context(), a.options(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	a.Journal = j
	defer a.stop(t)
	if _, err := j.Append(t.Context(), a.comment("A", "x")); err == nil || !strings.Contains(err.Error(), "not replayed") {
		t.Errorf("the error is %v, want one that says it was not replayed", err)
	}
}

func TestOfTwoWritersTheSecondIsFenced(t *testing.T) {
	a := start(t, t.TempDir())
	a.add(t, 3)
	b := a.second(t)
	a.add(t, 1)
	_, err := b.Append(t.Context(), b.comment("OTHER", "another incident"))
	if !errors.Is(err, ErrFenced) {
		t.Fatalf("the error is %v, want %v", err, ErrFenced)
	}
	if _, err := b.Append(t.Context(), b.comment("OTHER", "again")); !errors.Is(err, ErrFenced) {
		t.Errorf("a second try: %v, want still %v", err, ErrFenced)
	}
	a.add(t, 1)
	if n := a.Head().N; n != 5 {
		t.Errorf("the first writer's last event is %d, want 5", n)
	}
}

func TestASecondAgentIsKeptOutOfTheStateDirectory(t *testing.T) {
	dir := t.TempDir()
	start(t, dir)
	_, err := Open(t.Context(), newAgent().options(dir))
	if !errors.Is(err, ErrFenced) || !strings.Contains(err.Error(), "cannot use the state directory "+dir) {
		t.Errorf("the error is %v, want %v that names the directory", err, ErrFenced)
	}
}

// An answer that was lost says nothing: the last event does.
func TestAnEventWhoseAnswerWasLostIsFound(t *testing.T) {
	a := start(t, t.TempDir())
	a.add(t, 2)
	a.mu.Lock()
	defer a.mu.Unlock()
	d, err := a.chain.draft(logSubject("rave-1", "A"), a.comment("A", "x"), data{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.store.publish(t.Context(), logStream("rave-1", a.chain.epoch), &nats.Msg{Subject: d.subject, Data: d.text}); err != nil {
		t.Fatal(err)
	}
	if err := a.append(t.Context(), d); err != nil {
		t.Errorf("the event was stored, and append says %v", err)
	}
	if a.chain.n != 3 || a.chain.seq != 3 || a.chain.hash != d.hash {
		t.Errorf("the log ends with %d at %d, want event 3 at 3", a.chain.n, a.chain.seq)
	}
}

// A writer that gave an event up must not go on when it finds it stored.
func TestAnEventThatWasGivenUpAndStoredEndsTheWriter(t *testing.T) {
	a := start(t, t.TempDir())
	a.add(t, 2)
	d, err := a.chain.draft(logSubject("rave-1", "A"), a.comment("A", "x"), data{})
	if err != nil {
		t.Fatal(err)
	}
	a.chain.doubt = d
	if _, err := a.store.publish(t.Context(), logStream("rave-1", a.chain.epoch), &nats.Msg{Subject: d.subject, Data: d.text}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Append(t.Context(), a.comment("B", "y")); !errors.Is(err, ErrDiverged) {
		t.Errorf("the error is %v, want %v", err, ErrDiverged)
	}
}

func TestAnEventThatIsTooLongIsRefusedAndNothingElse(t *testing.T) {
	a := start(t, t.TempDir())
	if _, err := a.Append(t.Context(), a.comment("A", strings.Repeat("x", MaxPayload))); !errors.Is(err, ErrTooLarge) {
		t.Errorf("the error is %v, want %v", err, ErrTooLarge)
	}
	a.add(t, 1)
}

func TestTheServerCanBeReplacedInPlace(t *testing.T) {
	a := start(t, t.TempDir())
	people, err := a.PeopleConn()
	if err != nil {
		t.Fatal(err)
	}
	back := people.StatusChanged(nats.CONNECTED)
	a.add(t, 2)
	a.store.health.failed(errors.New("as if the disk had been full"))
	if err := a.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.add(t, 2)
	if n, generation := a.Head().N, a.store.generation.Load(); n != 4 || generation != 1 {
		t.Errorf("the log has %d events after %d restarts, want 4 after 1", n, generation)
	}
	storeAlerts(t, a, "one")
	<-back
	if err := people.Flush(); err != nil {
		t.Errorf("the agent's connection among people did not come back: %v", err)
	}
}

func TestTheHeadIsReadAsItWasWritten(t *testing.T) {
	want := Head{Epoch: "01KJMMA2G04T2KVZ6T9HQB7NMY", N: 42, Hash: genesis}
	text := want.encode()
	if len(text) != headLength {
		t.Fatalf("the head has %d bytes, want %d", len(text), headLength)
	}
	if got, err := decodeHead(text); got != want || err != nil {
		t.Errorf("read %v (%v), want %v", got, err, want)
	}
	for i := range text {
		text[i] ^= 1
		if got, err := decodeHead(text); err == nil {
			t.Errorf("with a flipped bit in byte %d it reads %v, want an error", i, got)
		}
		text[i] ^= 1
	}
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	a := start(t, t.TempDir(), func(o *Options) { o.Metrics = registry })
	a.add(t, 3)
	storeAlerts(t, a, "one", "two")
	want := strings.NewReader(`
# HELP nightshift_alerts_unread Stored batches of alerts that were not read yet.
# TYPE nightshift_alerts_unread gauge
nightshift_alerts_unread 2
# HELP nightshift_journal_damaged 1 while the journal has a damage that nobody accepted.
# TYPE nightshift_journal_damaged gauge
nightshift_journal_damaged 0
# HELP nightshift_journal_events_total Events that were appended to the journal, snapshots among them.
# TYPE nightshift_journal_events_total counter
nightshift_journal_events_total 3
`)
	if err := testutil.GatherAndCompare(registry, want, "nightshift_alerts_unread", "nightshift_journal_damaged", "nightshift_journal_events_total"); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(registry, "nightshift_journal_append_seconds"); n != 1 || err != nil {
		t.Errorf("%d histograms of appends (%v), want 1", n, err)
	}
	if problems, err := testutil.GatherAndLint(registry); len(problems) > 0 || err != nil {
		t.Errorf("the metrics have problems: %v %v", problems, err)
	}
}

func TestEvidenceIsFoundByItsDigest(t *testing.T) {
	a := start(t, t.TempDir())
	text := []byte(strings.Repeat("what was seen\n", 1000))
	digest, size, err := a.PutEvidence(t.Context(), "A", text)
	if err != nil || size != len(text) || digest != hashOf(text) {
		t.Fatalf("put says %s, %d, %v", digest, size, err)
	}
	if got, err := a.GetEvidence(t.Context(), digest); err != nil || string(got) != string(text) {
		t.Errorf("got %d bytes (%v), want the text", len(got), err)
	}
	if _, err := a.GetEvidence(t.Context(), genesis); !errors.Is(err, ErrNotFound) {
		t.Errorf("an unknown digest: %v, want %v", err, ErrNotFound)
	}
	if _, err := a.GetEvidence(t.Context(), "a.b"); err == nil {
		t.Error("a text that is no digest was looked up")
	}
}

func TestHistoryOfOneIncident(t *testing.T) {
	a := start(t, t.TempDir())
	a.add(t, 35)
	var ns []uint64
	err := a.Events(t.Context(), Filter{Incident: "INC00002"}, func(r Recorded) error {
		ns = append(ns, r.N)
		if r.Incident != "INC00002" || r.Answered == nil || r.At != startOfTests || r.Inventory != "inv" {
			t.Errorf("event %d is %+v", r.N, r)
		}
		return nil
	})
	if err != nil || len(ns) != 10 || ns[0] != 21 || ns[9] != 30 {
		t.Errorf("read events %v (%v), want 21 to 30", ns, err)
	}
	ids, err := a.Incidents(t.Context(), "INC0000")
	if err != nil || len(ids) != 4 || ids[0] != "INC00000" {
		t.Errorf("the incidents are %v (%v), want four", ids, err)
	}
}

func TestHistorySinceATime(t *testing.T) {
	a := start(t, t.TempDir())
	a.add(t, 25)
	since := time.Now() // the server stamps what it stores
	a.add(t, 10)
	for name, c := range map[string]struct {
		filter Filter
		want   int
	}{
		"all":             {Filter{Since: since}, 10},
		"of one incident": {Filter{Since: since, Incident: "INC00000"}, 10},
		"none yet":        {Filter{Since: since.Add(time.Hour)}, 0},
		"from the begin":  {Filter{Since: since.Add(-24 * time.Hour)}, 35},
	} {
		n := 0
		if err := a.Events(t.Context(), c.filter, func(Recorded) error { n++; return nil }); err != nil || n != c.want {
			t.Errorf("%s: %d events (%v), want %d", name, n, err, c.want)
		}
	}
}

func TestStateFilesAreNotForEverybody(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir, func(o *Options) { o.Listen = "127.0.0.1:0" })
	a.add(t, 1)
	for _, name := range []string{"journal", "journal.head", "lock", "operator.nk", "nats/context/nightshift.json"} {
		info, err := os.Stat(dir + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode&0o007 != 0 {
			t.Errorf("%s has mode %o, want nothing for others", name, mode)
		}
	}
}
