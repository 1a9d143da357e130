package alertmanager

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"nightshift/alerts"
)

// Alert is one that an Alertmanager has, or is to have.
type Alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations,omitempty"`
	StartsAt    time.Time         `json:"startsAt,omitzero"`
	// EndsAt is when it is over; one in the future is when it counts as over if
	// nothing more is heard of it. Without one that is resolve_timeout (5 min).
	EndsAt time.Time `json:"endsAt,omitzero"`
}

// Known is an alert that an Alertmanager has now.
type Known struct {
	Alert
	GeneratorURL string `json:"generatorURL"`
	// UpdatedAt is when it was posted last, by the Alertmanager's own clock.
	UpdatedAt time.Time `json:"updatedAt"`
	Status    struct {
		State       string   `json:"state"` // active, suppressed or unprocessed
		SilencedBy  []string `json:"silencedBy"`
		InhibitedBy []string `json:"inhibitedBy"`
	} `json:"status"`
}

// Fingerprint is that of its labels; the one that the answer claims is not read.
func (k Known) Fingerprint() alerts.Fingerprint { return alerts.FingerprintOf(k.Labels) }

// Firing is the alert as a notification would have brought it.
func (k Known) Firing() alerts.Alert {
	return alerts.Alert{
		Status: alerts.Firing, Labels: k.Labels, Annotations: k.Annotations, StartsAt: k.StartsAt.UTC(),
		GeneratorURL: k.GeneratorURL, Fingerprint: k.Fingerprint(),
	}.Bounded()
}

// MaxKnown is how many alerts, or silences, of one answer are kept. More of them are
// an error: what was cut off would be taken for gone.
const MaxKnown = 10_000

var errNotOurs = errors.New("its answer is no list of the API's version 2; is it an Alertmanager, and is its URL right?")

// Alerts are those that fire there now and that the matchers select, those that are
// silenced or inhibited too. Matchers that select nothing are an error.
func (c *Client) Alerts(ctx context.Context, matchers alerts.Matchers) ([]Known, error) {
	if matchers.IsZero() {
		return nil, errors.New("cannot ask for alerts without a matcher")
	}
	var known []Known
	err := c.ask(ctx, question{
		does: "read the alerts of", method: http.MethodGet, path: []string{"alerts"}, query: url.Values{"filter": matchers.Strings()},
	}, func(body io.Reader) error {
		return list(body, func(k Known) bool { known = append(known, k); return len(known) <= MaxKnown })
	})
	return known, err
}

// Post tells it of alerts, firing or over. They are accepted all or not at all, as far
// as the error goes: what was accepted may be posted again.
func (c *Client) Post(ctx context.Context, posted []Alert) error {
	if len(posted) == 0 {
		return nil
	}
	return c.ask(ctx, question{does: "post alerts to", method: http.MethodPost, path: []string{"alerts"}, body: posted}, nothing)
}

// list reads a JSON array one by one, so that what is not kept takes no memory. keep
// says false when it has had too many.
func list[T any](body io.Reader, keep func(T) bool) error {
	dec := jsontext.NewDecoder(body, jsontext.AllowInvalidUTF8(true))
	switch begin, err := dec.ReadToken(); {
	case err != nil:
		return notOurs(err)
	case begin.Kind() != '[':
		return errNotOurs
	}
	for dec.PeekKind() != ']' {
		var one T
		if err := json.UnmarshalDecode(dec, &one); err != nil {
			return notOurs(err)
		}
		if !keep(one) {
			return errTooMany
		}
	}
	_, err := dec.ReadToken()
	return notOurs(err)
}

var errTooMany = errors.New("it has more than 10,000 of them")

// notOurs tells an answer that can't be understood from one that did not come.
func notOurs(err error) error {
	switch {
	case errors.Is(err, errTooLarge):
		return errTooLarge
	case errors.As(err, new(*jsontext.SyntacticError)), errors.As(err, new(*json.SemanticError)):
		return errNotOurs
	}
	return err
}
