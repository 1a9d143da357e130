// Package webhook takes Alertmanager's notifications over HTTP. It answers 200
// only once what is for this host is durable, and 503 where it can't be:
// Alertmanager offers again what got a 5xx, for minutes, and gives up on a 4xx
// until its next flush. docs/http.md lists each answer.
package webhook

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nightshift/alerts"
)

// Path is where notifications are posted to; the handler answers nowhere else.
const Path = "/webhook/alertmanager"

const (
	// MaxInFlight is how many requests are decoded and stored at once, by
	// default. Alertmanager posts one at a time for each group and receiver.
	MaxInFlight = 64
	// StoreTimeout bounds one call of the store, by default: a sync on a busy
	// disk was seen to take a second.
	StoreTimeout = 5 * time.Second
)

// Store keeps alerts. The batch is the stored form that alerts.DecodeBatch
// reads; it is not the store's to keep after it returns.
type Store interface {
	// StoreAlerts returns nil only once the batch is durable. Calls never
	// overlap. An error that wraps ErrOverloaded is told to the sender as
	// such; each error makes it try again later, so a batch may come twice.
	StoreAlerts(ctx context.Context, batch []byte) error
}

// ErrOverloaded is what a store returns that takes no more before some of what
// it holds has been dealt with.
var ErrOverloaded = errors.New("too many alerts wait to be dealt with")

// Options are what a Handler is made of. Store and Mine are required.
type Options struct {
	Store Store
	// Mine tells whether an alert is about this host (alerts.Scope.Mine). It is
	// called concurrently and may answer differently after a reload.
	Mine func(alerts.Alert) bool
	// TokenFile holds the bearer token that senders must show; "" asks for
	// none. It is read again when it changes.
	TokenFile string

	Metrics      *Metrics         // default: counted, but nowhere exposed
	Log          *slog.Logger     // default: silent
	Now          func() time.Time // default: time.Now
	MaxInFlight  int              // default: MaxInFlight
	StoreTimeout time.Duration    // default: StoreTimeout
	Hooks        Hooks
}

// Hooks are called at the durable boundaries, for tests that end the process
// there. Each may be nil.
type Hooks struct {
	BeforeStore, AfterStore   func() // around each call of the store that succeeds
	BeforeAnswer, AfterAnswer func() // around each 200 for something stored; after: it has been sent
}

// Handler is the http.Handler for Path. Close it after its server.
type Handler struct {
	opts     Options
	token    *tokenFile // nil: none is asked for
	commits  *committer
	budget   budget
	inFlight atomic.Int64
	complain complaints
}

// New makes a Handler. The error says what is wrong with the token file.
func New(o Options) (*Handler, error) {
	if o.Store == nil || o.Mine == nil {
		return nil, errors.New("cannot take webhooks without Options.Store and Options.Mine")
	}
	o = o.withDefaults()
	h := &Handler{opts: o, budget: budget{max: maxBodies}, complain: complaints{log: o.Log}}
	if o.TokenFile != "" {
		var err error
		if h.token, err = openToken(o.TokenFile); err != nil {
			return nil, err
		}
	}
	h.commits = newCommitter(h.store, maxBatch, o.StoreTimeout)
	return h, nil
}

func (o Options) withDefaults() Options {
	if o.Metrics == nil {
		o.Metrics = NewMetrics(prometheus.NewRegistry())
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxInFlight == 0 {
		o.MaxInFlight = MaxInFlight
	}
	if o.StoreTimeout == 0 {
		o.StoreTimeout = StoreTimeout
	}
	return o
}

// Close answers what comes from now on with 503 and waits for what is being
// stored. When ctx ends first, the rest is answered 503 too. It can be called
// more than once.
func (h *Handler) Close(ctx context.Context) error { return h.commits.close(ctx) }

// ServeHTTP answers one request, see docs/http.md.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a := h.check(r); a != nil {
		h.refuseUnread(w, r, a)
		return
	}
	s := takeScratch()
	defer s.release()
	if a := s.readBody(r, &h.budget); a != nil {
		h.refuseUnread(w, r, a)
		return
	}
	h.answer(w, r, h.take(r.Context(), s))
}

// check is what can be said before a byte of the body is read, cheap things
// first; nil: go on.
func (h *Handler) check(r *http.Request) *answer {
	switch {
	case r.Method != http.MethodPost:
		return onlyPost
	case r.URL.Path != Path:
		return notFound
	}
	if a := h.authenticate(r); a != nil {
		return a
	}
	switch {
	case !plainEncoding(r.Header["Content-Encoding"]):
		return encoded
	case !isJSON(r.Header.Get("Content-Type")):
		return notJSON
	case r.ContentLength > MaxBody:
		return bodyTooLarge
	}
	return nil
}

// authenticate fails closed when the token can't be read: 503, as it may be
// read again when Alertmanager tries the next time.
func (h *Handler) authenticate(r *http.Request) *answer {
	if h.token == nil {
		return nil
	}
	ok, err := h.token.allows(r.Header["Authorization"])
	switch {
	case err != nil:
		return noToken.because(err)
	case !ok:
		return unauthorized
	}
	return nil
}

func plainEncoding(values []string) bool {
	return len(values) == 0 || len(values) == 1 && strings.EqualFold(values[0], "identity")
}

// isJSON accepts application/json with any parameters: JSON has one charset.
func isJSON(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/json")
}

// take deals with a body that has been read.
//
// Requests are counted as in flight only from here on, so that senders that
// are slow with their body take no place from those that are not; the memory
// that bodies take has a bound of its own.
func (h *Handler) take(ctx context.Context, s *scratch) *answer {
	defer h.inFlight.Add(-1)
	if h.inFlight.Add(1) > int64(h.opts.MaxInFlight) {
		return tooManyInFlight
	}
	n, err := alerts.Decode(s.body, h.opts.Now())
	if err != nil {
		return undecodable(err)
	}
	received := len(n.Alerts)
	n.Alerts = slices.DeleteFunc(n.Alerts, func(a alerts.Alert) bool { return !h.opts.Mine(a) })
	done := nothingOurs
	if len(n.Alerts) > 0 {
		if a := h.keep(ctx, s, n); a != nil {
			return a
		}
		done = stored
	}
	h.opts.Metrics.Count(Accepted, len(n.Alerts))
	h.opts.Metrics.Count(NotMine, received-len(n.Alerts))
	h.opts.Metrics.Count(Truncated, n.Truncated)
	return done
}

// keep returns nil once the notification is durable.
func (h *Handler) keep(ctx context.Context, s *scratch, n alerts.Notification) *answer {
	var err error
	if s.encoded, err = alerts.AppendNotification(s.encoded[:0], n); err != nil {
		return undecodable(err)
	}
	if len(s.encoded) > maxStored {
		return tooLargeToStore
	}
	err = h.commits.commit(ctx, s.encoded)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errClosed):
		return shuttingDown
	case errors.Is(err, ErrOverloaded):
		return overloaded
	}
	return notStored.because(err)
}

// store is the call of the store between its hooks.
func (h *Handler) store(ctx context.Context, batch []byte) error {
	call(h.opts.Hooks.BeforeStore)
	if err := h.opts.Store.StoreAlerts(ctx, batch); err != nil {
		return err
	}
	call(h.opts.Hooks.AfterStore)
	return nil
}

func call(hook func()) {
	if hook != nil {
		hook()
	}
}
