package agent

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"nightshift/alerts"
	"nightshift/alerts/webhook"
	"nightshift/remediate"
	"nightshift/remediate/failpoint"
	"nightshift/remediate/journal"
)

// alert is what Alertmanager said of one label set.
type alert = alerts.Alert

// alertStore makes a batch of alerts durable.
type alertStore struct{ j *journal.Journal }

func (s alertStore) StoreAlerts(ctx context.Context, batch []byte) error {
	_, err := s.j.StoreAlerts(ctx, batch)
	if errors.Is(err, journal.ErrOverloaded) {
		return webhook.ErrOverloaded
	}
	return err
}

// readAgain is the pause before the stream is read again after an error.
const readAgain = 500 * time.Millisecond

// startReading brings the stored alerts to the engine, in order, from its cursor.
func (a *Agent) startReading(ctx context.Context) error {
	cursor, err := a.engine.Cursor(ctx)
	if err != nil {
		return err
	}
	after := cursor.Message
	if after > 0 {
		after-- // the message of the cursor may hold more alerts
	}
	reader, err := a.journal.ReadAlerts(ctx, after)
	if err != nil {
		return err
	}
	reading, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.read(reading, reader)
	}()
	a.teardown.add("reading of alerts", func(ctx context.Context) error { cancel(); return await(ctx, ended) })
	return nil
}

func (a *Agent) read(ctx context.Context, reader *journal.AlertReader) {
	for ctx.Err() == nil {
		message, err := reader.Next(ctx)
		if err != nil {
			if ctx.Err() == nil {
				a.log.Error("cannot read alerts", slog.Any("err", err))
				pause(ctx, readAgain)
			}
			continue
		}
		arrivals, err := arrivalsOf(message)
		if err != nil {
			a.log.Error("cannot decode stored alerts; they are skipped", slog.Uint64("message", message.Position), slog.Any("err", err))
			continue
		}
		if len(arrivals) > 0 {
			_ = a.engine.Take(ctx, arrivals) // an error is ctx's, or the engine's end
		}
	}
}

// arrivalsOf are the alerts of a stored message with their places.
func arrivalsOf(m journal.AlertMessage) ([]remediate.Arrival, error) {
	notifications, err := alerts.DecodeBatch(m.Batch)
	if err != nil {
		return nil, err
	}
	var arrivals []remediate.Arrival
	for _, n := range notifications {
		for _, a := range n.Alerts {
			arrivals = append(arrivals, remediate.Arrival{
				Alert: a, Received: m.Received, Truncated: n.Truncated > 0,
				Position: remediate.Position{Message: m.Position, Alert: len(arrivals)},
			})
		}
	}
	return arrivals, nil
}

// hooks are the failpoints around the store and the answer; a build without them
// calls nothing.
func hooks() webhook.Hooks {
	if !failpoint.Enabled {
		return webhook.Hooks{}
	}
	here := func(name string) func() { return func() { failpoint.Here(name) } }
	return webhook.Hooks{
		BeforeStore: here("alerts.store.before"), AfterStore: here("alerts.store.after"),
		BeforeAnswer: here("webhook.answer.before"), AfterAnswer: here("webhook.answer.after"),
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
