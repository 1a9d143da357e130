package webhook_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/alerts/webhook"
)

// dial opens a connection that ends with the test, and says something.
func dial(t testing.TB, addr, said string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_, _ = io.WriteString(c, said) // it may have been closed already
	return c
}

// head is a request's header for a body of this length, -1 for chunks.
func head(length int) string {
	size := fmt.Sprintf("Content-Length: %d", length)
	if length < 0 {
		size = "Transfer-Encoding: chunked"
	}
	return "POST " + webhook.Path + " HTTP/1.1\r\nHost: agent\r\nAuthorization: Bearer " + token +
		"\r\nContent-Type: application/json\r\n" + size + "\r\n\r\n"
}

// answerOn reads the one answer of a connection that is closed after it; 0 if
// it is closed without one.
func answerOn(t testing.TB, c net.Conn) (int, string) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatal("the connection was left open for a minute")
		}
		return 0, ""
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if !resp.Close {
		t.Error("the connection stays open after its answer")
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

func TestServerHasAllItsDeadlines(t *testing.T) {
	s := webhook.NewServer(http.NotFoundHandler(), webhook.NewConns(1), slog.New(slog.DiscardHandler))
	for name, got := range map[string][2]time.Duration{
		"header": {s.ReadHeaderTimeout, 5 * time.Second}, "header and body": {s.ReadTimeout, 35 * time.Second},
		"answer": {s.WriteTimeout, time.Minute}, "idle": {s.IdleTimeout, 2 * time.Minute},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %v, want %v", name, got[0], got[1])
		}
	}
	if s.MaxHeaderBytes != 16<<10 {
		t.Errorf("a header of %d bytes, want 16384", s.MaxHeaderBytes)
	}
}

func TestASlowSenderIsAnsweredOrCutOff(t *testing.T) {
	s := newSite(t)
	addr := s.listen(t, webhook.NewConns(10), func(server *http.Server) {
		server.ReadHeaderTimeout, server.ReadTimeout = 50*time.Millisecond, 100*time.Millisecond
	})
	for name, tc := range map[string]struct {
		said string
		code int
		text string
	}{
		"nothing said":        {"", 0, ""},
		"half a header":       {head(10)[:60], 400, "400 Bad Request"},
		"half a body":         {head(10) + "{", 408, "the body did not come in time"},
		"half a chunk":        {head(-1) + "a\r\n{", 408, "the body did not come in time"},
		"no body, no token":   {strings.Replace(head(10), token, "wrong", 1), 401, "a valid bearer token is required"},
		"no body of 100 MB":   {head(100 << 20), 413, "the body is larger than 8 MiB: set max_alerts"},
		"a chunk that is not": {head(-1) + "zz\r\n", 400, "cannot read the body to its end"},
	} {
		code, text := answerOn(t, dial(t, addr, tc.said))
		if code != tc.code || text != tc.text {
			t.Errorf("%s: answer %d %q, want %d %q", name, code, text, tc.code, tc.text)
		}
	}
	if held := s.BodiesInMemory(); held != 0 {
		t.Errorf("%d bytes of bodies are still held", held)
	}
}

func TestABodyThatEndsEarlyIsRefused(t *testing.T) {
	s := newSite(t)
	c := dial(t, s.listen(t, webhook.NewConns(10), nil), head(10)+"{")
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if code, text := answerOn(t, c); code != 400 || text != "cannot read the body to its end" {
		t.Errorf("answer %d %q", code, text)
	}
}

