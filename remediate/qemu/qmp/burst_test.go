package qmp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/digitalocean/go-qemu/qmp"

	"nightshift/remediate/qemu/qmp/qmptest"
)

const (
	burst = 50      // events around each answer
	large = 8 << 10 // bytes of each, twice what a reader's buffer holds
)

// bursting answers each command with its own arguments, amid a burst of large events.
func bursting(s *qmptest.Session) {
	s.Greet()
	padding := strings.Repeat("x", large)
	n := 0
	for c, ok := s.Next(); ok; c, ok = s.Next() {
		for i := range burst {
			if i == burst/2 {
				s.Return(c, map[string]any{"echo": c.Arguments})
			}
			s.Event("BURST", map[string]any{"n": n, "padding": padding})
			n++
		}
	}
}

// echo asks a bursting server for what it is given.
func echo(conn *Conn, text string) error {
	answer, err := conn.Do(context.Background(), qmp.Command{Execute: queryStatus, Args: map[string]string{"text": text}})
	if err != nil {
		return err
	}
	if want := fmt.Sprintf(`{"echo":{"text":%q}}`, text); string(answer) != want {
		return fmt.Errorf("got answer %s, want %s", answer, want)
	}
	return nil
}

func TestAnswersAndEventsSurviveBursts(t *testing.T) {
	const rounds = 20
	server := qmptest.Serve(t, bursting)
	conn, err := clientWith(t, Options{Socket: server.Socket, Queue: rounds * burst}).Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	events := conn.Subscribe(t.Context())
	for i := range rounds {
		if err := echo(conn, fmt.Sprint("round ", i)); err != nil {
			t.Fatal(err)
		}
		if came := len(events.Events()); came < i*burst+burst/2 {
			t.Fatalf("the answer of round %d overtook its events: %d came", i, came)
		}
	}
	for i := range rounds * burst {
		if e := <-events.Events(); e.Data["n"] != float64(i) || len(e.Data["padding"].(string)) != large {
			t.Fatalf("event %d is %v", i, e.Data["n"])
		}
	}
	if events.Dropped() != 0 {
		t.Errorf("%d were dropped", events.Dropped())
	}
}

func TestASubscriberThatDoesNotReadLosesTheOldestAndHoldsUpNothing(t *testing.T) {
	const rounds, queue = 10, 4
	server := qmptest.Serve(t, bursting)
	conn, err := clientWith(t, Options{Socket: server.Socket, Queue: queue}).Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	idle := conn.Subscribe(t.Context())
	for i := range rounds {
		if err := echo(conn, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	server.Close()
	<-conn.Gone()
	kept := []any{}
	for e := range idle.Events() {
		kept = append(kept, e.Data["n"])
	}
	if len(kept) != queue {
		t.Fatalf("it kept %v, want %d", kept, queue)
	}
	if last := kept[queue-1].(float64); uint64(last)+1 != idle.Dropped()+queue {
		t.Errorf("it kept %v and counted %d as dropped", kept, idle.Dropped())
	}
}

func TestManyCallersEachGetTheirOwnAnswer(t *testing.T) {
	server := qmptest.Serve(t, bursting)
	conn := session(t, server.Socket)
	var all sync.WaitGroup
	for caller := range 4 {
		all.Go(func() {
			for i := range 5 {
				ctx, cancel := context.WithCancel(context.Background())
				conn.Subscribe(ctx) // comes and goes, and never reads
				if err := echo(conn, fmt.Sprint(caller, ".", i)); err != nil {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	all.Wait()
}

func TestAnswersAreMatchedByIDNotByOrder(t *testing.T) {
	server := qmptest.Serve(t, func(s *qmptest.Session) {
		s.Greet()
		first, _ := s.Next()
		second, _ := s.Next()
		s.Return(second, second.Execute)
		s.Return(first, first.Execute)
		s.Gone()
	})
	conn := session(t, server.Socket)
	var both sync.WaitGroup
	for _, name := range []string{queryBlock, queryVersion} {
		both.Go(func() {
			got, err := conn.Do(context.Background(), qmp.Command{Execute: name})
			if err != nil || string(got) != `"`+name+`"` {
				t.Errorf("%s got %s, %v", name, got, err)
			}
		})
	}
	both.Wait()
}

func TestAnAnswerIsABufferOfItsOwn(t *testing.T) {
	conn := session(t, qmptest.Serve(t, bursting).Socket)
	first, err := conn.Do(t.Context(), qmp.Command{Execute: queryStatus, Args: json.RawMessage(`"first"`)})
	if err != nil {
		t.Fatal(err)
	}
	kept := bytes.Clone(first)
	for range 5 {
		if err := echo(conn, "another"); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(kept, first) {
		t.Errorf("it became %s", first)
	}
}

func TestASubscriptionEndsWithItsContextAndWithTheConnection(t *testing.T) {
	server := qmptest.Serve(t, bursting)
	conn := session(t, server.Socket)
	ctx, cancel := context.WithCancel(t.Context())
	mine := conn.Subscribe(ctx)
	other := conn.Subscribe(t.Context())
	cancel()
	for range mine.Events() {
	}
	if err := echo(conn, "on"); err != nil {
		t.Fatal(err)
	}
	if len(other.Events()) == 0 {
		t.Error("the other one ended too")
	}
	conn.Close()
	for range other.Events() {
	}
	for range conn.Subscribe(t.Context()).Events() {
	}
}
