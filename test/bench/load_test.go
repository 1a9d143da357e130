package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// answering is a server that answers with a status and a body.
func answering(t *testing.T, status int, body string) (addr string, asked *atomic.Int64) {
	asked = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(status)
		w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), asked
}

func TestASenderReadsEachAnswerToItsEnd(t *testing.T) {
	addr, _ := answering(t, 503, "come again\n")
	s, err := dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer s.conn.Close()
	for range 3 {
		if status, err := s.post(request("/", "{}")); err != nil || status != 503 {
			t.Fatalf("answer %d, %v; want 503", status, err)
		}
	}
}

func TestAFloodCountsWhatWasRefusedApart(t *testing.T) {
	addr, asked := answering(t, 503, "")
	f, err := floodWith(context.Background(), addr, request("/", "{}"), 2, 20*time.Millisecond)
	if err != nil || len(f.took) != 0 || int64(f.refused) != asked.Load() || f.refused == 0 {
		t.Errorf("%d taken and %d refused of %d, %v; want all refused", len(f.took), f.refused, asked.Load(), err)
	}
}

func TestAPaceSendsEachRequestOnce(t *testing.T) {
	addr, asked := answering(t, 200, "")
	took, err := pace{addr: addr, senders: 3, rate: 10_000, count: 50, request: func(int) []byte { return request("/", "") }}.run(context.Background())
	if err != nil || len(took) != 50 || asked.Load() != 50 {
		t.Errorf("%d answers for %d requests, %v; want 50", len(took), asked.Load(), err)
	}
}
