package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"nightshift/remediate"
)

// Flaw is one thing that is wrong with a log.
type Flaw struct {
	Kind FlawKind `json:"kind"`
	// N is the event at which it was seen; 0 when there is none.
	N uint64 `json:"n,omitzero"`
	// Detail says it in a sentence.
	Detail string `json:"detail"`
}

// FlawKind says what is wrong.
type FlawKind string

// The kinds of flaw.
const (
	HeadUnreadable FlawKind = "head_unreadable" // journal.head is missing or makes no sense
	LogBehindHead  FlawKind = "log_behind_head" // journal.head knows a later event
	LogHole        FlawKind = "log_hole"        // events are missing
	ChainBroken    FlawKind = "chain_broken"    // an event is not the one that was written
	Undecodable    FlawKind = "undecodable"     // an event can't be read
	StoreSetAside  FlawKind = "store_set_aside" // the store could not be opened
	AlertsLost     FlawKind = "alerts_lost"     // stored alerts are gone before they were read
)

// Damage is what is wrong with a log. It lasts, over restarts, until a person
// accepts what is left; so long the agent must not act.
type Damage struct{ Flaws []Flaw }

func (d *Damage) Error() string {
	return "the journal is damaged: " + strings.Join(d.details(), "; ")
}

func (d *Damage) details() []string {
	var details []string
	for _, flaw := range d.Flaws {
		details = append(details, flaw.Detail)
	}
	return details
}

// keptFlaws bounds what is remembered of a log in which everything is wrong.
const keptFlaws = 20

// damages are the flaws found so far. They are durable as soon as they are
// known: what comes after a lost event looks right.
type damages struct {
	dir string

	mu    sync.Mutex
	flaws []Flaw
}

func (d *damages) file() string { return filepath.Join(d.dir, "journal.damage") }

// load reads what an earlier process found. A list that can't be read is itself
// a reason not to act.
func (d *damages) load() error {
	text, err := os.ReadFile(d.file())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read the list of damages: %w", err)
	}
	if err := remediate.DecodeJSON(text, &d.flaws); err != nil || len(d.flaws) == 0 {
		d.flaws = []Flaw{{Kind: Undecodable, Detail: "the list of damages can't be read"}}
	}
	return nil
}

// found notes flaws, each once.
func (d *damages) found(flaws ...Flaw) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := len(d.flaws)
	for _, flaw := range flaws {
		if len(d.flaws) < keptFlaws && !slices.Contains(d.flaws, flaw) {
			d.flaws = append(d.flaws, flaw)
		}
	}
	if len(d.flaws) == before {
		return nil
	}
	text, err := remediate.EncodeJSON(d.flaws)
	if err != nil {
		return err
	}
	return writeDurably(d.file(), text)
}

// accepted forgets them.
func (d *damages) accepted() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.flaws = nil
	if err := os.Remove(d.file()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot forget accepted damages: %w", err)
	}
	return syncDir(d.dir)
}

// get is the damage, nil when there is none.
func (d *damages) get() *Damage {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.flaws) == 0 {
		return nil
	}
	return &Damage{slices.Clone(d.flaws)}
}
