package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/guard"
)

// probeTimeout bounds one round of probes; each has a shorter deadline of its own.
const probeTimeout = 20 * time.Second

// seeTimeout bounds all the evidence together: it must not keep a repair waiting.
const seeTimeout = 10 * time.Second

// evidenceInEvent is how much text of one piece of evidence an event holds.
const evidenceInEvent = 4 << 10

// begin starts what an incident wants, in place of what it wanted before. A step
// that is under way is left alone: its answer brings the next turn.
func (e *Engine) begin(i *remediate.Incident, effect remediate.Effect) {
	t := e.task(i.ID)
	if t.acting {
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
	timer := time.AfterFunc(wait, func() {
		e.post(func() {
			if t.turn == turn && ctx.Err() == nil {
				e.start(ctx, e.ledger.Incidents[id], effect.Want)
			}
		})
	})
	t.cancel = func() { timer.Stop(); cancel() }
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
	turn := e.task(id).turn
	e.work.Go(func() {
		got := ask(ctx)
		e.post(func() {
			if t := e.tasks[id]; t != nil && t.turn == turn && ctx.Err() == nil {
				e.advance(id, answer(got))
			}
		})
	})
}

// look asks the verification's probes, and those of every unit the plan may
// choose from, and makes the plan of what they said.
func (e *Engine) look(ctx context.Context, i *remediate.Incident) {
	config := *e.config.Load()
	verify, playbook, target := i.Probes(), i.Playbook, i.Target
	names := append(append([]string(nil), verify...), playbook.Considers(config.Inventory, verify)...)
	beside(e, ctx, i.ID, func(ctx context.Context) remediate.Looked {
		l := remediate.Looked{Observations: e.ask(ctx, names), Verify: len(verify)}
		plan, err := remediate.MakePlan(playbook, config.Inventory, target, config.Inventory.FailedUnits(l.Observations))
		if err != nil {
			l.PlanError = err.Error()
			return l
		}
		l.Plan = plan
		if remediate.Worst(l.Observations[:l.Verify]) == remediate.Unhealthy {
			l.Invocations = e.invocations(ctx, l.Plan)
		}
		return l
	}, func(l remediate.Looked) remediate.Input { return remediate.Input{Looked: &l} })
}

// ask asks several probes at once, and returns their answers in order.
func (e *Engine) ask(ctx context.Context, names []string) []remediate.Observation {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	observations := make([]remediate.Observation, len(names))
	var all sync.WaitGroup
	for n, name := range names {
		all.Go(func() {
			observations[n] = e.o.World.Probe(ctx, name)
			observations[n].Probe = name
		})
	}
	all.Wait()
	e.m.probed(observations)
	return observations
}

// invocations reads those of all that a plan may touch.
func (e *Engine) invocations(ctx context.Context, plan remediate.Plan) map[remediate.Target]string {
	known := map[remediate.Target]string{}
	for on, s := range e.situations(ctx, plan.Touches()) {
		if s.Invocation != "" {
			known[on] = s.Invocation
		}
	}
	return known
}

func (e *Engine) situations(ctx context.Context, targets []remediate.Target) map[remediate.Target]remediate.Situation {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	read := make(map[remediate.Target]remediate.Situation, len(targets))
	for _, on := range targets {
		read[on] = e.o.World.Situation(ctx, on)
	}
	return read
}

// judge asks the gates about the rung.
func (e *Engine) judge(ctx context.Context, i *remediate.Incident) {
	touches := i.Plan.Rungs[i.Rung].Touches()
	beside(e, ctx, i.ID, func(ctx context.Context) map[remediate.Target]remediate.Situation {
		return e.situations(ctx, touches)
	}, func(read map[remediate.Target]remediate.Situation) remediate.Input {
		judgement := e.judgement(i, touches, read)
		return remediate.Input{Judged: &judgement}
	})
}

// judgement is the gates' answer with what they knew. It runs in the loop, so
// that no other incident's intent can come in between.
func (e *Engine) judgement(i *remediate.Incident, touches []remediate.Target, read map[remediate.Target]remediate.Situation) remediate.Judgement {
	facts := e.facts(i, touches, read)
	text, err := remediate.EncodeJSON(facts)
	if err != nil {
		return remediate.Judgement{Verdict: remediate.Verdict{
			Decision: remediate.Refuse, Reason: remediate.ReasonInDoubt, Next: remediate.Escalated, Detail: err.Error(),
		}}
	}
	return remediate.Judgement{Verdict: guard.Judge(facts), Facts: text}
}

// gather takes the evidence, and keeps apart what is too long for an event.
func (e *Engine) gather(ctx context.Context, i *remediate.Incident) {
	id, looks, target := i.ID, i.Playbook.Look, i.Target
	beside(e, ctx, id, func(ctx context.Context) remediate.Gathered {
		ctx, cancel := context.WithTimeout(ctx, seeTimeout)
		defer cancel()
		g := remediate.Gathered{Evidence: make([]remediate.Evidence, len(looks))}
		var all sync.WaitGroup
		for n, look := range looks {
			all.Go(func() { g.Evidence[n] = e.keep(ctx, id, e.o.World.See(ctx, look, target)) })
		}
		all.Wait()
		return g
	}, func(g remediate.Gathered) remediate.Input { return remediate.Input{Gathered: &g} })
}

// keep stores a long text apart; the event keeps its beginning, digest and size.
func (e *Engine) keep(ctx context.Context, id remediate.ID, seen remediate.Evidence) remediate.Evidence {
	if len(seen.Text) <= evidenceInEvent {
		return seen
	}
	digest, err := e.o.Log.KeepEvidence(ctx, id, seen.Text)
	seen.Digest, seen.Size = digest, len(seen.Text)
	seen.Text = cut(seen.Text, evidenceInEvent)
	if err != nil {
		seen.Digest, seen.Error = "", "the rest could not be kept: "+err.Error()
	}
	return seen
}

// cut keeps whole lines of at most size bytes.
func cut(text string, size int) string {
	text = text[:size]
	for n := len(text) - 1; n > 0; n-- {
		if text[n] == '\n' {
			return text[:n]
		}
	}
	return ""
}

// prepared is what was read for one step.
type prepared struct {
	read    map[remediate.Target]remediate.Situation
	witness remediate.Witness
	err     error
}

// prepare reads a step's witness and asks the gates directly before the effect.
func (e *Engine) prepare(ctx context.Context, i *remediate.Incident) {
	step, _ := i.NextStep()
	action := e.o.Actions[step.Do]
	beside(e, ctx, i.ID, func(ctx context.Context) prepared {
		p := prepared{read: e.situations(ctx, []remediate.Target{step.On})}
		if action == nil {
			p.err = errors.New("this agent has nothing that could " + string(step.Do))
			return p
		}
		ctx, cancel := context.WithTimeout(ctx, probeTimeout)
		defer cancel()
		p.witness, p.err = action.Witness(ctx, step)
		return p
	}, func(p prepared) remediate.Input {
		in := remediate.Prepared{Judgement: e.judgement(i, []remediate.Target{step.On}, p.read), Witness: p.witness}
		if p.err != nil {
			in.Error = p.err.Error()
		}
		return remediate.Input{Prepared: &in}
	})
}

// act does the step whose intent is durable. Nothing that reaches the incident
// meanwhile disturbs it; when the engine ends, the act goes on without it.
func (e *Engine) act(i *remediate.Incident) {
	intent, plan, id := *i.Intent, *i.Plan, i.ID
	t := e.task(id)
	t.acting = true
	action := e.o.Actions[intent.What.Do]
	e.work.Go(func() {
		started := e.o.Now()
		ctx, cancel := context.WithTimeout(e.ctx, intent.What.Timeout)
		defer cancel()
		e.o.Reached("step.effect.before")
		receipt, err := action.Do(ctx, intent.What, intent.Witness)
		e.o.Reached("step.effect.after")
		receipt.Took = e.o.Now().Since(started)
		acted := outcome(receipt, err)
		if e.ctx.Err() != nil {
			return
		}
		acted.Invocations = e.invocations(e.ctx, plan)
		e.post(func() {
			t.acting = false
			e.advance(id, remediate.Input{Acted: &acted})
		})
	})
}

// reconcile asks the world whether a step happened whose outcome nobody heard.
func (e *Engine) reconcile(ctx context.Context, i *remediate.Incident) {
	intent, plan := *i.Intent, *i.Plan
	action := e.o.Actions[intent.What.Do]
	beside(e, ctx, i.ID, func(ctx context.Context) remediate.Acted {
		if action == nil {
			return remediate.Acted{InDoubt: true, Recovered: true}
		}
		bounded, cancel := context.WithTimeout(ctx, intent.What.Timeout)
		defer cancel()
		receipt, err := action.Happened(bounded, intent.What, intent.Witness)
		acted := outcome(receipt, err)
		acted.Recovered = true
		if err != nil && !errors.Is(err, remediate.ErrNotDone) {
			acted.NotDone, acted.InDoubt = false, true
		}
		acted.Invocations = e.invocations(ctx, plan)
		return acted
	}, func(a remediate.Acted) remediate.Input { return remediate.Input{Acted: &a} })
}

// outcome reads an action's answer: an error that is not in doubt says that
// nothing was done.
func outcome(receipt remediate.Receipt, err error) remediate.Acted {
	a := remediate.Acted{Receipt: receipt}
	if err != nil {
		a.Error = err.Error()
		a.InDoubt = errors.Is(err, remediate.ErrInDoubt)
		a.NotDone = !a.InDoubt
	}
	return a
}

// probe asks the probes for a verification, or for an incident that people have.
func (e *Engine) probe(ctx context.Context, i *remediate.Incident) {
	names := i.Probes()
	beside(e, ctx, i.ID, func(ctx context.Context) []remediate.Observation {
		return e.ask(ctx, names)
	}, func(o []remediate.Observation) remediate.Input { return remediate.Input{Probed: o} })
}
