package link

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ends are both ends with a relay between them, in a bubble where time passes at
// once.
type ends struct {
	*testing.T
	relay *relay

	mu     sync.Mutex
	stands Status        // what the agent inside would say
	mute   error         // why it can't say
	orders []string      // what it was told, in order
	fails  error         // why an order can't be made durable
	slow   time.Duration // how long that takes
	heard  []Status

	host      *Host
	stopGuest func()
}

func fine() Status { return Status{Version: "v1", Host: "rave-1", Epoch: "01A", Mode: "act"} }

// between runs a test with a relay and neither end.
func between(t *testing.T, f func(e *ends)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := &ends{T: t, relay: newRelay(), stands: fine(), stopGuest: func() {}}
		f(e)
		e.stopGuest()
		if e.host != nil {
			e.host.Close()
		}
		e.relay.power(false)
		synctest.Wait()
	})
}

// startGuest begins the guest's end.
func (e *ends) startGuest() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	g := &Guest{
		Open: func() (Stream, error) { return e.relay.open(inside) },
		Status: func(context.Context) (Status, error) {
			e.mu.Lock()
			defer e.mu.Unlock()
			return e.stands, e.mute
		},
		StandAside: func(ctx context.Context, lasts time.Duration, reason string) error {
			pause(ctx, e.slow)
			e.mu.Lock()
			defer e.mu.Unlock()
			e.orders = append(e.orders, lasts.String()+" "+reason)
			return errors.Join(e.fails, ctx.Err())
		},
		Log: slog.New(slog.DiscardHandler),
	}
	go func() { defer close(ended); g.Run(ctx) }()
	e.stopGuest = func() { cancel(); <-ended }
}

// startHost begins the host's end.
func (e *ends) startHost() {
	e.host = NewHost(e.relay.dial, func(s Status) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.heard = append(e.heard, s)
	})
}

// after lets time pass, and all that it brings.
func (e *ends) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// hears fails unless the host heard the guest within d from now.
func (e *ends) hears(d time.Duration) {
	e.Helper()
	e.mu.Lock()
	e.heard = nil
	e.mu.Unlock()
	e.after(d)
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.heard) == 0 {
		e.Fatalf("the host heard nothing within %s", d)
	}
}

// tells fails unless the host can tell the guest to stand aside.
func (e *ends) tells() {
	e.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := e.host.StandAside(ctx, 3*time.Minute, "a rollback"); err != nil {
		e.Fatal(err)
	}
}

func TestTheHostHearsHowTheGuestStands(t *testing.T) {
	between(t, func(e *ends) {
		e.stands = Status{Version: "v1", Host: "rave-1", Epoch: "01A", Mode: "act", Frozen: true, Escalated: 2, Acting: true}
		e.startGuest()
		e.startHost()
		e.after(time.Minute)
		if n := len(e.heard); n < 11 || n > 14 {
			t.Errorf("heard %d times in a minute, want one each 5 s", n)
		}
		if got := e.heard[len(e.heard)-1]; got != e.stands {
			t.Errorf("heard %+v, want %+v", got, e.stands)
		}
	})
}

func TestTheHostHearsOfAnOrderOnceItIsDurable(t *testing.T) {
	between(t, func(e *ends) {
		e.slow = 2500 * time.Millisecond // the order is said three times by then
		e.startGuest()
		e.startHost()
		e.hears(6 * time.Second)
		began := time.Now()
		e.tells()
		if took := time.Since(began); took < e.slow {
			t.Errorf("told after %s, which is before it was durable", took)
		}
		e.after(10 * time.Second)
		if got := strings.Join(e.orders, ", "); got != "3m0s a rollback" {
			t.Errorf("the guest was given %q, want one order once", got)
		}
	})
}

func TestAnOrderThatCannotBeMadeDurableIsRefused(t *testing.T) {
	between(t, func(e *ends) {
		e.fails = errors.New("the disk\nis full")
		e.startGuest()
		e.startHost()
		e.hears(6 * time.Second)
		err := e.host.StandAside(e.Context(), time.Minute, "a rollback")
		if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "the disk is full") {
			t.Errorf("%v, want the guest's reason, on one line", err)
		}
		e.fails = nil
		e.tells()
	})
}

func TestAGuestThatIsDownHoldsUpNobody(t *testing.T) {
	for name, begin := range map[string]func(*ends){
		"no machine":    func(e *ends) { e.relay.power(false) },
		"no agent":      func(e *ends) {},
		"hung in there": func(e *ends) { e.slow = time.Hour; e.startGuest() },
	} {
		t.Run(name, func(t *testing.T) {
			between(t, func(e *ends) {
				begin(e)
				e.startHost()
				e.after(time.Second)
				began := time.Now()
				ctx, cancel := context.WithTimeout(e.Context(), 5*time.Second)
				defer cancel()
				if err := e.host.StandAside(ctx, time.Minute, "a rollback"); err == nil {
					t.Error("an order was done that nobody heard")
				}
				if took := time.Since(began); took > 6*time.Second {
					t.Errorf("it took %s, want the 5 s that there were", took)
				}
			})
		})
	}
}

