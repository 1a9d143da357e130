package engine

import (
	"context"
	"errors"

	"nightshift/remediate"
)

// Awake tells an agent inside a VM which epoch its host started the VM in. Another
// one than the log's means that the disks were exchanged under it: what was under
// way goes to people, and no alert up to the position is acted on. It must come
// before the first alert is read.
func (e *Engine) Awake(ctx context.Context, epoch string, upTo remediate.Position) error {
	return e.call(ctx, func() error {
		was := e.ledger.Epoch
		if was == epoch {
			return nil
		}
		for _, i := range e.ledger.Live() {
			if was == "" {
				break
			}
			e.advance(i.ID, remediate.Input{WentBack: true})
		}
		return e.tell(remediate.Event{Type: remediate.HostWentBack, WentBack: &remediate.WentBack{Epoch: epoch, Was: was, Position: upTo}})
	})
}

// StandAside leaves the acting to the host of this VM until then. A time that is
// already agreed is never cut short.
func (e *Engine) StandAside(ctx context.Context, until remediate.Instant, by string) error {
	return e.call(ctx, func() error {
		if a := e.ledger.Aside; a != nil && !a.Until.Before(until) {
			return nil
		}
		return e.tell(remediate.Event{Type: remediate.HostStoodAside, StoodAside: &remediate.StoodAside{Until: until, By: remediate.Brief(by)}})
	})
}

// tell records an event of the host.
func (e *Engine) tell(event remediate.Event) error {
	event.At = e.o.Now()
	if !e.record(event) {
		return errors.New("cannot record " + string(event.Type) + "; see the agent's log")
	}
	e.unsaid = later(e.unsaid, e.ledger.Cursor)
	return nil
}

// later is the position that lies behind the other.
func later(a, b remediate.Position) remediate.Position {
	if b.After(a) {
		return b
	}
	return a
}
