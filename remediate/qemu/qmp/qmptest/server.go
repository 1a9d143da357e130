package qmptest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// greeting is what QEMU 7.2 of Debian 12 says first.
const greeting = `{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "scripted"}, "capabilities": ["oob"]}}`

// Server follows a script for each client, one client after the other as QEMU does.
//
// It is no QEMU: it knows no command, checks no argument, has no state and answers
// only what its script says, also what QEMU never would. It takes any number of
// waiting clients, where QEMU's queue is full at the third.
type Server struct {
	// Socket is its path.
	Socket string

	t        testing.TB
	listener net.Listener
	running  sync.WaitGroup

	mu      sync.Mutex
	current net.Conn
	closed  bool
}

// Serve listens on a new socket until the test ends, and runs script for each
// client. The client is hung up when it returns.
func Serve(t testing.TB, script func(*Session)) *Server {
	t.Helper()
	s := &Server{t: t, Socket: NewSocket(t)}
	var err error
	if s.listener, err = net.Listen("unix", s.Socket); err != nil {
		t.Fatal(err)
	}
	s.running.Go(func() { s.accept(script) })
	t.Cleanup(s.Close)
	return s
}

// Close hangs up, listens no more and waits for the script to end.
func (s *Server) Close() {
	s.listener.Close()
	s.mu.Lock()
	s.closed = true
	if s.current != nil {
		s.current.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}

func (s *Server) accept(script func(*Session)) {
	for {
		conn, err := s.listener.Accept()
		if err != nil || !s.serves(conn) {
			return
		}
		script(&Session{t: s.t, conn: conn, lines: bufio.NewReader(conn)})
		conn.Close()
	}
}

// serves notes the client, unless the server was closed meanwhile.
func (s *Server) serves(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		conn.Close()
		return false
	}
	s.current = conn
	return true
}

// Session is the server's side of one connection. What it writes to a client that
// has gone is lost without a word.
type Session struct {
	t     testing.TB
	conn  net.Conn
	lines *bufio.Reader
}

// Command is what the client sent.
type Command struct {
	Execute   string          `json:"execute"`
	Arguments json.RawMessage `json:"arguments"`
	ID        json.RawMessage `json:"id"`
}

// Greet sends the greeting and answers qmp_capabilities; false if the client left.
func (s *Session) Greet() bool {
	s.Line(greeting)
	c, ok := s.Next()
	if ok && c.Execute != "qmp_capabilities" {
		s.t.Errorf("the first command is %s", c.Execute)
	}
	s.Return(c, struct{}{})
	return ok
}

// Next is the client's next command; false if it left.
func (s *Session) Next() (Command, bool) {
	line, err := s.lines.ReadBytes('\n')
	if err != nil {
		return Command{}, false
	}
	var c Command
	if err := json.Unmarshal(line, &c); err != nil {
		s.t.Errorf("the client sent %q: %v", line, err)
	}
	return c, true
}

// Begun waits until the client has begun to send a command, of which it reads at most
// 4 KiB; false if it left.
func (s *Session) Begun() bool {
	_, err := s.lines.Peek(1)
	return err == nil
}

// Return answers a command.
func (s *Session) Return(to Command, value any) {
	s.object(map[string]any{"return": value, "id": to.ID})
}

// Refuse answers a command with an error.
func (s *Session) Refuse(to Command, class, desc string) {
	s.object(map[string]any{"error": map[string]string{"class": class, "desc": desc}, "id": to.ID})
}

// Event sends an event.
func (s *Session) Event(name string, data any) {
	s.object(map[string]any{"event": name, "data": data, "timestamp": map[string]int{"seconds": 1, "microseconds": 2}})
}

func (s *Session) object(o any) {
	line, err := json.Marshal(o)
	if err != nil {
		s.t.Error(err)
	}
	s.Line(string(line))
}

// Line sends a line as it is, with QEMU's line end.
func (s *Session) Line(line string) { fmt.Fprintf(s.conn, "%s\r\n", line) }

// Gone returns when the client has left; what it sends until then is lost.
func (s *Session) Gone() {
	for {
		if _, ok := s.Next(); !ok {
			return
		}
	}
}

// NewSocket is a path for a socket, short enough for one whatever the test's name.
func NewSocket(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "qmp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "qmp.sock")
}
