package link

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json" // refuses a name twice, and names in another case
)

// version is the protocol's. An end that can no longer be understood by its older
// peers has a new one.
const version = 1

// Status is how the agent inside stands.
type Status struct {
	// Version is the program's, Host its name in its own inventory.
	Version string `json:"version"`
	Host    string `json:"host"`
	// Epoch is the one that the host gave to this start of the machine.
	Epoch string `json:"epoch"`
	// Mode is how far it may go: observe, approve or act.
	Mode string `json:"mode"`
	// Frozen is whether all its acting is stopped.
	Frozen bool `json:"frozen"`
	// Escalated is how many of its incidents people have, because it gave up.
	Escalated int `json:"escalated"`
	// Acting is whether a step of it is under way, or verified.
	Acting bool `json:"acting"`
}

// message is one line. Exactly one of the pointers is set.
type message struct {
	V      int     `json:"v"`
	Status *Status `json:"status,omitzero"`
	Order  *order  `json:"stand_aside,omitzero"`
	Done   *done   `json:"done,omitzero"`
}

// order is the host's: leave the acting to me.
type order struct {
	// ID tells orders apart: the same one again is the same order.
	ID string `json:"id"`
	// Millis is for how long, from when it is heard: the two ends have clocks of
	// their own.
	Millis int64 `json:"ms"`
	// Reason is for people.
	Reason string `json:"reason"`
}

func (o order) lasts() time.Duration { return time.Duration(o.Millis) * time.Millisecond }

// done is the answer to an order.
type done struct {
	ID string `json:"id"`
	// Error says why it could not be made durable; empty when it was.
	Error string `json:"error,omitzero"`
}

const (
	// maxWord bounds names, maxText sentences, in bytes.
	maxWord = 128
	maxText = 512
)

// encode makes a line. What is too long in a sentence is cut, because it is for
// people.
func encode(m message) ([]byte, error) {
	m.V = version
	if m.Order != nil {
		m.Order = &order{m.Order.ID, m.Order.Millis, tidy(m.Order.Reason)}
	}
	if m.Done != nil {
		m.Done = &done{m.Done.ID, tidy(m.Done.Error)}
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("cannot send it: %w", err)
	}
	line, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("cannot send it: %w", err)
	}
	return append(line, '\n'), nil
}

// decode reads a line, with or without its newline.
func decode(line []byte) (message, error) {
	var m message
	if err := json.Unmarshal(line, &m); err != nil {
		return message{}, fmt.Errorf("cannot read the line: %w", err)
	}
	if err := m.check(); err != nil {
		return message{}, fmt.Errorf("cannot take the line: %w", err)
	}
	return m, nil
}

// check holds a message to what either end may say.
func (m message) check() error {
	if m.V != version {
		return fmt.Errorf("expected version %d, found %d", version, m.V)
	}
	switch {
	case m.Status != nil && m.Order == nil && m.Done == nil:
		return m.Status.check()
	case m.Order != nil && m.Status == nil && m.Done == nil:
		return m.Order.check()
	case m.Done != nil && m.Status == nil && m.Order == nil:
		return errors.Join(isWord("done.id", m.Done.ID), isText("done.error", m.Done.Error))
	}
	return errors.New("expected exactly one of status, stand_aside and done")
}

func (s Status) check() error {
	if s.Mode != "observe" && s.Mode != "approve" && s.Mode != "act" {
		return fmt.Errorf("expected status.mode observe, approve or act, found %.20q", s.Mode)
	}
	if s.Escalated < 0 {
		return fmt.Errorf("expected status.escalated of 0 or more, found %d", s.Escalated)
	}
	return errors.Join(isWord("status.version", s.Version), isWord("status.host", s.Host), isWord("status.epoch", s.Epoch))
}

func (o order) check() error {
	if o.Millis <= 0 || o.Millis > MaxAside.Milliseconds() {
		return fmt.Errorf("expected stand_aside.ms of 1 to %d, found %d", MaxAside.Milliseconds(), o.Millis)
	}
	return errors.Join(isWord("stand_aside.id", o.ID), isText("stand_aside.reason", o.Reason))
}

// isWord is an error unless a text is a name: short, visible, without spaces.
func isWord(field, text string) error {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	if text == "" || len(text) > maxWord || strings.ContainsFunc(text, odd) {
		return fmt.Errorf("expected %s of 1 to %d visible characters, found %.20q", field, maxWord, text)
	}
	return nil
}

// isText is an error unless a text can be shown to people.
func isText(field, text string) error {
	if len(text) > maxText || strings.ContainsFunc(text, unprintable) {
		return fmt.Errorf("expected %s of at most %d printable bytes, found %.20q", field, maxText, text)
	}
	return nil
}

func unprintable(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }

// tidy makes a sentence fit to be sent.
func tidy(text string) string {
	text = strings.Map(func(r rune) rune {
		if unprintable(r) {
			return ' '
		}
		return r
	}, text)
	for len(text) > maxText {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}
