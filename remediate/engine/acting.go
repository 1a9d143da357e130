package engine

import (
	"context"
	"errors"

	"nightshift/remediate"
)

// prepared is what was read for one step.
type prepared struct {
	// on is what the step touches, and what it would take along now.
	on       []remediate.Target
	takes    []remediate.Target
	takesErr error
	read     *reading
	witness  remediate.Witness
	err      error
}

// prepare reads a step's witness and how things stand, both at once, and asks the
// gates directly before the effect. Who changes something in between is seen: by
// the gates, or because the witness is no longer true.
func (e *Engine) prepare(ctx context.Context, i *remediate.Incident) {
	step, _ := i.NextStep()
	about := i.Alert
	beside(e, ctx, i.ID, func(ctx context.Context) prepared {
		var p prepared
		e.pace.Together(
			func() { p.witness, p.err = e.witness(ctx, step) },
			func() {
				p.takes, p.takesErr = e.takes(ctx, step)
				p.on = unique(append(step.Touches(), p.takes...))
				p.read = e.read(ctx, about, p.on)
				p.read.takes, p.read.takesErr, p.read.by = p.takes, p.takesErr, step.On
			},
		)
		return p
	}, func(p prepared) remediate.Input {
		in := remediate.Prepared{Witness: p.witness, Takes: p.takes}
		if i.Bound(e.o.Now()) { // it follows a step that was allowed, and nothing may come in between
			in.Verdict = remediate.Verdict{Decision: remediate.Allow}
		} else {
			in.Judgement = e.judgement(i, p.on, p.read)
		}
		if p.err != nil {
			in.Error = p.err.Error()
		}
		return remediate.Input{Prepared: &in}
	})
}

func (e *Engine) witness(ctx context.Context, step remediate.Step) (remediate.Witness, error) {
	action := e.o.Actions[step.Do]
	if action == nil {
		return nil, errors.New("this agent has nothing that could " + string(step.Do))
	}
	read, ok := within(ctx, e.pace, probeTimeout, func(ctx context.Context) prepared {
		witness, err := action.Witness(ctx, step)
		return prepared{witness: witness, err: err}
	})
	if !ok {
		return nil, errors.New(noAnswer)
	}
	return read.witness, read.err
}

// act does the step whose intent is durable. Nothing that reaches the incident
// meanwhile disturbs it. When the engine ends, nothing is recorded any more: what
// came of the step is found at the next start.
func (e *Engine) act(i *remediate.Incident) {
	intent, plan, id := *i.Intent, *i.Plan, i.ID
	t := e.task(id)
	t.acting = true
	do := e.do
	bound := i.Plan.Rungs[intent.Rung].Bound(intent.Step)
	if f := e.frozen(e.o.Now()); f != nil && !bound {
		do = withhold(f)
	}
	e.pace.Go(func() {
		acted := do(intent)
		if e.ctx.Err() != nil {
			return
		}
		acted.Invocations = e.invocations(e.ctx, plan)
		e.pace.Post(func() {
			t.acting = false
			e.advance(id, remediate.Input{Acted: &acted})
		})
	})
}

// withhold does nothing: to write an intent can take seconds on a disk in trouble,
// and who froze the agent meanwhile is to be heeded.
func withhold(f *remediate.Freeze) func(remediate.Started) remediate.Acted {
	return func(remediate.Started) remediate.Acted {
		return remediate.Acted{NotDone: true, Withheld: true, Error: "frozen by " + f.By + " just before it"}
	}
}

// do is the effect. An action that hangs beyond its time has timed out: it is not
// tried again, and the verification tells what became of it.
func (e *Engine) do(intent remediate.Started) remediate.Acted {
	began := e.o.Now()
	e.o.Reached("step.effect.before")
	acted, ok := within(e.ctx, e.pace, intent.What.Timeout, func(ctx context.Context) remediate.Acted {
		return outcome(e.o.Actions[intent.What.Do].Do(ctx, intent.What, intent.Witness))
	})
	e.o.Reached("step.effect.after")
	if !ok {
		acted.Receipt = remediate.Receipt{Result: remediate.TimedOut, Detail: "the action hangs: " + noAnswer}
	}
	acted.Receipt.Took = e.o.Now().Since(began)
	return acted
}

// reconcile asks the world whether a step happened whose outcome nobody heard.
func (e *Engine) reconcile(ctx context.Context, i *remediate.Incident) {
	intent, plan := *i.Intent, *i.Plan
	beside(e, ctx, i.ID, func(ctx context.Context) remediate.Acted {
		acted := e.happened(ctx, intent)
		acted.Recovered = true
		acted.Invocations = e.invocations(ctx, plan)
		return acted
	}, func(a remediate.Acted) remediate.Input { return remediate.Input{Acted: &a} })
}

// happened compares the witness with the world. Only a plain no counts as not
// done; any other error leaves it in doubt.
func (e *Engine) happened(ctx context.Context, intent remediate.Started) remediate.Acted {
	action := e.o.Actions[intent.What.Do]
	if action == nil {
		return remediate.Acted{InDoubt: true, Error: "this agent has nothing that could tell"}
	}
	acted, ok := within(ctx, e.pace, intent.What.Timeout, func(ctx context.Context) remediate.Acted {
		receipt, err := action.Happened(ctx, intent.What, intent.Witness)
		acted := outcome(receipt, err)
		if err != nil && !errors.Is(err, remediate.ErrNotDone) {
			acted.NotDone, acted.InDoubt = false, true
		}
		return acted
	})
	if !ok {
		return remediate.Acted{InDoubt: true, Error: noAnswer}
	}
	return acted
}

// outcome reads an action's answer: an error that is not in doubt says that
// nothing was done.
func outcome(receipt remediate.Receipt, err error) remediate.Acted {
	receipt.Detail = remediate.Brief(receipt.Detail)
	a := remediate.Acted{Receipt: receipt}
	if err != nil {
		a.Error = err.Error()
		a.InDoubt = errors.Is(err, remediate.ErrInDoubt)
		a.NotDone = !a.InDoubt
		a.Withheld = errors.Is(err, remediate.ErrWithheld)
	}
	return a
}
