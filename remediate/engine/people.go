package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/guard"
)

// call runs f in the loop and waits for it.
func (e *Engine) call(ctx context.Context, f func() error) error {
	answer := make(chan error, 1)
	if !e.pace.Post(func() { answer <- f() }) {
		return fmt.Errorf("cannot ask the engine: it has ended")
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return fmt.Errorf("cannot wait for the engine: %w", ctx.Err())
	case <-e.done:
	}
	select {
	case err := <-answer: // it was done before the end: nobody may be told otherwise
		return err
	default:
		return fmt.Errorf("cannot ask the engine: it has ended")
	}
}

// Say does what a person asks of an incident, and returns once that is durable.
// prefix is any unambiguous beginning of its ID. The error is in words for that
// person.
func (e *Engine) Say(ctx context.Context, prefix string, said remediate.Said) (remediate.Incident, error) {
	said.By, said.Comment, said.Silence = remediate.Brief(said.By), remediate.Brief(said.Comment), remediate.Brief(said.Silence)
	if said.Verb == remediate.PersonCloses && !said.Force {
		seen, err := e.seeFor(ctx, prefix)
		if err != nil {
			return remediate.Incident{}, err
		}
		said.Seen = seen
	}
	var after remediate.Incident
	err := e.call(ctx, func() error {
		incident, err := e.find(prefix)
		if err != nil {
			return err
		}
		if err := e.unused(said.Proof); err != nil {
			return err
		}
		recorded, err := e.decide(incident, remediate.Input{Said: &said})
		if err == nil && !recorded {
			err = fmt.Errorf("cannot %s incident %s: it could not be recorded; see the agent's log", said.Verb, incident.ID)
		}
		after = incident.Clone()
		return err
	})
	return after, err
}