func TestEightBodiesOf100MBLeaveMemoryFlat(t *testing.T) {
	s := newSite(t)
	addr := s.listen(t, webhook.NewConns(20), nil)
	const size = 100 << 20

	before := allocated()
	for range 8 {
		c := dial(t, addr, head(size))
		go pour(c)
		if code, _ := answerOn(t, c); code != 413 {
			t.Errorf("100 MB announced: answer %d, want 413", code)
		}
	}
	if took := allocated() - before; took > 4<<20 {
		t.Errorf("refusing by Content-Length took %d bytes of memory", took)
	}

	var all sync.WaitGroup
	codes := make(chan int, 8)
	before = allocated()
	for range cap(codes) {
		c := dial(t, addr, head(-1))
		go pour(c)
		all.Go(func() {
			code, _ := answerOn(t, c)
			codes <- code
		})
	}
	all.Wait()
	for range cap(codes) {
		if code := <-codes; code != 413 && code != 503 {
			t.Errorf("100 MB in chunks: answer %d, want 413, or 503 with %d bytes held already", code, webhook.MaxBodies)
		}
	}
	if took := allocated() - before; took > 8*2*(webhook.MaxBody+1<<20) {
		t.Errorf("refusing chunks took %d bytes of memory", took)
	}
	if held := s.BodiesInMemory(); held != 0 {
		t.Errorf("%d bytes of bodies are still held", held)
	}
}

// pour sends a body without end, in chunks, until nobody takes it.
func pour(c net.Conn) {
	const chunk = 64 << 10
	text := []byte(fmt.Sprintf("%x\r\n%s\r\n", chunk, strings.Repeat(" ", chunk)))
	for {
		if _, err := c.Write(text); err != nil {
			return
		}
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func TestBodiesInMemoryAreBounded(t *testing.T) {
	s := newSite(t)
	addr := s.listen(t, webhook.NewConns(20), nil)
	// Two that stop just short of their end hold it all.
	almost := strings.Repeat(" ", webhook.MaxBody-1)
	for range 2 {
		dial(t, addr, head(webhook.MaxBody)+almost)
	}
	until(t, func() bool { return s.BodiesInMemory() == webhook.MaxBodies })
	if w := s.serve(post(notification(alert("us", "A")) + almost[:1<<20])); w.Code != 503 || w.Body.String() != "too much is being received\n" {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
	if w := s.serve(post(notification(alert("us", "A")))); w.Code != 200 {
		t.Errorf("a short one beside them: answer %d %s, want 200", w.Code, w.Body)
	}
}

// client posts over one connection at a time.
func client(t testing.TB) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 1}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// send posts a good notification.
func send(c *http.Client, addr, name string) error {
	r, err := http.NewRequest(http.MethodPost, "http://"+addr+webhook.Path, strings.NewReader(notification(alert("us", name))))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := c.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answer %d %s", resp.StatusCode, text)
	}
	return nil
}

func TestSlowConnectionsPushOutEachOtherAndNobodyElse(t *testing.T) {
	const places = 16
	conns := webhook.NewConns(places)
	s := newSite(t)
	addr := s.listen(t, conns, nil)

	kept := client(t)
	for i := range 10 * places {
		dial(t, addr, head(10)+"{") // half a body
		dial(t, addr, head(10)[:40])
		if err := send(kept, addr, fmt.Sprintf("kept-%d", i)); err != nil {
			t.Fatalf("over the connection that is kept: %v", err)
		}
		fresh := client(t)
		if err := send(fresh, addr, fmt.Sprintf("fresh-%d", i)); err != nil {
			t.Fatalf("over a new connection: %v", err)
		}
		if open := conns.Open(); open > places {
			t.Fatalf("%d connections are open, want at most %d", open, places)
		}
	}
	if got := s.count(t, "nightshift_webhooks_total", "200"); got != 20*places {
		t.Errorf("%g notifications were taken, want %d", got, 20*places)
	}
}

func TestAConnectionThatClosesGivesItsPlaceAway(t *testing.T) {
	conns := webhook.NewConns(4)
	addr := newSite(t).listen(t, conns, nil)
	for range 8 {
		c := client(t)
		if err := send(c, addr, "A"); err != nil {
			t.Fatal(err)
		}
		c.CloseIdleConnections()
	}
	until(t, func() bool { return conns.Open() == 0 })
}

// until waits for what the server does in its own time.
func until(t testing.TB, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !happened(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen within a minute")
		}
	}
}
