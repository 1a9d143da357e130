package journal

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"nightshift/remediate"
)

// reopened is what a restart finds after change was done to the closed store.
func reopened(t *testing.T, change func(dir string)) *agent {
	t.Helper()
	dir := t.TempDir()
	a := start(t, dir)
	a.add(t, 30)
	a.stop(t)
	change(dir)
	return start(t, dir)
}

func TestALogBehindItsHeadIsDamage(t *testing.T) {
	a := reopened(t, func(dir string) {
		head, _, err := readHead(dir)
		if err != nil {
			t.Fatal(err)
		}
		head.N += 2
		writeHead(t, dir, head)
	})
	wantFlaw(t, a.Damage(), LogBehindHead)
	a.add(t, 1)
	if n := a.Head().N; n != 33 {
		t.Errorf("the next event is %d, want 33: the count must not go back", n)
	}
}

func TestALogAheadOfItsHeadIsRight(t *testing.T) {
	a := reopened(t, func(dir string) {
		head, _, err := readHead(dir)
		if err != nil {
			t.Fatal(err)
		}
		head.N--
		head.Hash = genesis
		writeHead(t, dir, head)
	})
	if damage := a.Damage(); damage != nil {
		t.Error(damage)
	}
	if n := a.Head().N; n != 30 {
		t.Errorf("the last event is %d, want 30", n)
	}
}

func writeHead(t *testing.T, dir string, head Head) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "journal.head"), head.encode(), 0o640); err != nil {
		t.Fatal(err)
	}
}

func TestAHeadThatIsMissingOrMakesNoSenseIsDamage(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "nonsense": "nightshift 1 nonsense"} {
		t.Run(name, func(t *testing.T) {
			a := reopened(t, func(dir string) {
				if err := os.WriteFile(filepath.Join(dir, "journal.head"), []byte(text), 0o640); err != nil {
					t.Fatal(err)
				}
			})
			wantFlaw(t, a.Damage(), HeadUnreadable)
			if n := a.Head().N; n != 30 {
				t.Errorf("the last event is %d, want 30", n)
			}
		})
	}
}

func TestAnotherLastEventThanTheHeadsIsDamage(t *testing.T) {
	a := reopened(t, func(dir string) {
		head, _, err := readHead(dir)
		if err != nil {
			t.Fatal(err)
		}
		head.Hash = genesis
		writeHead(t, dir, head)
	})
	wantFlaw(t, a.Damage(), ChainBroken)
}

func TestALostStoreIsDamage(t *testing.T) {
	a := reopened(t, func(dir string) {
		if err := os.RemoveAll(filepath.Join(dir, storeDir)); err != nil {
			t.Fatal(err)
		}
	})
	wantFlaw(t, a.Damage(), LogBehindHead)
	a.add(t, 1)
	if n := a.Head().N; n != 31 {
		t.Errorf("the next event is %d, want 31: the count must not go back", n)
	}
}

func TestALogWhoseDescriptionIsLostIsRepaired(t *testing.T) {
	a := reopened(t, func(dir string) {
		streams, err := filepath.Glob(streamDir(dir, "*"))
		if err != nil || len(streams) != 4 {
			t.Fatalf("the streams are %v (%v), want 4", streams, err)
		}
		for _, stream := range streams {
			if err := os.WriteFile(filepath.Join(stream, "meta.sum"), []byte("0123456789abcdef"), 0o640); err != nil {
				t.Fatal(err)
			}
		}
	})
	if damage := a.Damage(); damage != nil {
		t.Error(damage)
	}
	if a.Head().N != 30 || a.fold.Events["INC00001"] != 10 {
		t.Errorf("the log ends with %d and folds to %v, want 30 events", a.Head().N, a.fold)
	}
}

// write appends a text to the log as nobody should.
func (a *agent) write(t *testing.T, text []byte) {
	t.Helper()
	stream := logStream("rave-1", a.chain.epoch)
	if _, err := a.store.publish(t.Context(), stream, &nats.Msg{Subject: logSubject("rave-1", "X"), Data: text}); err != nil {
		t.Fatal(err)
	}
	a.chain.seq++
}

