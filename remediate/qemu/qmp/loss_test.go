package qmp

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/digitalocean/go-qemu/qmp"

	"nightshift/remediate/qemu/qmp/qmptest"
)

func TestACommandWithoutAnAnswerIsInDoubtAndNotSentAgain(t *testing.T) {
	var heard []string
	server := qmptest.Serve(t, func(s *qmptest.Session) {
		s.Greet()
		c, _ := s.Next()
		heard = append(heard, c.Execute)
		if c.Execute == systemReset {
			return // hangs up
		}
		s.Return(c, Status{})
		s.Gone()
	})
	c := client(t, server.Socket)
	wants(t, c.Reset(t.Context()), ErrInDoubt, ErrGone)
	if _, err := c.Status(t.Context()); err != nil {
		t.Errorf("after a loss it did not connect anew: %v", err)
	}
	c.Close()
	server.Close()
	if want := []string{systemReset, queryStatus}; !slices.Equal(heard, want) {
		t.Errorf("QEMU heard %v, want %v", heard, want)
	}
}

func TestEveryCallUnderWayLearnsThatTheConnectionIsGone(t *testing.T) {
	const calls = 5
	server := qmptest.Serve(t, func(s *qmptest.Session) {
		s.Greet()
		for range calls {
			s.Next()
		}
	})
	conn := session(t, server.Socket)
	failed := make(chan error, calls)
	for range calls {
		go func() { failed <- conn.Continue(context.Background()) }()
	}
	for range calls {
		wants(t, <-failed, ErrGone, ErrInDoubt)
	}
	wants(t, conn.Err(), ErrGone)
	notInDoubt(t, conn.Continue(t.Context()))
}

func TestALateAnswerIsNotTakenForThatOfALaterCall(t *testing.T) {
	server := qmptest.Serve(t, func(s *qmptest.Session) {
		s.Greet()
		given, _ := s.Next()
		later, _ := s.Next()
		s.Refuse(given, ClassGeneric, "too late")
		s.Return(later, Status{Running: true, State: Running})
		s.Gone()
	})
	conn := session(t, server.Socket)
	wants(t, until(t, ErrInDoubt, conn.Reset), context.DeadlineExceeded)
	isIn(t, conn, Status{Running: true, State: Running})
}

func TestACallWithoutADeadlineGetsOne(t *testing.T) {
	server := qmptest.Serve(t, func(s *qmptest.Session) { s.Greet(); s.Gone() })
	c := clientWith(t, Options{Socket: server.Socket, Timeout: 20 * time.Millisecond})
	if _, err := c.Session(within(t, long)); err != nil {
		t.Fatal(err)
	}
	wants(t, c.Continue(context.Background()), context.DeadlineExceeded)
	_, err := c.Run([]byte(`{"execute":"cont"}`))
	wants(t, err, context.DeadlineExceeded)
}

func TestACommandThatQEMUReadsOnlyAPartOfWasNotDone(t *testing.T) {
	begun := make(chan struct{})
	server := qmptest.Serve(t, func(s *qmptest.Session) {
		s.Greet()
		s.Begun()
		close(begun)
		<-t.Context().Done() // reads nothing more
	})
	conn := session(t, server.Socket)
	huge := map[string]string{"node-name": strings.Repeat("x", 4<<20)} // more than a socket holds
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-begun; cancel() }()
	_, err := conn.Do(ctx, qmp.Command{Execute: blockdevDel, Args: huge})
	wants(t, err, ErrGone, context.Canceled)
	notInDoubt(t, err)
}

func TestWhatIsNotQMPEndsTheConnection(t *testing.T) {
	for name, says := range map[string]func(*qmptest.Session){
		"a greeting of another kind": func(s *qmptest.Session) { s.Line(`220 mail.example.org ESMTP`) },
		"no greeting but an event":   func(s *qmptest.Session) { s.Event("STOP", nil) },
		"nothing":                    func(*qmptest.Session) {},
		"a greeting, and an end":     func(s *qmptest.Session) { s.Line(`{"QMP":{}}`); s.Next() },
		"garbage for an answer":      func(s *qmptest.Session) { s.Greet(); s.Next(); s.Line("\x00\xff{") },
		"an answer of no kind":       func(s *qmptest.Session) { s.Greet(); s.Next(); s.Line(`{"id":"x"}`) },
		"an answer without an id":    func(s *qmptest.Session) { s.Greet(); s.Next(); s.Line(`{"return":{}}`) },
		"an answer of two kinds":     func(s *qmptest.Session) { s.Greet(); s.Next(); s.Line(`{"return":{},"event":"X"}`) },
		"pretty JSON":                func(s *qmptest.Session) { s.Greet(); s.Next(); s.Line("{\r\n  \"return\": {}\r\n}") },
	} {
		t.Run(name, func(t *testing.T) {
			c := client(t, qmptest.Serve(t, says).Socket)
			err := c.Continue(t.Context())
			if !errors.Is(err, ErrGone) && !errors.Is(err, ErrProtocol) {
				t.Errorf("got %v", err)
			}
			if strings.ContainsAny(err.Error(), "\x00\n") || len(err.Error()) > 400 {
				t.Errorf("the error is not fit to be shown: %q", err)
			}
		})
	}
}

