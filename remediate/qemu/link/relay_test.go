package link

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
)

// relay is what lies between the ends: QEMU and the kernel of the guest. Like them
// it drops what is said while nobody listens at the other end.
type relay struct {
	mu    sync.Mutex
	turn  [2]chan struct{} // who writes to an end; no mutex, because time stands still before one
	ends  [2]net.Conn      // the relay's side of what each end opened
	up    bool
	heard [2][]byte // all that came from each end
}

// The ends of a relay.
const (
	inside  = 0
	outside = 1
)

func newRelay() *relay {
	return &relay{up: true, turn: [2]chan struct{}{make(chan struct{}, 1), make(chan struct{}, 1)}}
}

// open gives an end a new stream.
func (r *relay) open(end int) (Stream, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.up {
		return nil, errors.New("there is no machine")
	}
	theirs, ours := net.Pipe()
	r.ends[end] = ours
	go r.carry(end, ours)
	return theirs, nil
}

// carry brings all that an end says to the other one, if there is one.
func (r *relay) carry(from int, stream net.Conn) {
	buffer := make([]byte, 1<<10)
	for {
		n, err := stream.Read(buffer)
		if err != nil {
			stream.Close()
			return
		}
		r.mu.Lock()
		r.heard[from] = append(r.heard[from], buffer[:n]...)
		r.mu.Unlock()
		r.inject(1-from, string(buffer[:n]))
	}
}

// inject says something to an end, if there is one.
func (r *relay) inject(to int, text string) {
	r.turn[to] <- struct{}{}
	defer func() { <-r.turn[to] }()
	r.mu.Lock()
	stream := r.ends[to]
	r.mu.Unlock()
	if stream != nil {
		_, _ = io.WriteString(stream, text) // it may have gone
	}
}

// power switches the machine off or on; both ends lose their streams.
func (r *relay) power(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.up = on
	for end, stream := range r.ends {
		if stream != nil && !on {
			stream.Close()
			r.ends[end] = nil
		}
	}
}

// said is all that came from an end.
func (r *relay) said(end int) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.heard[end])
}

func (r *relay) dial(context.Context) (Stream, error) { return r.open(outside) }
