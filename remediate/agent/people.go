package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nightshift/alerts"
	"nightshift/remediate"
	"nightshift/remediate/engine"
	"nightshift/remediate/journal"
	"nightshift/remediate/oncall"
)

// people is what people may do and ask: the engine's and the journal's part.
type people struct{ a *Agent }

func (p people) Say(ctx context.Context, incident string, said remediate.Said) (remediate.Incident, error) {
	return p.a.engine.Say(ctx, incident, said)
}

func (p people) Freeze(ctx context.Context, by, reason string, length time.Duration, proof *remediate.Proof) (remediate.Freeze, error) {
	return p.a.engine.Freeze(ctx, by, reason, length, proof)
}

func (p people) Thaw(ctx context.Context, by, comment string, proof *remediate.Proof) error {
	return p.a.engine.Thaw(ctx, by, comment, proof)
}

func (p people) CloseBreaker(ctx context.Context, key remediate.BreakerKey, by, comment string, proof *remediate.Proof) error {
	return p.a.engine.CloseBreaker(ctx, key, by, comment, proof)
}

func (p people) Promote(ctx context.Context, playbook string, to remediate.Autonomy, by, comment string, proof *remediate.Proof) error {
	return p.a.engine.Promote(ctx, playbook, to, by, comment, proof)
}

func (p people) Breakers(ctx context.Context) ([]remediate.Breaker, error) {
	return p.a.engine.Breakers(ctx)
}

func (p people) Playbooks(ctx context.Context) ([]oncall.PlaybookRecord, error) {
	return recordsOf(ctx, p.a.engine)
}

// recordsOf are an engine's playbooks in the words that people see.
func recordsOf(ctx context.Context, e *engine.Engine) ([]oncall.PlaybookRecord, error) {
	records, err := e.Playbooks(ctx)
	all := make([]oncall.PlaybookRecord, len(records))
	for n, r := range records {
		all[n] = oncall.PlaybookRecord(r)
	}
	return all, err
}

// Accept makes the fold the base of a new epoch. The agent stays frozen, now
// because of that person, until somebody thaws.
func (p people) Accept(ctx context.Context, by, reason string) error {
	return p.a.engine.AcceptDamage(ctx, by, reason, func() error { return p.a.journal.Accept(ctx, by, reason) })
}

func (p people) Status(ctx context.Context) (oncall.Status, error) {
	frozen, err := p.a.engine.Frozen(ctx)
	if err != nil {
		return oncall.Status{}, err
	}
	live, err := p.Live(ctx)
	if err != nil {
		return oncall.Status{}, err
	}
	s := oncall.Status{
		Host: p.a.file().Host.Name, Version: p.a.version, Mode: p.a.settings.Mode.String(),
		Frozen: frozen, Degraded: p.a.degraded(ctx), Open: map[remediate.State]int{},
	}
	for _, i := range live {
		s.Open[i.State]++
	}
	return s, nil
}

func (p people) Live(ctx context.Context) ([]remediate.Incident, error) {
	all, err := p.a.engine.Incidents(ctx)
	live := all[:0]
	for _, i := range all {
		if i.State.Live() {
			live = append(live, i)
		}
	}
	return live, err
}

func (p people) Explain(ctx context.Context, body string) ([]byte, error) {
	return explain(ctx, p.a.engine, p.a.file().Scope, body, p.a.now())
}

func (p people) Verify(ctx context.Context) (oncall.Health, error) {
	report, err := p.a.journal.Verify(ctx)
	return health(report), err
}

// Explained is one alert of a webhook, and what would become of it.
type Explained struct {
	engine.Explanation
	// Mine is whether the alert is about this host at all.
	Mine bool `json:"mine"`
}

// explain says of each alert of a webhook's body what would become of it.
func explain(ctx context.Context, e *engine.Engine, scope alerts.Scope, body string, now remediate.Instant) ([]byte, error) {
	notification, err := alerts.Decode([]byte(body), now.Wall)
	if err != nil {
		return nil, err
	}
	explained := make([]Explained, len(notification.Alerts))
	for n, alert := range notification.Alerts {
		explained[n] = Explained{Explanation: engine.Explanation{Alert: alert.Name()}, Mine: scope.Mine(alert)}
		if !explained[n].Mine {
			continue
		}
		explained[n].Explanation, err = e.Explain(ctx, remediate.Arrival{
			Alert: alert, Received: now, Truncated: notification.Truncated > 0,
		})
		if err != nil {
			return nil, err
		}
	}
	return remediate.EncodeJSON(explained)
}

// health is a report in the words that people see.
func health(r journal.Report) oncall.Health {
	h := oncall.Health{Epoch: r.Head.Epoch, Last: r.Head.N}
	for n, epoch := range r.Epochs {
		h.Events += epoch.Events
		if n == 0 {
			h.First = epoch.First
		}
	}
	for _, flaw := range r.Flaws {
		h.Damage = append(h.Damage, fmt.Sprintf("%s: %s", flaw.Kind, flaw.Detail))
	}
	return h
}

// reader is a log that can be read: a running agent's, or a copy.
type reader interface {
	Events(ctx context.Context, filter journal.Filter, fn func(journal.Recorded) error) error
	GetEvidence(ctx context.Context, digest string) ([]byte, error)
}

// history reads the journal for people.
type history struct{ j reader }

// errEnough ends a reading early.
var errEnough = errors.New("enough")

func (h history) Stored(ctx context.Context, id remediate.ID, since time.Time, f func(oncall.StoredEvent) bool) error {
	err := h.j.Events(ctx, journal.Filter{Incident: id, Since: since}, func(r journal.Recorded) error {
		if r.Snapshot == nil && !f(oncall.StoredEvent{N: r.N, At: r.At.Wall, Raw: r.Raw}) {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func (h history) Events(ctx context.Context, id remediate.ID, since time.Time, f func(remediate.Event) error) error {
	return h.j.Events(ctx, journal.Filter{Incident: id, Since: since}, func(r journal.Recorded) error {
		if r.Snapshot != nil {
			return nil
		}
		return f(r.Event)
	})
}

func (h history) Evidence(ctx context.Context, digest string) (string, error) {
	text, err := h.j.GetEvidence(ctx, digest)
	return string(text), err
}

// recorder is the engine's log.
type recorder struct{ j *journal.Journal }

func (r recorder) Append(ctx context.Context, e remediate.Event) error {
	_, err := r.j.Append(ctx, e)
	switch {
	case errors.Is(err, journal.ErrFenced):
		return fmt.Errorf("%w: %w", engine.ErrFenced, err)
	case errors.Is(err, journal.ErrDiverged), errors.Is(err, journal.ErrStuck):
		return fmt.Errorf("%w: %w", engine.ErrStartAgain, err)
	}
	return err
}

func (r recorder) KeepEvidence(ctx context.Context, id remediate.ID, text string) (string, error) {
	digest, _, err := r.j.PutEvidence(ctx, id, []byte(text))
	return digest, err
}
