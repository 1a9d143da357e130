package engine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"nightshift/remediate"
)

// Breakers are those that are open, in the order in which they opened.
func (e *Engine) Breakers(ctx context.Context) ([]remediate.Breaker, error) {
	var open []remediate.Breaker
	err := e.call(ctx, func() error {
		open = slices.AppendSeq(open, maps.Values(e.ledger.Breakers))
		return nil
	})
	slices.SortFunc(open, func(a, b remediate.Breaker) int {
		return cmp.Or(a.At.Wall.Compare(b.At.Wall), cmp.Compare(a.Key(), b.Key()))
	})
	return open, err
}

// CloseBreaker lets the agent act again where failures stopped it: what failed
// before counts no more. The error is in words for the person who asks.
func (e *Engine) CloseBreaker(ctx context.Context, key remediate.BreakerKey, by, comment string, proof *remediate.Proof) error {
	return e.call(ctx, func() error {
		if err := e.unused(proof); err != nil {
			return err
		}
		if _, open := e.ledger.Breakers[key]; !open {
			return fmt.Errorf("cannot close breaker %s: it is not open; `nightshift breaker list` shows those that are", remediate.Printable(string(key)))
		}
		return e.tell(remediate.Event{Type: remediate.HostBreakerClosed, BreakerClosed: &remediate.BreakerClosed{
			Key: key, By: by, Comment: remediate.Brief(comment), Proof: proof,
		}})
	})
}

// Promote says how far a playbook may go from now on: at most as far as the
// inventory lets it. [remediate.Unset] is one level more than now. The error is in
// words for the person who asks.
func (e *Engine) Promote(ctx context.Context, playbook string, to remediate.Autonomy, by, comment string, proof *remediate.Proof) error {
	return e.call(ctx, func() error {
		if err := e.unused(proof); err != nil {
			return err
		}
		p, ok := e.config.Load().find(playbook)
		if !ok {
			return fmt.Errorf("cannot promote %q: no playbook of that name is on", remediate.Printable(playbook))
		}
		most := orAct(p.Autonomy)
		if to == remediate.Unset {
			to = min(remediate.Least(most, e.ledger.Autonomy[p.Name].To)+1, remediate.Act)
		}
		if to > most {
			return fmt.Errorf("cannot promote %s to %s: the inventory lets it go no further than %s", p.Name, to, most)
		}
		return e.tell(remediate.Event{Type: remediate.HostAutonomySet, AutonomySet: &remediate.AutonomySet{
			Playbook: p.Name, To: to, By: by, Comment: remediate.Brief(comment), At: e.o.Now(), Proof: proof,
		}})
	})
}

// find is the playbook of that name.
func (c *Config) find(name string) (remediate.Playbook, bool) {
	for _, p := range slices.Concat(c.Playbooks, c.Asked) {
		if p.Name == name {
			return p, true
		}
	}
	return remediate.Playbook{}, false
}

// orAct is how far a playbook may go of which nothing is said.
func orAct(a remediate.Autonomy) remediate.Autonomy {
	if a == remediate.Unset {
		return remediate.Act
	}
	return a
}

// PlaybookRecord is how far a playbook may go, and what became of its incidents.
type PlaybookRecord struct {
	Name string
	// Autonomy is how far it may go now, Inventory the most that it can be promoted to.
	Autonomy, Inventory remediate.Autonomy
	// Set is the last change by what became of it, or by a person.
	Set *remediate.AutonomySet
	// Breaker is its own, where that is open.
	Breaker *remediate.Breaker
	// Ended counts its incidents by how each ended, and those that people got.
	Ended map[remediate.State]int
	// Attempts counts the rungs that were climbed in the last 30 days, Verified those
	// whose verification ended, by what it said.
	Attempts int
	Verified map[remediate.Outcome]int
	// ByPeople counts those that it only observed, and that people then ended by what
	// it had planned.
	ByPeople int
}

// Playbooks is the record of each that is on, in the order of the inventory.
func (e *Engine) Playbooks(ctx context.Context) ([]PlaybookRecord, error) {
	var all []PlaybookRecord
	err := e.call(ctx, func() error {
		c := e.config.Load()
		for _, p := range slices.Concat(c.Playbooks, c.Asked) {
			all = append(all, e.recordOf(p, c.Mode))
		}
		return nil
	})
	return all, err
}

func (e *Engine) recordOf(p remediate.Playbook, mode remediate.Autonomy) PlaybookRecord {
	r := PlaybookRecord{
		Name: p.Name, Inventory: orAct(p.Autonomy), Autonomy: e.autonomy(p, mode),
		Ended: maps.Clone(e.ledger.Records[p.Name].Ended), ByPeople: e.ledger.Records[p.Name].ByPeople,
	}
	r.Attempts, r.Verified = e.ledger.Climbed(p.Name)
	if set, ok := e.ledger.Autonomy[p.Name]; ok {
		r.Set = &set
	}
	if open, ok := e.ledger.Breakers[remediate.Breaker{Playbook: p.Name}.Key()]; ok {
		r.Breaker = &open
	}
	return r
}

// autonomy is how far a playbook may go now: the least of the mode, the inventory's
// figure, and what became of it.
func (e *Engine) autonomy(p remediate.Playbook, mode remediate.Autonomy) remediate.Autonomy {
	return remediate.Least(mode, orAct(p.Autonomy), e.ledger.Autonomy[p.Name].To)
}
