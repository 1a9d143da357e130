package journal

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"nightshift/remediate"
)

// replayed counts what a start of the log in dir reads.
func replayed(t *testing.T, dir string) (snapshots, events int) {
	t.Helper()
	a := newAgent()
	j, err := Open(t.Context(), a.options(dir))
	if err != nil {
		t.Fatal(err)
	}
	a.Journal = j
	defer a.stop(t)
	_, err = j.Replay(t.Context(), func(r Recorded) error {
		if r.Snapshot != nil {
			snapshots++
		} else {
			events++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return snapshots, events
}

func TestAStartReadsTheNewestSnapshotAndWhatCameAfterIt(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	a.add(t, 20)
	a.chain.snapshot.at = a.chain.n
	a.add(t, 5)
	want := fmt.Sprint(a.fold)
	if n := a.Head().N; n != 26 {
		t.Errorf("the log has %d events, want 26 with the snapshot", n)
	}
	a.stop(t)
	if snapshots, events := replayed(t, dir); snapshots != 1 || events != 5 {
		t.Errorf("a start reads %d snapshots and %d events, want 1 and 5", snapshots, events)
	}
	if b := start(t, dir); fmt.Sprint(b.fold) != want {
		t.Errorf("the fold is %v, want %v", b.fold, want)
	}
}

func TestWhenASnapshotIsDue(t *testing.T) {
	now := startOfTests
	for _, c := range []struct {
		n           uint64
		now         remediate.Instant
		fold, since int
		want        bool
	}{
		{100, now, 0, 0, false},
		{599, now, 0, 1 << 20, false},
		{600, now, 0, 1 << 20, true},
		{600, now, 2 << 20, 1 << 20, false}, // the fold is longer than what came after it
		{10_099, now, 2 << 20, 1 << 20, false},
		{10_100, now, 2 << 20, 1 << 20, true},
		{101, now.Add(24*time.Hour - 1), 0, 1000, false},
		{101, now.Add(24 * time.Hour), 0, 1000, true},
		{100, now.Add(48 * time.Hour), 0, 0, false}, // nothing happened since
	} {
		d := nextSnapshot(100, now, c.fold)
		d.since = c.since
		if got := d.reached(c.n, c.now); got != c.want {
			t.Errorf("at event %d, %s and %d bytes after a fold of %d: %v, want %v", c.n, c.now.Since(now), c.since, c.fold, got, c.want)
		}
	}
}

func TestASnapshotThatFailedIsTriedAgainLater(t *testing.T) {
	now := startOfTests
	d := nextSnapshot(100, now, 0)
	d.again(1100, now)
	d.since = 1 << 30
	if d.reached(2099, now) || !d.reached(2100, now) || !d.reached(1101, now.Add(time.Hour)) {
		t.Error("it is not tried again after 1,000 events, or an hour")
	}
}

// Events that are read back count for the next snapshot as those that are appended.
func TestAKilledAgentGoesOnCountingToTheNextSnapshot(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	a.add(t, 20)
	a.chain.snapshot.at = a.chain.n
	a.add(t, 5)
	want := a.chain.snapshot
	a.chain.replayed = false // no snapshot at the end
	a.stop(t)
	if got := start(t, dir).chain.snapshot; got != want {
		t.Errorf("after a start the next snapshot is due by %+v, want %+v", got, want)
	}
}

func TestClosingTakesASnapshotOfALongTail(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	a.add(t, closeEvery-1)
	a.stop(t)
	if snapshots, events := replayed(t, dir); snapshots != 0 || events != closeEvery-1 {
		t.Errorf("a start reads %d snapshots and %d events, want no snapshot yet", snapshots, events)
	}
	a = start(t, dir)
	a.add(t, 1)
	a.stop(t)
	if snapshots, events := replayed(t, dir); snapshots != 1 || events != 0 {
		t.Errorf("a start reads %d snapshots and %d events, want the snapshot only", snapshots, events)
	}
}

func TestAFoldLongerThanAMessageIsPacked(t *testing.T) {
	dir := t.TempDir()
	fold := []byte(`{"events":{"A":7},"history":"` + strings.Repeat("what happened then; ", 1<<20) + `"}`)
	a := start(t, dir, func(o *Options) { o.Snapshot = func() ([]byte, error) { return fold, nil } })
	a.add(t, 1)
	a.chain.snapshot.at = a.chain.n
	a.add(t, 1)
	a.stop(t)
	if b := start(t, dir); b.Head().N != 3 || b.fold.Events["A"] != 7 || b.Damage() != nil {
		t.Errorf("the log ends with %d and folds to %v with damage %v, want 3 and the packed fold", b.Head().N, b.fold, b.Damage())
	}
}

func TestAFoldThatNoStartCouldUnpackIsNotStored(t *testing.T) {
	var d data
	if err := d.pack(bytes.Repeat([]byte(" "), unpackLimit+1)); err == nil {
		t.Errorf("%d bytes are packed into %d, and no start could read them", unpackLimit+1, len(d.Packed))
	}
}

func TestASnapshotThatFailsStopsNothing(t *testing.T) {
	a := newAgent()
	o := a.options(t.TempDir())
	o.Snapshot = func() ([]byte, error) { return nil, errors.New("no fold") }
	j, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	a.Journal = j
	defer a.stop(t)
	if _, err := j.Replay(t.Context(), a.apply); err != nil {
		t.Fatal(err)
	}
	j.chain.snapshot.at = 0
	a.add(t, 2)
	if n := j.Head().N; n != 2 {
		t.Errorf("the log has %d events, want 2", n)
	}
}

func TestASnapshotThatCanNotBeReadIsPassedOver(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	a.add(t, 20)
	d, err := a.chain.draftSnapshot(SnapshotTaken, a.now, nil)
	if err != nil {
		t.Fatal(err)
	}
	d.text[0] = '['
	d.hash = hashOf(d.text)
	if err := a.append(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	a.add(t, 3)
	a.stop(t)
	b := start(t, dir)
	wantFlaw(t, b.Damage(), Undecodable)
	if b.fold.Events["INC00000"] != 13 || b.fold.Events["INC00001"] != 10 {
		t.Errorf("the fold is %v, want all 23 events", b.fold)
	}
}