func TestAnAnswerOfAnotherShapeIsAnError(t *testing.T) {
	server := qmptest.Serve(t, func(s *qmptest.Session) {
		s.Greet()
		c, _ := s.Next()
		s.Return(c, []int{1})
		s.Gone()
	})
	_, err := client(t, server.Socket).Status(t.Context())
	wants(t, err, ErrProtocol)
}

func TestAGreetingThatNeverComesIsAHeldSocket(t *testing.T) {
	server := qmptest.Serve(t, (*qmptest.Session).Gone)
	_, err := clientWith(t, Options{Socket: server.Socket, Greeting: 20 * time.Millisecond}).Status(t.Context())
	wants(t, err, ErrHeld)
	if !strings.Contains(err.Error(), "somebody else holds the socket") {
		t.Errorf("got %q", err)
	}
	wants(t, until(t, ErrHeld, client(t, server.Socket).Continue), context.DeadlineExceeded)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err = client(t, server.Socket).Status(ctx)
	wants(t, err, context.Canceled)
	if errors.Is(err, ErrHeld) {
		t.Errorf("we gave up, and it says %q", err)
	}
}

func TestANegotiationThatNeverEndsHasADeadline(t *testing.T) {
	server := qmptest.Serve(t, func(s *qmptest.Session) { s.Line(`{"QMP":{}}`); s.Gone() })
	err := until(t, ErrGone, client(t, server.Socket).Continue)
	wants(t, err, context.DeadlineExceeded)
	notInDoubt(t, err)
}

func TestARefusedNegotiationKeepsItsClass(t *testing.T) {
	server := qmptest.Serve(t, func(s *qmptest.Session) {
		s.Line(`{"QMP":{}}`)
		c, _ := s.Next()
		s.Refuse(c, ClassCommandNotFound, "no")
	})
	var refused *Error
	if _, err := client(t, server.Socket).Status(t.Context()); !errors.As(err, &refused) || refused.Class != ClassCommandNotFound {
		t.Errorf("got %v", err)
	}
}

func TestASocketThatIsNotThereIsNoDoubt(t *testing.T) {
	c := client(t, qmptest.NewSocket(t))
	err := c.Reset(t.Context())
	wants(t, err, ErrGone)
	notInDoubt(t, err)
	err = client(t, "/"+strings.Repeat("x", 200)).Reset(t.Context())
	if err == nil || !strings.Contains(err.Error(), "use a shorter one") {
		t.Errorf("got %v", err)
	}
}

func TestAfterAFailureTheNextAttemptWaits(t *testing.T) {
	socket := qmptest.NewSocket(t)
	c := client(t, socket)
	wants(t, c.Connect(), ErrGone)
	if wait := time.Until(c.again); wait > longestPause {
		t.Errorf("it waits for %v", wait)
	}
	c.again = time.Now().Add(long) // so that the next call cannot outlast it
	dialled := make(chan struct{}, 1)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		if conn, err := listener.Accept(); err == nil {
			conn.Close()
			dialled <- struct{}{}
		}
	}()
	_, err = c.Status(within(t, time.Second))
	wants(t, err, ErrGone)
	listener.Close()
	if len(dialled) > 0 {
		t.Error("it was tried at once")
	}
}

func TestAQEMUThatStartsLaterIsFound(t *testing.T) {
	socket := qmptest.NewSocket(t)
	c := client(t, socket)
	for range 3 {
		wants(t, c.Connect(), ErrGone)
	}
	qmptest.StartOn(t, socket)
	if _, err := c.Status(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAClosedClientStaysClosed(t *testing.T) {
	c := client(t, qmptest.Serve(t, bursting).Socket)
	conn, err := c.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	c.Close()
	_, err = c.Status(t.Context())
	wants(t, err, ErrGone)
	wants(t, conn.Err(), ErrGone)
}

func TestCloseEndsAnAttemptUnderWay(t *testing.T) {
	waiting := make(chan struct{})
	server := qmptest.Serve(t, func(s *qmptest.Session) { close(waiting); s.Gone() })
	c := client(t, server.Socket)
	failed := make(chan error, 1)
	go func() { failed <- c.Connect() }()
	<-waiting
	c.Close()
	wants(t, <-failed, ErrGone)
}
