package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"nightshift/remediate"
)

// schema is the version of what stands in an event's data. A decoder reads every
// older one, see testdata.
const schema = 1

// typePrefix stands before each [remediate.EventType] in the log.
const typePrefix = "nightshift."

// Events of the journal's own: they hold the fold instead of changing it.
const (
	// SnapshotTaken holds the fold of all events before it.
	SnapshotTaken remediate.EventType = "host.snapshot"
	// JournalAccepted begins an epoch after a damage: a snapshot that a person
	// made the new base.
	JournalAccepted remediate.EventType = "host.journal_accepted"
)

// envelope is an event as it is stored: a CloudEvent 1.0 in structured JSON,
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
type envelope struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Subject     string    `json:"subject"`
	Time        time.Time `json:"time"`
	ContentType string    `json:"datacontenttype"`
	Data        data      `json:"data"`
}

// data is what stands below "data". N, Epoch and Prev place the event in the
// log; Boot and Up are its time by the clock of its boot; the digests say what
// the agent knew when it decided.
type data struct {
	Schema    int           `json:"schema"`
	N         uint64        `json:"n"`
	Epoch     string        `json:"epoch"`
	Prev      string        `json:"prev"`
	Boot      string        `json:"boot,omitzero"`
	Up        time.Duration `json:"up,omitzero"`
	Agent     string        `json:"agent,omitzero"`
	Inventory string        `json:"inventory,omitzero"`
	Playbooks string        `json:"playbooks,omitzero"`

	remediate.Event

	// Base is set in a [JournalAccepted].
	Base *Base `json:"base,omitzero"`
	// Snapshot is the fold, or Packed is, with gzip(1), when it is long.
	Snapshot remediate.RawJSON `json:"snapshot,omitzero"`
	Packed   []byte            `json:"packed,omitzero"`
}

// Base says what a person accepted.
type Base struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
	// Damage is what was wrong.
	Damage []string `json:"damage,omitzero"`
	// Epoch is the one that was left.
	Epoch string `json:"epoch"`
}

// Recorded is one event as it was read back.
type Recorded struct {
	remediate.Event
	// N is its place among all events of the host, Seq its place in the stream
	// of its epoch.
	N, Seq uint64
	// ID is the event's own name, Epoch the epoch it is of.
	ID, Epoch string
	// Prev and Hash chain it: the hash of the event before, and its own.
	Prev, Hash string
	// Agent, Inventory and Playbooks are what decided it.
	Agent, Inventory, Playbooks string
	// Snapshot is the fold as JSON, for [SnapshotTaken] and [JournalAccepted].
	Snapshot []byte
	// Base is set for [JournalAccepted].
	Base *Base
	// Raw is the event as it is stored.
	Raw []byte
}

// hashOf is the hash by which the next event refers to a stored one.
func hashOf(stored []byte) string {
	sum := sha256.Sum256(stored)
	return hex.EncodeToString(sum[:])
}

// encode writes an event as it is stored.
func (e *envelope) encode() ([]byte, error) { return remediate.EncodeJSON(e) }

// decode reads an event of this schema or an older one.
func decode(stored []byte) (Recorded, error) {
	var e envelope
	if err := remediate.DecodeJSON(stored, &e); err != nil {
		return Recorded{}, err
	}
	if err := e.check(); err != nil {
		return Recorded{}, err
	}
	d := &e.Data
	snapshot, err := d.unpack()
	if err != nil {
		return Recorded{}, err
	}
	return Recorded{
		Event: e.event(), N: d.N, ID: e.ID, Epoch: d.Epoch, Prev: d.Prev, Hash: hashOf(stored),
		Agent: d.Agent, Inventory: d.Inventory, Playbooks: d.Playbooks,
		Snapshot: snapshot, Base: d.Base, Raw: stored,
	}, nil
}

// check refuses what this agent can't fold.
func (e *envelope) check() error {
	switch {
	case e.Data.Schema > schema:
		return fmt.Errorf("%w: event %d has schema %d, this agent reads up to %d; run the newer agent", ErrNewer, e.Data.N, e.Data.Schema, schema)
	case e.SpecVersion != "1.0" || e.Data.Schema < 1:
		return errors.New("cannot decode an event: it is no CloudEvent 1.0 with a schema")
	case !strings.HasPrefix(e.Type, typePrefix):
		return fmt.Errorf("cannot decode an event: its type %q does not begin with %q", e.Type, typePrefix)
	}
	return nil
}

// event is the event with what the envelope says of it.
func (e *envelope) event() remediate.Event {
	event := e.Data.Event
	event.Type = remediate.EventType(strings.TrimPrefix(e.Type, typePrefix))
	event.At = remediate.Instant{Wall: e.Time, Boot: e.Data.Boot, Up: e.Data.Up}
	if e.Subject != hostToken {
		event.Incident = remediate.ID(e.Subject)
	}
	return event
}
