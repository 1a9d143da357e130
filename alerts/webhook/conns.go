package webhook

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// MaxConns is how many connections the agent holds at once by default: one
// Alertmanager needs a few, and each costs about 20 KiB.
const MaxConns = 512

// Conns bounds the connections of a server. When all places are taken a new
// connection is not made to wait behind those that may be slow on purpose: it
// takes the place of the one that deserves it least. That is the oldest
// stranger, one whose first request has not been answered yet; when strangers
// have less than a quarter of the places, it is the one of the others with the
// longest silence.
//
// So a thousand connections that dribble push out each other, while a sender
// needs its place for milliseconds, and keeps it as long as it uses it.
type Conns struct {
	max int

	mu        sync.Mutex
	strangers list.List // no request answered so far; the oldest first
	known     list.List // the others; the longest silent first
}

// NewConns makes room for max connections.
func NewConns(max int) *Conns { return &Conns{max: max} }

// Open is the number of connections now.
func (c *Conns) Open() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.strangers.Len() + c.known.Len()
}

// Listener accepts connections from l that c keeps count of. It goes under
// TLS, not over it.
func (c *Conns) Listener(l net.Listener) net.Listener { return &listener{l, c} }

type listener struct {
	net.Listener
	conns *Conns
}

// Accept waits for the next connection and makes room for it.
func (l *listener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: accepted, conns: l.conns}
	if victim := l.conns.add(c); victim != nil {
		_ = victim.Close()
	}
	return c, nil
}

// conn is one connection in the lists.
type conn struct {
	net.Conn
	conns *Conns
	in    *list.List // nil: in none
	at    *list.Element
}

// Close closes the connection and gives its place away.
func (c *conn) Close() error {
	c.conns.mu.Lock()
	c.conns.remove(c)
	c.conns.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite lets a sender read the answer that it gets before its request is
// through; net/http asks for it.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// add takes a connection in and returns the one that has to go for it.
func (c *Conns) add(n *conn) (victim *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.strangers.Len()+c.known.Len() >= c.max {
		victim = c.least()
		c.remove(victim)
	}
	c.put(n, &c.strangers)
	return victim
}

// least is the connection that deserves its place least; there must be one.
func (c *Conns) least() *conn {
	from := &c.strangers
	if c.known.Len() > 0 && 4*c.strangers.Len() < c.max {
		from = &c.known
	}
	return from.Front().Value.(*conn)
}

func (c *Conns) put(n *conn, l *list.List) { n.in, n.at = l, l.PushBack(n) }

func (c *Conns) remove(n *conn) {
	if n.in != nil {
		n.in.Remove(n.at)
		n.in, n.at = nil, nil
	}
}

// changed is the server's ConnState hook. A connection is idle when a request
// on it has been answered.
func (c *Conns) changed(nc net.Conn, state http.ConnState) {
	n := unwrap(nc)
	if n == nil || state != http.StateActive && state != http.StateIdle {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case n.in == nil: // it had to go
	case n.in == &c.known:
		c.known.MoveToBack(n.at)
	case state == http.StateIdle:
		c.remove(n)
		c.put(n, &c.known)
	}
}

// unwrap finds our connection below TLS.
func unwrap(nc net.Conn) *conn {
	if wrapped, ok := nc.(interface{ NetConn() net.Conn }); ok {
		nc = wrapped.NetConn()
	}
	n, _ := nc.(*conn)
	return n
}
