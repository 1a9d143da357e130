package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// sender is one keep-alive connection. It writes a request that is ready and
// reads no more of the answer than it must: what a sender costs is taken from the
// same CPUs, and would make a slow server look like a fast one.
type sender struct {
	conn net.Conn
	in   *bufio.Reader
}

// patience bounds a connection's life; no turn is longer.
const patience = time.Minute

func dial(addr string) (*sender, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &sender{conn, bufio.NewReader(conn)}, nil
}

// post sends a request and returns the status of its answer.
func (s *sender) post(request []byte) (int, error) {
	if _, err := s.conn.Write(request); err != nil {
		return 0, err
	}
	line, err := s.in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, fmt.Errorf("cannot understand the answer %q", line)
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return 0, fmt.Errorf("cannot understand the answer %q", line)
	}
	return status, s.skip()
}

var contentLength = []byte("Content-Length: ")

// skip reads the rest of an answer.
func (s *sender) skip() error {
	length := 0
	for {
		line, err := s.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= len("\r\n") {
			_, err := s.in.Discard(length)
			return err
		}
		if value, ok := bytes.CutPrefix(line, contentLength); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
}

// flood is what many senders came to that each send as fast as they are
// answered.
type flood struct {
	took    []time.Duration // of those answered 200
	refused int             // answered something else
	length  time.Duration
}

func (f flood) perSecond() float64 { return float64(len(f.took)) / f.length.Seconds() }

// floodWith has senders send the same request for a while.
func floodWith(ctx context.Context, addr string, request []byte, senders int, length time.Duration) (flood, error) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	parts, errs := make([]flood, senders), make([]error, senders)
	var all sync.WaitGroup
	began := time.Now()
	for n := range senders {
		all.Go(func() { parts[n], errs[n] = sendUntil(ctx, addr, request) })
	}
	all.Wait()
	whole := flood{length: time.Since(began)}
	for _, part := range parts {
		whole.took = append(whole.took, part.took...)
		whole.refused += part.refused
	}
	return whole, errors.Join(errs...)
}

func sendUntil(ctx context.Context, addr string, request []byte) (f flood, err error) {
	s, err := dial(addr)
	if err != nil {
		return f, err
	}
	defer s.conn.Close()
	for ctx.Err() == nil {
		began := time.Now()
		status, err := s.post(request)
		switch {
		case err != nil:
			return f, err
		case status != 200:
			f.refused++
		default:
			f.took = append(f.took, time.Since(began))
		}
	}
	return f, nil
}

// pace is requests at a steady rate, whether or not those before are answered, as
// long as a sender is free: a request that had to wait for one counts from when
// it was due.
type pace struct {
	addr    string
	senders int
	rate    int // a second
	count   int
	request func(n int) []byte
	sent    func(n int, at time.Time) // may be nil
}

// run sends all and returns how long each took to be answered. An answer that is
// no 200 is an error.
func (p pace) run(ctx context.Context) ([]time.Duration, error) {
	took := make([]time.Duration, p.count)
	errs := make([]error, p.senders)
	var next atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for i := range p.senders {
		all.Go(func() {
			errs[i] = p.send(ctx, func() (int, time.Time) {
				n := int(next.Add(1)) - 1
				return n, began.Add(time.Duration(n) * time.Second / time.Duration(p.rate))
			}, took)
		})
	}
	all.Wait()
	return took, errors.Join(errs...)
}

func (p pace) send(ctx context.Context, next func() (int, time.Time), took []time.Duration) error {
	s, err := dial(p.addr)
	if err != nil {
		return err
	}
	defer s.conn.Close()
	for n, due := next(); n < p.count && ctx.Err() == nil; n, due = next() {
		request := p.request(n)
		if early := time.Until(due); early > 0 {
			time.Sleep(early)
			due = time.Now() // a timer that is late is the machine's, not the server's
		}
		if p.sent != nil {
			p.sent(n, due)
		}
		status, err := s.post(request)
		if err == nil && status != 200 {
			err = fmt.Errorf("cannot measure: request %d was answered %d", n, status)
		}
		if err != nil {
			return err
		}
		took[n] = time.Since(due)
	}
	return ctx.Err()
}