func TestWhatDoesNotFitTheChainIsDamage(t *testing.T) {
	type change func(*envelope)
	for name, c := range map[string]struct {
		change change
		want   FlawKind
	}{
		"another event before it": {func(e *envelope) { e.Data.Prev = genesis }, ChainBroken},
		"a missing event":         {func(e *envelope) { e.Data.N++ }, LogHole},
		"an event twice":          {func(e *envelope) { e.Data.N-- }, ChainBroken},
		"another epoch":           {func(e *envelope) { e.Data.Epoch = "01KJMMA2G04T2KVZ6T9HQB7NMY" }, ChainBroken},
		"no CloudEvent":           {func(e *envelope) { e.SpecVersion = "2.0" }, Undecodable},
		"a foreign type":          {func(e *envelope) { e.Type = "other.thing" }, Undecodable},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			a := start(t, dir)
			a.add(t, 10)
			d, err := a.chain.draft(logSubject("rave-1", "X"), a.comment("X", "x"), data{})
			if err != nil {
				t.Fatal(err)
			}
			var e envelope
			if err := remediate.DecodeJSON(d.text, &e); err != nil {
				t.Fatal(err)
			}
			c.change(&e)
			text, err := e.encode()
			if err != nil {
				t.Fatal(err)
			}
			a.write(t, text)
			a.stop(t)
			wantFlaw(t, start(t, dir).Damage(), c.want)
		})
	}
}

func TestTheLogOfANewerAgentIsNotTouched(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	a.add(t, 1)
	a.write(t, []byte(`{"specversion":"1.0","type":"nightshift.incident.dreamt","data":{"schema":2,"n":2}}`))
	a.stop(t)
	if _, err := Open(t.Context(), newAgent().options(dir)); !errors.Is(err, ErrNewer) {
		t.Errorf("the error is %v, want %v", err, ErrNewer)
	}
	if count := (opening{dir}).tally(); count != (tally{}) {
		t.Errorf("%+v is counted, want nothing: the store is sound", count)
	}
}

func TestDamageLastsUntilItIsAccepted(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	a.add(t, 30)
	before := a.Epoch()
	if err := a.damages.found(Flaw{Kind: LogHole, N: 3, Detail: "event 3 is missing"}); err != nil {
		t.Fatal(err)
	}
	a.stop(t)

	a = start(t, dir)
	wantFlaw(t, a.Damage(), LogHole)
	a.now.Wall = a.now.Wall.Add(-time.Hour) // the clock went back: the new epoch is still the newest
	if err := a.Accept(t.Context(), "oncall-1", "the disk was replaced"); err != nil {
		t.Fatal(err)
	}
	if damage := a.Damage(); damage != nil {
		t.Errorf("after it was accepted: %v", damage)
	}
	if a.Epoch() <= before {
		t.Errorf("the epoch is %s, want one after %s", a.Epoch(), before)
	}
	a.add(t, 1)
	want := a.fold
	a.stop(t)

	a = start(t, dir)
	if damage := a.Damage(); damage != nil {
		t.Errorf("after a restart: %v", damage)
	}
	if a.Head().N != 32 || len(a.fold.Events) != len(want.Events) || a.fold.Events["INC00000"] != want.Events["INC00000"] {
		t.Errorf("the log ends with %d and folds to %v, want 32 and %v", a.Head().N, a.fold, want)
	}
}

func TestAnAcceptedEpochCanStillBeRead(t *testing.T) {
	a := start(t, t.TempDir())
	a.add(t, 5)
	first := a.Epoch()
	for range 4 {
		if err := a.Accept(t.Context(), "oncall-1", "for the test"); err != nil {
			t.Fatal(err)
		}
		a.add(t, 5)
	}
	report, err := a.Verify(t.Context())
	if err != nil || len(report.Flaws) != 0 || len(report.Epochs) != keptEpochs+1 {
		t.Fatalf("the report is %+v (%v), want %d epochs without a flaw", report, err, keptEpochs+1)
	}
	if slices.ContainsFunc(report.Epochs, func(e EpochReport) bool { return e.Epoch == first }) {
		t.Error("the oldest epoch was kept")
	}
	last := report.Epochs[keptEpochs]
	if last.Epoch != a.Epoch() || last.First != 24 || last.Last != 29 || last.Events != 6 {
		t.Errorf("the present epoch is %+v, want events 24 to 29", last)
	}
	var bases, events int
	err = a.Events(t.Context(), Filter{}, func(r Recorded) error {
		events++
		if r.Base != nil {
			bases++
			if r.Base.By != "oncall-1" || r.Base.Reason != "for the test" || r.Type != JournalAccepted {
				t.Errorf("the base is %+v", r.Base)
			}
		}
		return nil
	})
	if err != nil || events != 18 || bases != 3 {
		t.Errorf("read %d events and %d bases (%v), want 18 and 3", events, bases, err)
	}
}

