package journal

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"time"

	"github.com/oklog/ulid/v2"
)

// Report is what a walk through the whole log found.
type Report struct {
	// Epochs are those that can be read, the oldest first; the last is written.
	Epochs []EpochReport `json:"epochs"`
	// Head is what journal.head says.
	Head Head `json:"head"`
	// Flaws are what is wrong and not accepted.
	Flaws []Flaw `json:"flaws,omitzero"`
}

// EpochReport is what was found in one epoch.
type EpochReport struct {
	Epoch string `json:"epoch"`
	// First and Last are the events it has, Events how many could be read.
	First  uint64 `json:"first"`
	Last   uint64 `json:"last"`
	Events uint64 `json:"events"`
	// Accepted are the flaws of an epoch that was left.
	Accepted []Flaw `json:"accepted,omitzero"`
}

// Verify reads each event that the store has and checks the chain, the count and
// the head. New flaws of the present epoch are remembered as damage.
func (j *Journal) Verify(ctx context.Context) (Report, error) {
	j.mu.Lock()
	end := j.chain
	j.mu.Unlock()
	report := Report{Head: Head{end.epoch, end.n, end.hash}}
	epochs, err := j.epochs(ctx)
	if err != nil {
		return report, err
	}
	for _, epoch := range epochs {
		w, err := j.verifyEpoch(ctx, epoch, &end)
		if err != nil {
			return report, fmt.Errorf("cannot verify epoch %s: %w", epoch, err)
		}
		found := EpochReport{Epoch: epoch, First: w.first, Last: w.n, Events: w.events}
		if epoch != end.epoch {
			found.Accepted = w.flaws
		} else if err := j.damages.found(w.flaws...); err != nil {
			return report, err
		}
		report.Epochs = append(report.Epochs, found)
	}
	if damage := j.Damage(); damage != nil {
		report.Flaws = damage.Flaws
	}
	return report, nil
}

// verifyEpoch walks one epoch; the present one up to the end that was read. A
// block that makes no sense is not given to the server to read: that could take
// all memory. After a restart the server knows how to.
func (j *Journal) verifyEpoch(ctx context.Context, epoch string, end *chain) (*walker, error) {
	state, err := j.state(ctx, epoch)
	if err != nil {
		return nil, err
	}
	last, w := state.LastSeq, &walker{epoch: epoch}
	s := scanner{limit: math.MaxInt64, dense: true}
	if err := s.full(filepath.Join(streamDir(j.o.Dir, logStream(j.o.Host, epoch)), "msgs")); err != nil {
		return nil, err
	}
	if len(s.bad) > 0 {
		w.flaw(Undecodable, 0, "%d blocks of epoch %s make no sense", len(s.bad), epoch)
		return w, nil
	}
	if epoch == end.epoch {
		last = end.seq
	}
	err = j.walkLog(ctx, w, epoch, query{Seq: max(state.FirstSeq, 1), Bare: true}, last, func(Recorded) error { return nil })
	if epoch == end.epoch && last > 0 {
		w.ended(end.n, end.seq, end.hash)
	}
	return w, err
}

// Accept makes the present fold the base of a new epoch, and forgets the damage:
// what is lost is given up, by whom and why is in the log. The old epoch can
// still be read. A caller that froze itself because of the damage thaws with an
// event of its own.
func (j *Journal) Accept(ctx context.Context, by, reason string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.chain.settled(ctx); err != nil {
		return err
	}
	if err := j.beginEpoch(ctx, by, reason); err != nil {
		return fmt.Errorf("cannot accept the journal: %w", err)
	}
	return j.damages.accepted()
}

// beginEpoch leaves the present epoch. A crash before the new one has its first
// event leaves the old one in place.
func (j *Journal) beginEpoch(ctx context.Context, by, reason string) error {
	c := &j.chain
	now := j.o.now()
	base := &Base{By: by, Reason: reason, Epoch: c.epoch}
	if damage := j.Damage(); damage != nil {
		base.Damage = damage.details()
	}
	epoch, err := epochAfter(c.epoch, now.Wall)
	if err != nil {
		return err
	}
	left := c.epoch
	c.epoch = epoch
	d, err := c.draftSnapshot(JournalAccepted, now, base)
	if err != nil {
		c.epoch = left
		return err
	}
	epochs, err := j.epochs(ctx)
	if err == nil {
		err = j.makeCurrent(ctx, append(epochs, epoch))
	}
	if err != nil {
		c.broken = ErrDiverged
		return err
	}
	c.seq = 0
	if err := j.append(ctx, d); err != nil {
		c.broken = ErrDiverged
		return err
	}
	c.snapshot = nextSnapshot(c.n, now, d.fold)
	return nil
}

// epochAfter names an epoch that sorts after another also when the clock went
// back since.
func epochAfter(epoch string, now time.Time) (string, error) {
	before, err := ulid.ParseStrict(epoch)
	if err != nil {
		return "", fmt.Errorf("cannot name an epoch after %q: %w", epoch, err)
	}
	if earliest := ulid.Time(before.Time() + 1); now.Before(earliest) {
		now = earliest
	}
	return newEpoch(now)
}