func TestAPeerThatNeverReadsHoldsUpNobody(t *testing.T) {
	between(t, func(e *ends) {
		e.startHost()
		e.after(2 * time.Second)
		e.relay.mu.Lock()
		e.relay.ends[outside].Close() // the relay reads no more; the next stream nobody reads at all
		e.relay.mu.Unlock()
		e.host.Close()
		theirs, ours := netPipe()
		defer ours.Close()
		e.host = NewHost(func(context.Context) (Stream, error) { return theirs, nil }, func(Status) {})
		began := time.Now()
		ctx, cancel := context.WithTimeout(e.Context(), 5*time.Second)
		defer cancel()
		if err := e.host.StandAside(ctx, time.Minute, "a rollback"); err == nil {
			t.Error("an order was done that nobody heard")
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %s, want at most the 5 s that there were", took)
		}
	})
}

func TestEitherEndMayBeStartedAnewInAnyOrder(t *testing.T) {
	again := map[string]func(*ends){
		"guest":   func(e *ends) { e.stopGuest(); e.startGuest() },
		"host":    func(e *ends) { e.host.Close(); e.startHost() },
		"machine": func(e *ends) { e.relay.power(false); e.after(3 * time.Second); e.relay.power(true) },
		"both":    func(e *ends) { e.stopGuest(); e.host.Close(); e.startHost(); e.after(time.Minute); e.startGuest() },
	}
	for first, one := range again {
		for second, other := range again {
			t.Run(first+" and "+second, func(t *testing.T) {
				between(t, func(e *ends) {
					e.startHost()
					e.startGuest()
					for _, restart := range []func(*ends){one, other} {
						restart(e)
						e.hears(7 * time.Second)
						e.tells()
					}
				})
			})
		}
	}
}

func TestGarbageIsPassedOver(t *testing.T) {
	between(t, func(e *ends) {
		e.startGuest()
		e.startHost()
		e.hears(6 * time.Second)
		for _, garbage := range []string{
			"\x00\xff\n", "{}\n", "null\n", "[]\n", strings.Repeat("x", 3*MaxLine) + "\n",
			`{"v":2,"status":{"version":"v1","host":"h","epoch":"e","mode":"act"}}` + "\n",
			`{"v":1,"done":{"id":"nobody asked"}}` + "\n", `{"v":1,"stand_aside":{"id":"x","ms":99999999999,"reason":""}}` + "\n",
			`{"v":1,"status":{"version":"v1",`, // half a line, and then the ends go on
		} {
			e.relay.inject(inside, garbage)
			e.relay.inject(outside, garbage)
		}
		e.after(10 * time.Second)
		e.hears(6 * time.Second)
		e.tells()
		if got := strings.Join(e.orders, ", "); got != "3m0s a rollback" {
			t.Errorf("the guest was given %q", got)
		}
	})
}

func TestAGuestThatShoutsIsReadSlowly(t *testing.T) {
	between(t, func(e *ends) {
		e.startHost()
		e.after(2 * time.Second)
		e.startGuest()
		text, err := encode(message{Status: &e.stands})
		if err != nil {
			t.Fatal(err)
		}
		go e.relay.inject(outside, strings.Repeat(string(text), 10_000))
		e.after(10 * time.Second)
		e.mu.Lock()
		defer e.mu.Unlock()
		if n := len(e.heard); n > perSecond*12 {
			t.Errorf("heard %d lines in 10 s, want at most %d a second", n, perSecond)
		}
	})
}

func TestAnAgentThatCannotTellIsSilent(t *testing.T) {
	between(t, func(e *ends) {
		e.mute = errors.New("the engine does not answer")
		e.startGuest()
		e.startHost()
		e.after(time.Minute)
		if len(e.heard) > 0 {
			t.Errorf("the host heard %+v of an agent that does not know itself", e.heard[0])
		}
		e.mu.Lock()
		e.mute = nil
		e.mu.Unlock()
		e.hears(6 * time.Second)
	})
}

func TestALineBeginsWithANewline(t *testing.T) {
	between(t, func(e *ends) {
		e.startGuest()
		e.after(time.Second)
		if text := e.relay.said(inside); !strings.HasPrefix(text, "\n{") {
			t.Errorf("%.20q: what an end before left unfinished would spoil it", text)
		}
	})
}

func TestOrdersHaveBounds(t *testing.T) {
	between(t, func(e *ends) {
		e.startGuest()
		e.startHost()
		for _, lasts := range []time.Duration{0, -time.Second, time.Microsecond, MaxAside + time.Millisecond} {
			if err := e.host.StandAside(e.Context(), lasts, "a rollback"); err == nil || !strings.Contains(err.Error(), "stand_aside.ms") {
				t.Errorf("for %s: %v, want it to name the bounds", lasts, err)
			}
		}
		if err := e.host.StandAside(e.Context(), MaxAside, strings.Repeat("too long ", 1000)+"\x00"); err != nil {
			t.Error(err)
		}
	})
}

func TestAClosedHostTellsNobody(t *testing.T) {
	between(t, func(e *ends) {
		e.startHost()
		e.host.Close()
		if err := e.host.StandAside(e.Context(), time.Minute, "a rollback"); err == nil {
			t.Error("an order was done over a line that was closed")
		}
	})
}
