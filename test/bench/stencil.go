package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"nightshift/remediate/journal"
)

// stencil is an event with holes, where one event differs from the next of its
// kind.
type stencil struct {
	pieces []string
	holes  []hole // one after each piece but the last
}

// hole is what is missing at one place.
type hole int

const (
	idHole hole = iota
	incidentHole
	timeHole
	placeHole
	prevHole
	bootHole
	fingerprintHole
)

// stencilsOf cuts the holes into the events of one incident.
func stencilsOf(life []journal.Recorded) []stencil {
	all := make([]stencil, len(life))
	for n, r := range life {
		all[n] = cut(string(r.Raw), map[string]hole{
			r.ID:                        idHole,
			string(r.Incident):          incidentHole,
			r.At.Wall.Format(wireTime):  timeHole,
			fmt.Sprintf(`"n":%d,`, r.N): placeHole,
			r.Prev:                      prevHole,
			r.At.Boot:                   bootHole,
			fingerprintOf(life):         fingerprintHole,
		})
	}
	return all
}

// wireTime is how an event's time is written.
const wireTime = time.RFC3339Nano

func fingerprintOf(life []journal.Recorded) string { return string(life[0].Opened.Alert.Fingerprint) }

// cut divides a text wherever one of the values stands.
func cut(text string, values map[string]hole) stencil {
	var s stencil
	for {
		at, found := len(text), ""
		for value := range values {
			if i := strings.Index(text, value); i >= 0 && i < at {
				at, found = i, value
			}
		}
		s.pieces = append(s.pieces, text[:at])
		if found == "" {
			return s
		}
		s.holes = append(s.holes, values[found])
		text = text[at+len(found):]
	}
}

// filling is what goes into the holes of one event.
type filling struct {
	n           uint64
	incident    string
	fingerprint string
	prev        string
	at          time.Time
	id          ulid.ULID
}

// anotherBoot is the boot of an event in a history. Each incident has one of its
// own, so that the time between two is told by the wall clock.
const anotherBoot = "00000000-0000-4000-8000-%s"

// fill writes the event.
func (s stencil) fill(f filling) []byte {
	length := 256
	for _, piece := range s.pieces {
		length += len(piece)
	}
	text := make([]byte, 0, length)
	for n, piece := range s.pieces {
		text = append(text, piece...)
		if n < len(s.holes) {
			text = f.add(text, s.holes[n])
		}
	}
	return slices.Clip(text)
}

func (f filling) add(text []byte, into hole) []byte {
	switch into {
	case idHole:
		return append(text, f.id.String()...)
	case incidentHole:
		return append(text, f.incident...)
	case timeHole:
		return f.at.UTC().AppendFormat(text, wireTime)
	case placeHole:
		return fmt.Appendf(text, `"n":%d,`, f.n)
	case prevHole:
		return append(text, f.prev...)
	case bootHole:
		return fmt.Appendf(text, anotherBoot, f.fingerprint[4:])
	}
	return append(text, f.fingerprint...)
}