// seeFor asks the probes of an incident that a person says is mended.
func (e *Engine) seeFor(ctx context.Context, prefix string) ([]remediate.Observation, error) {
	var probes []string
	err := e.call(ctx, func() error {
		incident, err := e.find(prefix)
		if err == nil {
			probes = incident.Probes()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return e.ask(ctx, probes), nil
}

// Start opens an incident for what a person asks: a playbook of the inventory, about
// the target that they named or that the playbook is about. It returns once that is
// durable; what becomes of it, the incident tells. The error is in words for that person.
func (e *Engine) Start(ctx context.Context, playbook string, named remediate.Target, asked remediate.Asked) (remediate.Incident, error) {
	var after remediate.Incident
	err := e.call(ctx, func() error {
		c := e.config.Load()
		p, target, err := c.startable(playbook, named)
		if err == nil {
			err = e.unused(asked.Proof)
		}
		if err != nil {
			return err
		}
		asked.Comment = remediate.Brief(asked.Comment)
		event := e.ledger.Ask(p, target, asked, c.Inventory, e.newID(), e.o.Now())
		if !e.record(event) {
			return fmt.Errorf("cannot record what was asked; see the agent's log")
		}
		e.advance(event.Incident, remediate.Input{Woken: true})
		after = e.ledger.Incidents[event.Incident].Clone()
		return nil
	})
	return after, err
}

// startable finds a playbook that a person may start, and what that is about then.
func (c *Config) startable(playbook string, named remediate.Target) (remediate.Playbook, remediate.Target, error) {
	all := slices.Concat(c.Asked, c.Playbooks)
	n := slices.IndexFunc(all, func(p remediate.Playbook) bool { return p.Name == playbook })
	if n < 0 {
		return remediate.Playbook{}, remediate.Target{}, fmt.Errorf("cannot start %q: the inventory lists no playbook of that name", playbook)
	}
	target, err := all[n].Wanted(named, c.Inventory)
	return all[n], target, err
}

// find is the one incident whose ID begins so.
func (e *Engine) find(prefix string) (*remediate.Incident, error) {
	start, err := remediate.ParseIDPrefix(prefix)
	if err != nil {
		return nil, err
	}
	var found []*remediate.Incident
	for id, i := range e.ledger.Incidents {
		if strings.HasPrefix(string(id), start) {
			found = append(found, i)
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("cannot find a current incident %s: it does not exist or has been over for a while", start)
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("cannot tell which incident %s is: %d begin so", start, len(found))
}

// Freeze stops all acting for a while, or until it is thawed if length is 0. Where
// a damaged journal froze the agent, or somebody for longer, that stays and is
// returned: a freeze is ended by who thaws, not by another that is shorter.
// proof is the signature that the person's word came with; nil where none was needed.
func (e *Engine) Freeze(ctx context.Context, by, reason string, length time.Duration, proof *remediate.Proof) (remediate.Freeze, error) {
	var freeze remediate.Freeze
	err := e.call(ctx, func() (err error) {
		if err := e.unused(proof); err != nil {
			return err
		}
		if f := e.ledger.Frozen(e.o.Now()); f != nil && (f.Damage || outlasts(*f, e.o.Now().Add(length), length)) {
			freeze = *f
			return nil
		}
		freeze, err = e.freeze(by, reason, length, proof)
		return err
	})
	return freeze, err
}

// outlasts reports whether a freeze goes on when one that was asked for would end.
func outlasts(f remediate.Freeze, until remediate.Instant, length time.Duration) bool {
	return length > 0 && (f.Until.IsZero() || until.Before(f.Until))
}

// AcceptDamage runs accept, which makes the journal whole, while nothing changes.
// The agent stays frozen, now because of that person, until somebody thaws.
func (e *Engine) AcceptDamage(ctx context.Context, by, reason string, accept func() error) error {
	return e.call(ctx, func() error {
		if err := accept(); err != nil {
			return err
		}
		_, err := e.freeze(by, "the journal was accepted: "+reason, 0, nil)
		return err
	})
}

func (e *Engine) freeze(by, reason string, length time.Duration, proof *remediate.Proof) (remediate.Freeze, error) {
	now := e.o.Now()
	freeze := remediate.Freeze{By: by, Reason: remediate.Brief(reason), At: now, Proof: proof}
	if length > 0 {
		freeze.Until = now.Add(length)
	}
	if !e.record(remediate.Event{Type: remediate.HostFroze, At: now, Froze: &freeze}) {
		return freeze, fmt.Errorf("cannot record the freeze; touch the freeze file in the state directory instead")
	}
	e.m.freeze(e.frozen(now))
	return freeze, nil
}

// Thaw ends the log's freeze. A freeze file, or a damaged journal, is not thawed
// so: the error says what to do.
func (e *Engine) Thaw(ctx context.Context, by, comment string, proof *remediate.Proof) error {
	return e.call(ctx, func() error {
		now := e.o.Now()
		if err := e.unused(proof); err != nil {
			return err
		}
		if f := e.frozen(now); f != nil && f.Damage {
			return fmt.Errorf("cannot thaw: the journal is damaged (%s); see `nightshift journal verify`, then `nightshift journal accept --reason …`", f.Reason)
		}
		if e.ledger.Freeze != nil && !e.record(remediate.Event{Type: remediate.HostThawed, At: now, Thawed: &remediate.Thawed{By: by, Comment: remediate.Brief(comment), Proof: proof}}) {
			return fmt.Errorf("cannot record the thaw; see the agent's log")
		}
		e.m.freeze(e.frozen(now))
		if f := e.o.FrozenByFile(); f != nil {
			return fmt.Errorf("still frozen by a file: %s; remove it to thaw", f.Reason)
		}
		return nil
	})
}

// unused refuses a signature that was taken before, by this process or one before:
// whoever copied a request must not have it done twice.
func (e *Engine) unused(proof *remediate.Proof) error {
	if proof == nil {
		return nil
	}
	if _, used := e.ledger.Nonces[proof.Nonce]; used {
		return fmt.Errorf("cannot take this signature: it was used before; say it again")
	}
	return nil
}

// Frozen is the freeze that holds now, nil if none does.
func (e *Engine) Frozen(ctx context.Context) (*remediate.Freeze, error) {
	var f *remediate.Freeze
	err := e.call(ctx, func() error { f = e.frozen(e.o.Now()); return nil })
	return f, err
}

// Record makes an event of the host durable, such as one of the journal itself.
func (e *Engine) Record(ctx context.Context, event remediate.Event) error {
	return e.call(ctx, func() error {
		event.At = e.o.Now()
		if !e.record(event) {
			return fmt.Errorf("cannot record %s; see the agent's log", event.Type)
		}
		return nil
	})
}

// Incidents are those that the engine knows: the live ones, and ended ones whose
// episode goes on, in the order in which they opened.
func (e *Engine) Incidents(ctx context.Context) ([]remediate.Incident, error) {
	var all []remediate.Incident
	err := e.call(ctx, func() error {
		for _, i := range e.ledger.Incidents {
			all = append(all, i.Clone())
		}
		return nil
	})
	slices.SortFunc(all, func(a, b remediate.Incident) int { return a.OpenedAt.Wall.Compare(b.OpenedAt.Wall) })
	return all, err
}

// Explanation is what would become of an alert, and why; nothing is done.
type Explanation struct {
	Alert        string                  `json:"alert"`
	Fate         remediate.Fate          `json:"fate"`
	Incident     remediate.ID            `json:"incident,omitzero"`
	Playbook     string                  `json:"playbook,omitzero"`
	Target       remediate.Target        `json:"target,omitzero"`
	Observations []remediate.Observation `json:"observations,omitzero"`
	Plan         remediate.Plan          `json:"plan,omitzero"`
	// Verdicts are every gate's about the first rung, in order.
	Verdicts []remediate.Verdict `json:"verdicts,omitzero"`
	Problem  string              `json:"problem,omitzero"`
}

// Explain says what would become of an alert now: its playbook, its target, what
// the probes say, the ladder, and each gate's verdict on the first rung.
func (e *Engine) Explain(ctx context.Context, a remediate.Arrival) (Explanation, error) {
	var x Explanation
	var incident remediate.Incident
	config := *e.config.Load()
	err := e.call(ctx, func() error {
		a.Position = remediate.Position{Message: e.ledger.Cursor.Message + 1}
		d := e.ledger.Take(a, config.Playbooks, config.Inventory, e.newID(), e.o.Now())
		x = Explanation{Alert: a.Alert.Name(), Fate: d.Fate, Incident: d.Incident}
		if d.Fate == remediate.FateOpened {
			x.Incident, x.Playbook, x.Target = "", d.Event.Opened.Playbook.Name, d.Event.Opened.Target
			return incident.Apply(*d.Event)
		}
		if i := e.ledger.Incidents[d.Incident]; i != nil {
			x.Playbook, x.Target = i.Playbook.Name, i.Target
		}
		return nil
	})
	if err != nil || x.Fate != remediate.FateOpened {
		return x, err
	}
	return x, e.explainPlan(ctx, &x, &incident, config)
}

func (e *Engine) explainPlan(ctx context.Context, x *Explanation, i *remediate.Incident, config Config) error {
	verify := i.Probes()
	x.Observations = e.ask(ctx, append(append([]string(nil), verify...), i.Playbook.Considers(config.Inventory, verify)...))
	plan, _, err := e.plan(ctx, i.Playbook, config.Inventory, i.Target, i.Asked, x.Observations, true)
	if err != nil {
		x.Problem = err.Error()
		return nil
	}
	x.Plan, i.Plan = plan, &plan
	if len(plan.Rungs) == 0 {
		x.Problem = cmp.Or(strings.Join(plan.LeftOut, "; "), "no rung of the ladder has anything to act on now")
		return nil
	}
	touches := plan.Rungs[0].Touches()
	read := e.read(ctx, i.Alert, touches)
	return e.call(ctx, func() error {
		f := e.facts(i, touches, read)
		f.Unhealthy = remediate.Worst(x.Observations[:len(verify)]) == remediate.Unhealthy
		x.Verdicts = guard.All(f)
		return nil
	})
}

// Still runs f while nothing that the engine knows changes, and returns its error.
func (e *Engine) Still(ctx context.Context, f func() error) error { return e.call(ctx, f) }

// Aside answers f's questions without driving anything: no incident is taken up,
// nothing is recorded. It is for an engine that Run was never called on.
func (e *Engine) Aside(ctx context.Context, f func(context.Context) ([]byte, error)) ([]byte, error) {
	asking := make(chan struct{})
	defer close(asking)
	e.work.Go(func() {
		for {
			select {
			case ask := <-e.inbox:
				ask()
			case <-asking:
				return
			}
		}
	})
	return f(ctx)
}
