package oncall

import (
	"fmt"
	"strings"
	"time"

	"nightshift/remediate"
)

// storedType begins the type of every event in the log, and hostSubject is the
// subject of those that are of no incident.
const (
	storedType  = "nightshift."
	hostSubject = "_"
)

// stored is what a reader needs of an event as it lies in the log: a CloudEvent 1.0.
type stored struct {
	Type    string    `json:"type"`
	Subject string    `json:"subject"`
	Time    time.Time `json:"time"`
	Data    struct {
		N    uint64        `json:"n"`
		Boot string        `json:"boot,omitzero"`
		Up   time.Duration `json:"up,omitzero"`
		remediate.Event
	} `json:"data"`
}

// ReadEvent reads an event as it is stored, and its number in the log. Members that
// a newer agent has written are left out. Events of the log's own, which hold a fold,
// come without a payload.
func ReadEvent(raw []byte) (e remediate.Event, n uint64, err error) {
	var s stored
	if err := remediate.DecodeJSON(raw, &s); err != nil {
		return remediate.Event{}, 0, err
	}
	kind, ours := strings.CutPrefix(s.Type, storedType)
	if !ours {
		return remediate.Event{}, 0, fmt.Errorf("cannot read an event: expected a type that begins with %q, got %q", storedType, remediate.Printable(s.Type))
	}
	e = s.Data.Event
	e.Type = remediate.EventType(kind)
	e.At = remediate.Instant{Wall: s.Time, Boot: s.Data.Boot, Up: s.Data.Up}
	if s.Subject != hostSubject {
		e.Incident = remediate.ID(s.Subject)
	}
	return e, s.Data.N, nil
}
