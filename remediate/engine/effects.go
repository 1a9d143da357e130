package engine

import (
	"context"
	"time"

	"nightshift/remediate"
)

// begin starts what an incident wants, in place of what it wanted before. A step
// that is under way is left alone: its answer brings the next turn.
func (e *Engine) begin(i *remediate.Incident, effect remediate.Effect) {
	t := e.task(i.ID)
	if t.acting || effect == (remediate.Effect{}) {
		return
	}
	t.cancel()
	t.turn++
	ctx, cancel := context.WithCancel(e.ctx)
	t.cancel = cancel
	if effect.Want == remediate.WantNothing {
		return
	}
	turn, id := t.turn, i.ID
	wait := effect.At.Until(e.o.Now())
	if wait <= 0 {
		e.start(ctx, i, effect.Want)
		return
	}
	stop := e.pace.After(wait, func() {
		if t.turn == turn && ctx.Err() == nil {
			e.start(ctx, e.ledger.Incidents[id], effect.Want)
		}
	})
	t.cancel = func() { stop(); cancel() }
}

// start asks the world beside the loop.
func (e *Engine) start(ctx context.Context, i *remediate.Incident, want remediate.Want) {
	switch want {
	case remediate.WantRest:
		e.advance(i.ID, remediate.Input{Woken: true})
	case remediate.WantLook:
		e.look(ctx, i)
	case remediate.WantJudge:
		e.judge(ctx, i)
	case remediate.WantGather:
		e.gather(ctx, i)
	case remediate.WantPrepare:
		e.prepare(ctx, i)
	case remediate.WantAct:
		e.act(i)
	case remediate.WantReconcile:
		e.reconcile(ctx, i)
	case remediate.WantProbe:
		e.probe(ctx, i)
	}
}

// beside runs ask beside the loop and gives its answer to the incident, unless
// the incident wants something else by then. answer runs in the loop.
func beside[T any](e *Engine, ctx context.Context, id remediate.ID, ask func(context.Context) T, answer func(T) remediate.Input) {
	t := e.task(id)
	turn := t.turn
	e.pace.Go(func() {
		got := ask(ctx)
		e.pace.Post(func() {
			if t.turn == turn && ctx.Err() == nil {
				e.advance(id, answer(got))
			}
		})
	})
}

// look asks the verification's probes, and those of every unit the plan may
// choose from, and makes the plan of what they said.
func (e *Engine) look(ctx context.Context, i *remediate.Incident) {
	config := *e.config.Load()
	verify, playbook, target, asked, about := i.Probes(), i.Playbook, i.Target, i.Asked, i.Alert
	names := append(append([]string(nil), verify...), playbook.Considers(config.Inventory, verify)...)
	var seen *reading
	beside(e, ctx, i.ID, func(ctx context.Context) remediate.Looked {
		l := remediate.Looked{Observations: e.ask(ctx, names), Verify: len(verify)}
		acts := asked != nil || remediate.Worst(l.Observations[:l.Verify]) == remediate.Unhealthy
		plan, made, err := e.plan(ctx, playbook, config.Inventory, target, asked, l.Observations, acts)
		l.Seen = &made
		if err != nil {
			l.PlanError = err.Error()
			return l
		}
		l.Plan = plan
		if acts {
			seen = e.read(ctx, about, l.Plan.Touches())
			l.Invocations = invocationsOf(seen.stand)
		}
		return l
	}, func(l remediate.Looked) remediate.Input {
		t := e.task(i.ID)
		t.seen, t.seenAt = seen, e.o.Now()
		return remediate.Input{Looked: &l}
	})
}

// plan makes the plan of what was seen, and returns both; for a VM that is also how it
// stands, and where something would be done, what that takes along.
func (e *Engine) plan(ctx context.Context, p remediate.Playbook, inv remediate.Inventory, target remediate.Target, asked *remediate.Asked, observations []remediate.Observation, acts bool) (remediate.Plan, remediate.Seen, error) {
	seen := remediate.Seen{Inventory: inv, Failed: inv.FailedUnits(observations)}
	if target.Kind == remediate.VMKind {
		m := e.o.World.Machine(ctx, target.Name, asked)
		seen.Machine = &m
	}
	if p.Chooses(remediate.Busiest) {
		seen.Busiest = e.o.World.Busiest(ctx)
	}
	plan, err := remediate.MakePlan(p, target, seen)
	if err != nil || !acts {
		return plan, seen, err
	}
	if seen.Dependants, err = e.dependants(ctx, plan.Deeds()); err != nil {
		seen.Unread = remediate.Brief(err.Error())
	}
	plan, err = remediate.MakePlan(p, target, seen)
	return plan, seen, err
}

// freshFor is how long the look that made a plan is good enough to judge its rung
// by: the gates are asked again, on what is read anew, directly before the effect.
const freshFor = time.Second

// judge asks the gates about the rung.
func (e *Engine) judge(ctx context.Context, i *remediate.Incident) {
	touches := i.Plan.Rungs[i.Rung].Touches()
	if seen, ok := e.task(i.ID).saw(touches, e.o.Now()); ok {
		judgement := e.judgement(i, touches, seen)
		e.advance(i.ID, remediate.Input{Judged: &judgement})
		return
	}
	about := i.Alert
	beside(e, ctx, i.ID, func(ctx context.Context) *reading {
		return e.read(ctx, about, touches)
	}, func(read *reading) remediate.Input {
		judgement := e.judgement(i, touches, read)
		return remediate.Input{Judged: &judgement}
	})
}

// gather takes the evidence.
func (e *Engine) gather(ctx context.Context, i *remediate.Incident) {
	id, looks, target := i.ID, i.Playbook.Look, i.Target
	beside(e, ctx, id, func(ctx context.Context) remediate.Gathered {
		return remediate.Gathered{Evidence: e.see(ctx, id, looks, target)}
	}, func(g remediate.Gathered) remediate.Input { return remediate.Input{Gathered: &g} })
}

// probe asks the probes for a verification, or for an incident that people have.
func (e *Engine) probe(ctx context.Context, i *remediate.Incident) {
	names := i.Probes()
	beside(e, ctx, i.ID, func(ctx context.Context) []remediate.Observation {
		return e.ask(ctx, names)
	}, func(o []remediate.Observation) remediate.Input { return remediate.Input{Probed: o} })
}
