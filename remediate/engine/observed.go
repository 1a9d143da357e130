package engine

import (
	"time"

	"nightshift/remediate"
)

// observeEvery is how often the units are looked at whose restart was planned and only
// observed.
const observeEvery = 15 * time.Second

// observe looks whether people did what was only planned, while its episode goes on.
func (e *Engine) observe(now remediate.Instant) {
	if now.Since(e.observed) < observeEvery {
		return
	}
	e.observed = now
	for _, i := range e.ledger.Observed() {
		id, touches := i.ID, i.Plan.Touches()
		e.pace.Go(func() {
			stand := e.situations(e.ctx, touches)
			e.pace.Post(func() { e.carriedOut(id, stand) })
		})
	}
}

// carriedOut records it once.
func (e *Engine) carriedOut(id remediate.ID, stand map[remediate.Target]remediate.Situation) {
	i := e.ledger.Incidents[id]
	if _, done := e.ledger.CarriedOut[id]; i == nil || done {
		return
	}
	if did, ok := e.ledger.CarriedOutBy(i, stand, e.o.Now()); ok {
		e.record(remediate.Event{Type: remediate.HostCarriedOut, At: e.o.Now(), CarriedOut: &did})
	}
}