// A crash while an epoch begins leaves an empty stream, and the old one retired.
func TestAnEpochThatNeverBeganIsForgotten(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	a.add(t, 5)
	before := a.Epoch()
	next, err := epochAfter(before, a.now.Wall)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.makeCurrent(t.Context(), []string{before, next}); err != nil {
		t.Fatal(err)
	}
	a.stop(t)

	a = start(t, dir)
	if a.Epoch() != before || a.Damage() != nil {
		t.Errorf("the epoch is %s with damage %v, want %s and none", a.Epoch(), a.Damage(), before)
	}
	a.add(t, 1)
}

func TestVerifyFindsWhatAStartDoesNotRead(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	a.add(t, 5)
	a.write(t, []byte("nonsense"))
	a.chain.n++
	a.chain.hash = hashOf([]byte("nonsense"))
	a.add(t, 5)
	a.chain.snapshot.at = a.chain.n
	a.add(t, 5)
	a.stop(t)

	a = start(t, dir)
	if damage := a.Damage(); damage != nil {
		t.Fatalf("a start from the snapshot finds %v, want nothing", damage)
	}
	report, err := a.Verify(t.Context())
	if err != nil || len(report.Flaws) == 0 {
		t.Fatalf("the report is %+v (%v), want a flaw", report, err)
	}
	wantFlaw(t, a.Damage(), Undecodable)
}

// Some damages end the process while the server reads the store: then only the
// count of the openings that began, and what the runtime wrote, is left of them.
func TestAStoreThatCanNotBeOpenedIsSetAsideTheThirdTime(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	a.add(t, 30)
	a.stop(t)
	for failures := range tolerated {
		if kept := (opening{dir}).tally(); kept != (tally{failed: failures}) {
			t.Fatalf("%+v is counted, want %d failures", kept, failures)
		}
		cutShort(t, dir, "fatal error: out of range\n")
	}

	a = start(t, dir)
	wantFlaw(t, a.Damage(), StoreSetAside)
	if kept, err := filepath.Glob(filepath.Join(dir, "journal.aside-*")); err != nil || len(kept) != 1 {
		t.Errorf("kept %v (%v), want the store", kept, err)
	}
	a.add(t, 1)
	if n := a.Head().N; n != 31 {
		t.Errorf("the next event is %d, want 31: the count must not go back", n)
	}
	a.stop(t)
	wantFlaw(t, start(t, dir).Damage(), StoreSetAside)
}

// cutShort is an opening during which the process ended, with what the runtime
// wrote of that: nothing when it was killed.
func cutShort(t *testing.T, dir, said string) {
	t.Helper()
	o := opening{dir}
	if err := errors.Join(o.begin(o.tally()), o.disarm(), os.WriteFile(o.crashFile(), []byte(said), 0o640)); err != nil {
		t.Fatal(err)
	}
}

func TestKillsDuringTheOpeningSayNothingAboutTheStore(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	a.add(t, 3)
	a.stop(t)
	for range toleratedKills - 1 {
		cutShort(t, dir, "")
	}
	a = start(t, dir)
	if damage := a.Damage(); damage != nil || a.Head().N != 3 {
		t.Errorf("after %d kills there is %v and the log ends with %d, want all 3 events", toleratedKills-1, damage, a.Head().N)
	}
	if count := (opening{dir}).tally(); count != (tally{}) {
		t.Errorf("%+v is counted, want nothing: the store was opened", count)
	}
}

func TestWithoutEndKillsDuringTheOpeningCountAsWell(t *testing.T) {
	dir := t.TempDir()
	a := start(t, dir)
	a.add(t, 3)
	a.stop(t)
	for range toleratedKills {
		cutShort(t, dir, "")
	}
	wantFlaw(t, start(t, dir).Damage(), StoreSetAside)
}

// The process that panics is this test's own binary, run again.
func TestAPanicDuringTheOpeningIsAFailure(t *testing.T) {
	const inChild = "NIGHTSHIFT_TEST_PANIC_IN"
	if dir := os.Getenv(inChild); dir != "" {
		if err := (opening{dir}).begin(tally{}); err != nil {
			t.Fatal(err)
		}
		go panic("a goroutine of the server")
		select {}
	}
	dir := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), inChild+"="+dir)
	if out, err := child.CombinedOutput(); err == nil || !strings.Contains(string(out), "a goroutine of the server") {
		t.Fatalf("the child ended with %v, want it to panic: %s", err, out)
	}
	if count := (opening{dir}).tally(); count != (tally{failed: 1}) {
		t.Errorf("%+v is counted, want one failure", count)
	}
}
