package engine

import (
	"context"

	"nightshift/remediate"
)

// Foresee says what Start would do now: the ladder, and each gate's verdict on its
// first rung. Nothing is done and nothing recorded.
func (e *Engine) Foresee(ctx context.Context, playbook string, named remediate.Target, asked remediate.Asked) (Explanation, error) {
	var x Explanation
	var incident remediate.Incident
	config := *e.config.Load()
	p, target, err := config.startable(playbook, named)
	if err != nil {
		return x, err
	}
	err = e.call(ctx, func() error {
		return incident.Apply(e.ledger.Ask(p, target, asked, config.Inventory, e.newID(), e.o.Now()))
	})
	if err != nil {
		return x, err
	}
	x = Explanation{Fate: remediate.FateOpened, Playbook: p.Name, Target: target}
	return x, e.explainPlan(ctx, &x, &incident, config)
}
