package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/alerts"
	"nightshift/alerts/webhook"
)

// senders commits notifications and collects what became of them.
type senders struct {
	t       *testing.T
	commits webhook.Committer
	store   *memory
	results map[string]error
	done    chan func()
}

// newSenders makes a committer whose store waits to be told each outcome. It is
// used in a bubble of synctest, where time passes only while all wait.
func newSenders(t *testing.T, limit int) *senders {
	store := &memory{gate: make(chan error)}
	return &senders{
		t: t, store: store, results: map[string]error{}, done: make(chan func(), 100),
		commits: webhook.NewCommitter(store, limit, 5*time.Second),
	}
}

// encodedAlert is the stored form of a notification of one alert, name.
func encodedAlert(t testing.TB, name string) []byte {
	t.Helper()
	n, err := alerts.Decode([]byte(notification(alert("us", name))), t0)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := alerts.AppendNotification(nil, n)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// send commits name and returns once all that can happen has.
func (s *senders) send(ctx context.Context, name string) {
	encoded := encodedAlert(s.t, name)
	go func() {
		err := s.commits.Commit(ctx, encoded)
		s.done <- func() { s.results[name] = err }
	}()
	s.settle()
}

func (s *senders) settle() {
	synctest.Wait()
	for len(s.done) > 0 {
		(<-s.done)()
	}
}

// answer ends the call of the store that waits.
func (s *senders) answer(err error) {
	s.store.gate <- err
	s.settle()
}

// expect holds the outcomes so far to "name=error" words, in any order.
func (s *senders) expect(want string) {
	s.t.Helper()
	words := strings.Fields(want)
	for _, word := range words {
		name, outcome, _ := strings.Cut(word, "=")
		if err, ok := s.results[name]; !ok || fmt.Sprint(err) != strings.ReplaceAll(outcome, "_", " ") {
			s.t.Errorf("the outcome of %s is %v (there: %t), want %s", name, err, ok, outcome)
		}
	}
	if len(s.results) != len(words) {
		s.t.Errorf("outcomes %v, want %q", s.results, want)
	}
}

func (s *senders) expectStored(want ...string) {
	s.t.Helper()
	if got := s.store.stored(); fmt.Sprint(got) != fmt.Sprint(want) {
		s.t.Errorf("stored %q, want %q", got, want)
	}
}

const noLimit = 1 << 20

func TestWhatWaitsGoesOutTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSenders(t, noLimit)
		for _, name := range []string{"a", "b", "c"} {
			s.send(t.Context(), name)
		}
		s.expect("")
		s.answer(nil)
		s.expect("a=<nil>")
		s.send(t.Context(), "d") // while b and c are being stored
		s.answer(nil)
		s.expect("a=<nil> b=<nil> c=<nil>")
		s.answer(nil)
		s.expect("a=<nil> b=<nil> c=<nil> d=<nil>")
		s.expectStored("a", "b c", "d")
	})
}

func TestAFailureIsToldToThoseOfThatMessageOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSenders(t, noLimit)
		for _, name := range []string{"a", "b", "c"} {
			s.send(t.Context(), name)
		}
		s.answer(nil)
		s.answer(errors.New("disk full"))
		s.send(t.Context(), "d")
		s.answer(nil)
		s.expect("a=<nil> b=disk_full c=disk_full d=<nil>")
		s.expectStored("a", "d")
	})
}

func TestAMessageIsBoundedAndALongNotificationIsOneByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var two alerts.Batch
		for range 2 {
			two.Add(encodedAlert(t, "a"))
		}
		s := newSenders(t, len(two.Message()))
		long := strings.Repeat("l", 1000)
		for _, name := range []string{"a", "b", "c", "d", long, "e"} {
			s.send(t.Context(), name)
		}
		for range 5 {
			s.answer(nil)
		}
		s.expectStored("a", "b c", "d", long, "e")
	})
}

func TestASenderThatGoesTakesNobodyWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSenders(t, noLimit)
		impatient, leave := context.WithCancel(t.Context())
		s.send(impatient, "a")
		s.send(impatient, "b")
		s.send(t.Context(), "c")
		leave()
		s.settle()
		s.expect("a=context_canceled b=context_canceled")
		s.answer(nil)
		s.answer(nil)
		s.expect("a=context_canceled b=context_canceled c=<nil>")
		s.expectStored("a", "b c")
	})
}

func TestAStoreThatHangsIsGivenItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSenders(t, noLimit)
		began := time.Now()
		s.send(t.Context(), "a")
		time.Sleep(time.Minute) // of the bubble
		s.settle()
		s.expect("a=context_deadline_exceeded")
		s.send(t.Context(), "b")
		s.answer(nil)
		s.expectStored("b")
		if time.Since(began) != time.Minute {
			t.Error("something waited that should not")
		}
	})
}

func TestCloseFinishesWhatIsThereAndRefusesWhatComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSenders(t, noLimit)
		s.send(t.Context(), "a")
		s.send(t.Context(), "b")
		closed := make(chan error, 2)
		go func() { closed <- s.commits.Close(t.Context()) }()
		s.settle()
		s.send(t.Context(), "late")
		s.answer(nil)
		if len(closed) != 0 {
			t.Error("Close returned before b was stored")
		}
		s.answer(nil)
		if err := <-closed; err != nil {
			t.Errorf("Close() = %v", err)
		}
		if err := s.commits.Close(t.Context()); err != nil {
			t.Errorf("Close() again = %v", err)
		}
		s.expectStored("a", "b")
		if err := s.results["late"]; !errors.Is(err, webhook.ErrClosed) {
			t.Errorf("what came late got %v, want %v", err, webhook.ErrClosed)
		}
		if s.results["a"] != nil || s.results["b"] != nil {
			t.Errorf("outcomes %v, want no error for a and b", s.results)
		}
	})
}

func TestCloseGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSenders(t, noLimit)
		s.send(t.Context(), "a")
		s.send(t.Context(), "b")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.commits.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close() = %v, want that it took too long", err)
		}
		s.settle()
		for _, name := range []string{"a", "b"} {
			if err, ok := s.results[name]; !ok || err == nil {
				t.Errorf("the outcome of %s is %v (there: %t), want an error", name, err, ok)
			}
		}
		s.expectStored()
	})
}

func TestManySendersLoseNothing(t *testing.T) {
	s := newSite(t)
	const each = 50
	done := make(chan error, 64)
	for sender := range cap(done) {
		go func() {
			for i := range each {
				name := fmt.Sprintf("s%d-%d", sender, i)
				if w := s.serve(post(notification(alert("us", name)))); w.Code != 200 {
					done <- fmt.Errorf("answer %d %s", w.Code, w.Body)
					return
				}
			}
			done <- nil
		}()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]int{}
	for _, name := range strings.Fields(strings.Join(s.store.stored(), " ")) {
		seen[name]++
	}
	if len(seen) != cap(done)*each {
		t.Errorf("%d of %d alerts are stored", len(seen), cap(done)*each)
	}
	for name, times := range seen {
		if times != 1 {
			t.Errorf("%s is stored %d times", name, times)
		}
	}
}

// The handler's own part of it: while the store is busy, 64 may wait and the
// next one is told to come again; what is not for this host never waits.
func TestInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.store.gate = make(chan error)
		codes := make(chan int, webhook.MaxInFlight)
		for range webhook.MaxInFlight - 1 {
			go func() { codes <- s.serve(post(notification(alert("us", "A")))).Code }()
		}
		synctest.Wait()
		if w := s.serve(post(notification(alert("them", "A")))); w.Code != 200 {
			t.Errorf("what is not ours waited for the store: answer %d %s", w.Code, w.Body)
		}
		go func() { codes <- s.serve(post(notification(alert("us", "A")))).Code }()
		synctest.Wait()
		if w := s.serve(post(notification())); w.Code != 503 || w.Body.String() != "too many requests in flight\n" {
			t.Errorf("the 65th: answer %d %s", w.Code, w.Body)
		}
		s.store.gate <- nil
		s.store.gate <- nil
		for range webhook.MaxInFlight {
			if code := <-codes; code != 200 {
				t.Errorf("answer %d, want 200", code)
			}
		}
		if batches := len(s.store.stored()); batches != 2 {
			t.Errorf("%d messages were stored, want 2: the first, and all that waited", batches)
		}
		if held := s.BodiesInMemory(); held != 0 {
			t.Errorf("%d bytes of bodies are still held", held)
		}
	})
}

func TestAHandlerThatIsClosedSaysSo(t *testing.T) {
	s := newSite(t)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w := s.serve(post(notification(alert("us", "A")))); w.Code != 503 || w.Body.String() != "shutting down\n" {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
}
