package qemu

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"nightshift/remediate"
)

// The hold: while it exists the unit is not started (ConditionPathExists=! in
// systemd.unit(5)), so a host that reboots in the middle of a change leaves the VM
// down. The first word says who holds.
const (
	heldDown       = "power-down"
	heldCheckpoint = "checkpoint"
)

// change is one disk's part of a checkpoint under way, as the hold names it.
type change struct{ disk, from, to string }

// held is what a hold says: for whom, since when, and of a checkpoint under way all
// that it takes to bring it to its end.
type held struct {
	by, name string
	since    time.Time
	grade    remediate.Grade
	changes  []change
}

// ours reports whether this agent wrote it.
func (h held) ours() bool { return h.by == heldDown || h.by == heldCheckpoint }

// writeHold makes it durable, before anything is stopped or changed.
func (p place) writeHold(h held) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s since %s : the unit is not started while this file is here; `nightshift vm status` says more\n", h.by, h.name, h.since.UTC().Format(time.RFC3339))
	if h.grade != "" {
		fmt.Fprintf(&b, "grade %s\n", h.grade)
	}
	for _, c := range h.changes {
		fmt.Fprintf(&b, "%s %s %s\n", c.disk, c.from, c.to)
	}
	return writeFile(p.holdFile(), ours, []byte(b.String()))
}

// readHold reads it; without a file nobody holds.
func (p place) readHold() (held, bool, error) {
	text, err := p.who.read(p.holdFile())
	if errors.Is(err, fs.ErrNotExist) {
		return held{}, false, nil
	}
	if err != nil {
		return held{}, true, err
	}
	first, rest, _ := strings.Cut(string(text), "\n")
	words := append(strings.Fields(first), "", "", "", "")
	h := held{by: words[0], name: words[1]}
	h.since, _ = time.Parse(time.RFC3339, words[3])
	for line := range strings.Lines(rest) {
		switch c := strings.Fields(line); {
		case len(c) == 3:
			h.changes = append(h.changes, change{c[0], c[1], c[2]})
		case len(c) == 2 && c[0] == "grade":
			h.grade = remediate.Grade(c[1])
		}
	}
	return h, true, nil
}

// release removes it, durably.
func (p place) release() error { return removeFile(p.holdFile()) }
