package alerts

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// payloadVersion is the only version of Alertmanager's webhook payload, since
// Alertmanager 0.4 of 2016.
const payloadVersion = "4"

// payload is what is read of a notification's JSON. Names that are not here
// are ignored, newer Alertmanagers add some.
type payload struct {
	Version         *string   `json:"version"`
	Receiver        string    `json:"receiver"`
	GroupKey        string    `json:"groupKey"`
	TruncatedAlerts uint64    `json:"truncatedAlerts"`
	Alerts          alertList `json:"alerts"`
}

// payloadAlert is what is read of one alert. The fingerprint that it claims is
// not.
type payloadAlert struct {
	Status       Status            `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
}

// Decode reads the body of one notification that came in at now.
//
// It is strict where a mistake could do harm: one JSON value with nothing after
// it, valid UTF-8, names in their exact case and none of them twice, version
// "4", each alert firing or resolved, with at least one label and with times
// that RFC 3339 can write. An alert without an alertname is valid. Every error
// is for good: the same body will never be accepted. Errors quote at most a
// few words of the body, escaped.
func Decode(body []byte, now time.Time) (Notification, error) {
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return Notification{}, fmt.Errorf("cannot decode the notification: %w", explain(err))
	}
	if err := p.check(); err != nil {
		return Notification{}, fmt.Errorf("cannot accept the notification: %w", err)
	}
	n := Notification{
		Receiver:   cut(p.Receiver),
		GroupKey:   cut(p.GroupKey),
		ReceivedAt: now.UTC().Round(0), // without the monotonic clock, as it is read back
		Truncated:  p.truncated(),
		Alerts:     make([]Alert, len(p.Alerts.kept)),
	}
	for i := range p.Alerts.kept {
		n.Alerts[i] = p.Alerts.kept[i].alert()
	}
	return n, nil
}

func (p *payload) check() error {
	switch {
	case p.Version == nil:
		return errors.New(`"version" is missing, it must be "4": is this Alertmanager's webhook?`)
	case *p.Version != payloadVersion:
		return fmt.Errorf(`"version" is %s, it must be "4"`, quote(*p.Version))
	}
	for i := range p.Alerts.kept {
		if err := p.Alerts.kept[i].check(); err != nil {
			return fmt.Errorf("alerts[%d]: %w", i, err)
		}
	}
	return nil
}

func (a *payloadAlert) check() error {
	switch {
	case a.Status != Firing && a.Status != Resolved:
		return fmt.Errorf(`"status" is %s, it must be "firing" or "resolved"`, quote(string(a.Status)))
	case len(a.Labels) == 0:
		return errors.New(`"labels" is empty, an alert has at least one`)
	case !writable(a.StartsAt) || !writable(a.EndsAt):
		return errors.New(`"startsAt" and "endsAt" must be of the years 1 to 9999 in UTC`)
	}
	return nil
}

// writable reports whether RFC 3339, with its four digits, can write t in UTC.
func writable(t time.Time) bool {
	year := t.UTC().Year()
	return year >= 1 && year <= 9999
}

func (a *payloadAlert) alert() Alert {
	return Alert{
		Status:       a.Status,
		Labels:       a.Labels,
		Annotations:  a.Annotations,
		StartsAt:     a.StartsAt.UTC(),
		EndsAt:       a.EndsAt.UTC(),
		GeneratorURL: a.GeneratorURL,
		Fingerprint:  FingerprintOf(a.Labels),
		Truncated:    tooLarge(a.Labels),
	}
}

// truncated adds what Alertmanager cut off to what we did. The sum is bounded:
// the number comes from outside.
func (p *payload) truncated() int {
	return int(min(p.TruncatedAlerts, math.MaxInt32)) + p.Alerts.skipped
}

// alertList decodes the first MaxAlerts alerts and counts the rest, so that a
// body of a million empty alerts takes no more memory than the body.
type alertList struct {
	kept    []payloadAlert
	skipped int
}

// UnmarshalJSONFrom reads an array of alerts; null is an empty one.
func (l *alertList) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '[' {
		return json.UnmarshalDecode(dec, &l.kept) // null, or the right error
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != ']' {
		if err := l.next(dec); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

func (l *alertList) next(dec *jsontext.Decoder) error {
	if len(l.kept) == MaxAlerts {
		l.skipped++
		return dec.SkipValue()
	}
	l.kept = append(l.kept, payloadAlert{})
	return json.UnmarshalDecode(dec, &l.kept[len(l.kept)-1])
}

// explain puts a decoder's error in words that hold a place in the body and no
// text of it beyond escaped names.
func explain(err error) error {
	if semantic := new(json.SemanticError); errors.As(err, &semantic) {
		return fmt.Errorf("%s has a value of the wrong type or form, at byte %d",
			quote(string(semantic.JSONPointer)), semantic.ByteOffset)
	}
	if syntactic := new(jsontext.SyntacticError); errors.As(err, &syntactic) {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return fmt.Errorf("%s is there twice, at byte %d",
				quote(string(syntactic.JSONPointer)), syntactic.ByteOffset)
		}
		return fmt.Errorf("not one valid JSON value in UTF-8, at byte %d", syntactic.ByteOffset)
	}
	return errors.New("not valid JSON")
}

// quote escapes the first bytes of what somebody sent, so that it can be read
// in a log and can't forge a line of it.
func quote(s string) string {
	const enough = 64
	if len(s) > enough {
		return fmt.Sprintf("%+q…", s[:enough])
	}
	return fmt.Sprintf("%+q", s)
}
