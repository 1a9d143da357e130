package engine

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"nightshift/remediate"
)

const (
	// probeTimeout bounds one round of questions; each probe has a shorter
	// deadline of its own.
	probeTimeout = 20 * time.Second
	// seeTimeout bounds all the evidence together: it must not keep a repair
	// waiting.
	seeTimeout = 10 * time.Second
	// evidenceInEvent is how much text of one piece of evidence an event holds.
	evidenceInEvent = 4 << 10
)

// noAnswer says what is known of something that hangs.
const noAnswer = "no answer in time"

// ask asks several probes at once, and returns their answers in order.
func (e *Engine) ask(ctx context.Context, names []string) []remediate.Observation {
	observations := each(ctx, e.pace, probeTimeout, names, func(ctx context.Context, name string) remediate.Observation {
		o := e.o.World.Probe(ctx, name)
		o.Probe, o.Detail = name, remediate.Brief(o.Detail)
		return o
	}, func(name string) remediate.Observation {
		return remediate.Observation{Probe: name, Detail: noAnswer}
	})
	e.m.probed(observations)
	return observations
}

// situations reads how several targets stand.
func (e *Engine) situations(ctx context.Context, targets []remediate.Target) map[remediate.Target]remediate.Situation {
	stand := each(ctx, e.pace, probeTimeout, targets, e.o.World.Situation, func(remediate.Target) remediate.Situation {
		return remediate.Situation{Detail: noAnswer}
	})
	read := make(map[remediate.Target]remediate.Situation, len(targets))
	for n, on := range targets {
		read[on] = stand[n]
	}
	return read
}

// invocations reads those of all that a plan may touch.
func (e *Engine) invocations(ctx context.Context, plan remediate.Plan) map[remediate.Target]string {
	return invocationsOf(e.situations(ctx, plan.Touches()))
}

func invocationsOf(read map[remediate.Target]remediate.Situation) map[remediate.Target]string {
	known := map[remediate.Target]string{}
	for on, s := range read {
		if s.Invocation != "" {
			known[on] = s.Invocation
		}
	}
	return known
}

// see takes the evidence, and keeps apart what is too long for an event.
func (e *Engine) see(ctx context.Context, id remediate.ID, looks []remediate.Look, about remediate.Target) []remediate.Evidence {
	return each(ctx, e.pace, seeTimeout, looks, func(ctx context.Context, look remediate.Look) remediate.Evidence {
		return e.keep(ctx, id, e.o.World.See(ctx, look, about))
	}, func(look remediate.Look) remediate.Evidence {
		return remediate.Evidence{Look: look, Error: noAnswer}
	})
}

// keep stores a long text apart; the event keeps its beginning, digest and size.
func (e *Engine) keep(ctx context.Context, id remediate.ID, seen remediate.Evidence) remediate.Evidence {
	seen.Error = remediate.Brief(seen.Error)
	if len(seen.Text) <= evidenceInEvent {
		return seen
	}
	digest, err := e.o.Log.KeepEvidence(ctx, id, seen.Text)
	seen.Digest, seen.Size = digest, len(seen.Text)
	seen.Text = cut(seen.Text, evidenceInEvent)
	if err != nil {
		seen.Digest, seen.Error = "", remediate.Brief("the rest could not be kept: "+err.Error())
	}
	return seen
}

// cut keeps whole lines of at most size bytes, or what fits of the first one.
func cut(text string, size int) string {
	if end := strings.LastIndexByte(text[:size+1], '\n'); end > 0 {
		return text[:end]
	}
	for !utf8.RuneStart(text[size]) {
		size--
	}
	return text[:size]
}
