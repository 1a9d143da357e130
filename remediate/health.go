package remediate

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Health is the answer of a probe. The zero Health is [Unknown]: a probe that
// could not look has not seen anything bad.
type Health int

// The three answers.
const (
	Unknown Health = iota
	Healthy
	Unhealthy
)

var healthNames = [...]string{Unknown: "unknown", Healthy: "healthy", Unhealthy: "unhealthy"}

func (h Health) String() string { return healthNames[h] }

// MarshalText writes unknown, healthy or unhealthy.
func (h Health) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (h *Health) UnmarshalText(text []byte) error {
	for i, name := range healthNames {
		if name == string(text) {
			*h = Health(i)
			return nil
		}
	}
	return fmt.Errorf("cannot read health %q: expected unknown, healthy or unhealthy", text)
}

// Observation is one answer of one probe.
type Observation struct {
	// Probe is its name in the inventory, or unit:NAME for the state of a unit.
	Probe string `json:"probe"`
	// Health is the answer.
	Health Health `json:"health"`
	// Detail says what was seen, in the words of [Brief]: bounded, never a secret.
	Detail string `json:"detail,omitzero"`
	// Down is whether what was asked has ended, and waiting will not mend that: it runs
	// again only when somebody starts it.
	Down bool `json:"down,omitzero"`
	// Took is how long the probe took.
	Took time.Duration `json:"took,omitzero"`
}

// briefLines and briefBytes bound what an observation quotes: enough to tell
// what was wrong, too little to carry a page of somebody's data into the log.
const (
	briefLines = 5
	briefBytes = 512
)

// Brief cuts text to 5 lines and 512 bytes of valid UTF-8 without control
// characters, so that it can't forge a line where it is shown.
func Brief(text string) string {
	lines := strings.SplitN(strings.TrimSpace(text), "\n", briefLines+1)
	if len(lines) > briefLines {
		lines = lines[:briefLines]
	}
	for i, line := range lines {
		lines[i] = Printable(strings.TrimRight(line, "\r"))
	}
	short := strings.Join(lines, "\n")
	if len(short) > briefBytes {
		cut := briefBytes
		for cut > 0 && !utf8.RuneStart(short[cut]) {
			cut--
		}
		short = short[:cut]
	}
	return strings.TrimSpace(short)
}

// Printable replaces whatever is not a graphic character of Unicode, a space or a
// tab, so that text from outside stays on its line, writes nothing to a terminal
// and reorders nothing on it.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || unicode.IsGraphic(r) {
			return r
		}
		return utf8.RuneError
	}, text)
}

// Worst sums up several answers: unhealthy if any is, else unknown if any is,
// else healthy. No answers at all are unknown.
func Worst(observations []Observation) Health {
	if len(observations) == 0 {
		return Unknown
	}
	worst := Healthy
	for _, o := range observations {
		switch o.Health {
		case Unhealthy:
			return Unhealthy
		case Unknown:
			worst = Unknown
		}
	}
	return worst
}
