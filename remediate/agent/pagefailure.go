package agent

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"nightshift/remediate"
)

// failure is how long nobody could be called, and whether that was said.
type failure struct {
	since time.Time
	said  bool
}

// account finds the escalations that no Alertmanager has. One look may fall into the
// start of an Alertmanager; when the next finds the same, it is said, once.
func (p *pager) account(ctx context.Context, w wanted, now time.Time) {
	unheard := p.unheard(w, now)
	if len(unheard) == 0 {
		p.failed = failure{}
		return
	}
	p.o.PageFails.Inc()
	switch {
	case p.failed.since.IsZero():
		p.failed.since = now
	case !p.failed.said && now.Sub(p.failed.since) >= lookEvery:
		event := remediate.Event{Type: remediate.HostPageFailed, PageFailed: &remediate.PageFailed{
			Incidents: unheard, Why: remediate.Brief(p.troubles().Error()),
		}}
		err := p.o.Engine.Record(ctx, event)
		if p.failed.said = err == nil; err != nil && ctx.Err() == nil {
			p.o.Log.Error("nobody is called by any Alertmanager, and that can't be recorded", slog.Any("err", err))
		}
	}
}

// unheard are the incidents that people are to hear of and no Alertmanager was told
// of, in order.
func (p *pager) unheard(w wanted, now time.Time) []remediate.ID {
	unheard := map[remediate.ID]bool{}
	for f, id := range w.calls {
		if !slices.ContainsFunc(p.stations, func(s *station) bool { return s.has(f, now) }) {
			unheard[id] = true
		}
	}
	return slices.Sorted(maps.Keys(unheard))
}

// troubles are why Alertmanagers can't be reached, joined; nil if all can.
func (p *pager) troubles() error {
	var errs []error
	for _, s := range p.stations {
		errs = append(errs, s.trouble())
	}
	return errors.Join(errs...)
}

// lacks adds the Alertmanagers that can't be reached.
func (p *pager) lacks(lacks map[string]string) {
	err := p.troubles()
	if err == nil {
		return
	}
	effect := "not all Alertmanagers hear of escalations: "
	if !slices.ContainsFunc(p.stations, func(s *station) bool { return s.trouble() == nil }) {
		effect = "nobody is called by Alertmanager: "
	}
	lacks["alertmanager"] = remediate.Brief(effect + err.Error())
}
