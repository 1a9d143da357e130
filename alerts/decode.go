package alerts

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// payloadVersion is the only version of Alertmanager's webhook payload that
// there is.
const payloadVersion = "4"

// Decode reads the body of one notification that came in at now.
//
// It is strict where a mistake could do harm: one JSON value with nothing after
// it, valid UTF-8, names in their exact case and none of them twice, version
// "4", each alert firing or resolved, with at least one label and with times
// that RFC 3339 can write. Names that it does not know are ignored, newer
// Alertmanagers add some; an alert without an alertname is valid. Every error
// is for good: the same body will never be accepted. Errors quote at most a
// few words of the body, escaped.
//
// The strings of the result share one copy of the body.
func Decode(body []byte, now time.Time) (Notification, error) {
	p := payload{text: string(body)}
	if err := json.Unmarshal(body, &p); err != nil {
		return Notification{}, fmt.Errorf("cannot decode the notification: %w", explain(err))
	}
	if err := p.check(); err != nil {
		return Notification{}, fmt.Errorf("cannot accept the notification: %w", err)
	}
	p.ReceivedAt = now.UTC().Round(0) // without the monotonic clock, as it is read back
	for i := range p.Alerts {
		a := &p.Alerts[i]
		a.Fingerprint = FingerprintOf(a.Labels)
		a.Truncated = tooLarge(a.Labels)
	}
	return p.Notification, nil
}

// payload is the JSON of Alertmanager's webhook.
type payload struct {
	Notification
	version string
	text    string // the JSON itself
}

// UnmarshalJSONFrom reads what Alertmanager sent.
func (p *payload) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	r := reader{dec: dec, text: p.text}
	return r.object(func(name string) (err error) {
		switch name {
		case "version":
			p.version, err = r.string()
		case "receiver":
			p.Receiver, err = r.string()
		case "groupKey":
			p.GroupKey, err = r.string()
		case "truncatedAlerts":
			var missing int
			missing, err = r.count()
			p.Truncated += missing
		case "alerts":
			err = r.array(func() error { return p.addAlert(r) })
		default:
			err = dec.SkipValue()
		}
		return err
	})
}

// addAlert keeps the first MaxAlerts alerts and counts the rest, so that a body
// of a million empty alerts takes no more memory than the body.
func (p *payload) addAlert(r reader) error {
	if len(p.Alerts) == MaxAlerts {
		p.Truncated++
		return r.dec.SkipValue()
	}
	var a Alert
	err := r.object(func(name string) error { return r.alertField(&a, name) })
	p.Alerts = append(p.Alerts, a)
	return err
}

// alertField reads what the wire and the stored form of an alert share.
func (r reader) alertField(a *Alert, name string) (err error) {
	switch name {
	case "status":
		a.Status, err = r.status()
	case "labels":
		a.Labels, err = r.strings()
	case "annotations":
		a.Annotations, err = r.strings()
	case "startsAt":
		a.StartsAt, err = r.time()
	case "endsAt":
		a.EndsAt, err = r.time()
	case "generatorURL":
		a.GeneratorURL, err = r.string()
	default:
		err = r.dec.SkipValue()
	}
	return err
}

func (p *payload) check() error {
	switch p.version {
	case payloadVersion:
		return p.checkAlerts()
	case "":
		return errors.New(`"version" is missing, it must be "4": send it Alertmanager's webhook`)
	default:
		return fmt.Errorf(`"version" is %s, it must be "4"`, quote(p.version))
	}
}

func (n *Notification) checkAlerts() error {
	for i := range n.Alerts {
		if err := n.Alerts[i].check(); err != nil {
			return fmt.Errorf("alerts[%d]: %w", i, err)
		}
	}
	return nil
}

func (a *Alert) check() error {
	switch {
	case a.Status != Firing && a.Status != Resolved:
		return fmt.Errorf(`"status" is %s, it must be "firing" or "resolved"`, quote(string(a.Status)))
	case len(a.Labels) == 0:
		return errors.New(`"labels" is empty, an alert has at least one`)
	}
	return nil
}

// explain puts a decoder's error in words that hold a place in the JSON and
// nothing of its text but escaped names.
func explain(err error) error {
	if form := new(formError); errors.As(err, &form) {
		return form
	}
	if syntactic := new(jsontext.SyntacticError); errors.As(err, &syntactic) {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return fmt.Errorf("%s is there twice, at byte %d",
				quote(string(syntactic.JSONPointer)), syntactic.ByteOffset)
		}
		return fmt.Errorf("it is not one valid JSON value in UTF-8, at byte %d", syntactic.ByteOffset)
	}
	return errors.New("it is not valid JSON")
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
