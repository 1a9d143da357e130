package enginetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"

	"nightshift/remediate"
	"nightshift/remediate/engine"
)

var _ engine.Log = (*Log)(nil)

// Log is the durable record in memory. The zero Log is empty and works.
type Log struct {
	mu     sync.Mutex
	events []remediate.Event
	texts  map[string]string
	before func(n int, e remediate.Event) Fate
	dead   bool
}

// Fate is what becomes of an append.
type Fate int

// The fates of an append.
const (
	Stored    Fate = iota // as it should be
	Refused               // not stored, and the writer is told so
	DiesFirst             // the process dies before it is stored
	DiesAfter             // it is stored, and the process dies before it knows
)

// Decide makes f choose the fate of each append: the n-th of this log, from 1.
func (l *Log) Decide(f func(n int, e remediate.Event) Fate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.before = f
}

// Append keeps an event as its text says it. A dead log answers as one that
// another process has, so that the engine ends without another effect.
func (l *Log) Append(_ context.Context, e remediate.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	fate := Stored
	if l.before != nil && !l.dead {
		fate = l.before(len(l.events)+1, e)
	}
	if fate == Refused {
		return fmt.Errorf("cannot store %s: the disk is full", e.Type)
	}
	if l.dead = l.dead || fate == DiesFirst; l.dead {
		return engine.ErrFenced
	}
	read, err := throughText(e)
	if err != nil {
		return err
	}
	l.events = append(l.events, read)
	if l.dead = fate == DiesAfter; l.dead {
		return engine.ErrFenced
	}
	return nil
}

func throughText(e remediate.Event) (remediate.Event, error) {
	read := remediate.Event{Type: e.Type, Incident: e.Incident, At: e.At}
	text, err := remediate.EncodeJSON(e)
	if err == nil {
		err = remediate.DecodeJSON(text, &read)
	}
	return read, err
}

// KeepEvidence keeps a text by its digest.
func (l *Log) KeepEvidence(_ context.Context, _ remediate.ID, text string) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.texts == nil {
		l.texts = map[string]string{}
	}
	sum := sha256.Sum256([]byte(text))
	digest := hex.EncodeToString(sum[:])
	l.texts[digest] = text
	return digest, nil
}

// Evidence is the text that was kept under a digest.
func (l *Log) Evidence(digest string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.texts[digest]
}

// Die makes the log another's, as for a process that was killed: what it still
// wants to record is lost.
func (l *Log) Die() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
}

// Revive lets the next process write.
func (l *Log) Revive() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead, l.before = false, nil
}

// Events are all that is stored.
func (l *Log) Events() []remediate.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]remediate.Event(nil), l.events...)
}

// Ledger is their fold.
func (l *Log) Ledger() (*remediate.Ledger, error) {
	ledger := remediate.NewLedger()
	for n, e := range l.Events() {
		if err := ledger.Apply(e); err != nil {
			return nil, fmt.Errorf("event %d: %w", n+1, err)
		}
	}
	return ledger, nil
}
