package main

import (
	"bytes"
	"context"
	"crypto/subtle"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	dispatcherAddress = "127.0.0.1:3001"
	dispatcherControl = "127.0.0.1:3019"
	secretFile        = "/run/secrets/webhook-gitlab-secret"

	// A webhook waits this long for a place in the queue.
	queuePatience = 50 * time.Millisecond
	webhookBytes  = 1 << 20
)

// dispatch accepts webhooks into a queue that one worker empties. Its break
// is the worker's: it hangs, the queue fills, and what comes is an error.
type dispatch struct {
	secret   []byte
	queue    chan []byte
	wedge    sync.Once
	wedged   chan struct{}
	requests *prometheus.CounterVec
	errors   prometheus.Counter
}

func dispatcher(ctx context.Context) error {
	secret, err := os.ReadFile(secretFile)
	if err != nil {
		return fmt.Errorf("cannot read the webhook secret: %w", err)
	}
	registry := prometheus.NewRegistry()
	d := newDispatch(bytes.TrimSpace(secret), registry)
	go d.work(ctx)
	public := http.NewServeMux()
	public.HandleFunc("/webhook", d.accept)
	public.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	control := http.NewServeMux()
	control.HandleFunc("POST /break/wedge", func(http.ResponseWriter, *http.Request) {
		d.wedge.Do(func() { close(d.wedged) })
	})
	return serve(ctx, map[string]http.Handler{dispatcherAddress: public, dispatcherControl: control})
}

func newDispatch(secret []byte, registry prometheus.Registerer) *dispatch {
	d := &dispatch{
		secret: secret,
		queue:  make(chan []byte, 1),
		wedged: make(chan struct{}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "webhook_requests_total", Help: "Webhooks answered, by status code.",
		}, []string{"code"}),
		errors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "webhook_errors_total", Help: "Webhooks that were accepted and could not be processed.",
		}),
	}
	registry.MustRegister(d.requests, d.errors)
	return d
}

// accept answers as the runbook's checks expect: 405 to anything but POST, 401
// without the secret. Neither is an error of ours, so neither is counted as
// one.
func (d *dispatch) accept(w http.ResponseWriter, r *http.Request) {
	code := d.answer(r)
	d.requests.WithLabelValues(strconv.Itoa(code)).Inc()
	if code == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	w.WriteHeader(code)
}

func (d *dispatch) answer(r *http.Request) int {
	if r.Method != http.MethodPost {
		return http.StatusMethodNotAllowed
	}
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("X-Gitlab-Token")), d.secret) != 1 {
		return http.StatusUnauthorized
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, webhookBytes))
	if err != nil {
		return http.StatusBadRequest
	}
	select {
	case d.queue <- body:
		return http.StatusOK
	case <-time.After(queuePatience):
		d.errors.Inc()
		fmt.Fprintln(os.Stderr, "error: cannot process a webhook: the queue is full")
		return http.StatusInternalServerError
	}
}

// work takes webhooks from the queue until it is told to end, or hangs.
func (d *dispatch) work(ctx context.Context) {
	for {
		select {
		case <-d.wedged:
			return
		case <-ctx.Done():
			return
		case <-d.queue:
		}
	}
}
