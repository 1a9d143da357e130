package agent

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"

	"nightshift/remediate"
	"nightshift/remediate/engine"
	"nightshift/remediate/inventory"
	"nightshift/remediate/journal"
	"nightshift/remediate/oncall"
)

// Reader reads the state of an agent that does not run. It works on a copy, so
// that reading changes nothing.
type Reader struct {
	history
	settings Settings
	host     string
	state    *journal.ReadOnly
	ledger   *remediate.Ledger
}

// OpenReadOnly opens a copy of the state; Close removes it. An error says when the
// state can't be read by this user.
func OpenReadOnly(ctx context.Context, s Settings) (*Reader, error) {
	file, err := s.Inventory()
	if err != nil {
		return nil, err
	}
	state, err := journal.OpenReadOnly(ctx, s.StateDir, file.Host.Name, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	r := &Reader{history: history{state}, settings: s, host: file.Host.Name, state: state, ledger: remediate.NewLedger()}
	if _, err := state.Replay(ctx, fold(r.ledger)); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Close ends the reading and removes the copy.
func (r *Reader) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return r.state.Close(ctx)
}

// Verify walks the whole log.
func (r *Reader) Verify(ctx context.Context) (oncall.Health, error) {
	report, err := r.state.Verify(ctx)
	return health(report), err
}

// Status is what the state says of an agent that does not run.
func (r *Reader) Status(context.Context) (oncall.Status, error) {
	now := clock()
	frozen := frozenByFile(now, FreezeFile(r.settings), siteFreezeFile)()
	if frozen == nil {
		frozen = r.ledger.Frozen(now())
	}
	s := oncall.Status{
		Host: r.host, Frozen: frozen, Open: map[remediate.State]int{},
		Degraded: map[string]string{"agent": "it does not run"},
	}
	for _, i := range r.ledger.Live() {
		s.Open[i.State]++
	}
	return s, nil
}

// Breakers are those that are open.
func (r *Reader) Breakers() []remediate.Breaker {
	return slices.Collect(maps.Values(r.ledger.Breakers))
}

// ExplainOffline says what would become of a webhook's alerts if the agent ran
// now: with its state, if that can be read, else with none.
func ExplainOffline(ctx context.Context, s Settings, body string) ([]byte, error) {
	return offline(ctx, s, func(ctx context.Context, e *engine.Engine, file *inventory.File) ([]byte, error) {
		return explain(ctx, e, file.Scope, body, clock()())
	})
}

// PlaybooksOffline are the playbooks of the inventory with what the state of an agent
// that does not run says of them.
func PlaybooksOffline(ctx context.Context, s Settings) ([]oncall.PlaybookRecord, error) {
	var records []oncall.PlaybookRecord
	_, err := offline(ctx, s, func(ctx context.Context, e *engine.Engine, _ *inventory.File) (_ []byte, err error) {
		records, err = recordsOf(ctx, e)
		return nil, err
	})
	return records, err
}

// offline asks an engine that drives nothing: with the state of the agent, if that can
// be read, else with none.
func offline(ctx context.Context, s Settings, ask func(context.Context, *engine.Engine, *inventory.File) ([]byte, error)) ([]byte, error) {
	file, err := s.Inventory()
	if err != nil {
		return nil, err
	}
	config, err := configure(s, file)
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.DiscardHandler)
	w, end, err := worldOf(s, file, log)
	if err != nil {
		return nil, err
	}
	defer end()
	ledger := remediate.NewLedger()
	if r, err := OpenReadOnly(ctx, s); err == nil {
		defer func() { _ = r.Close() }() // it was only a copy
		ledger = r.ledger
	}
	now := clock()
	e := engine.New(engine.Options{
		Config: config, Log: nowhere{}, World: w, Ledger: ledger, Now: now, Logger: log,
		FrozenByFile: frozenByFile(now, FreezeFile(s), siteFreezeFile),
	})
	return e.Aside(ctx, func(ctx context.Context) ([]byte, error) { return ask(ctx, e, file) })
}

// nowhere is a log for an engine that only explains: it records nothing.
type nowhere struct{}

func (nowhere) Append(context.Context, remediate.Event) error {
	return errors.New("this only explains; nothing is recorded")
}

func (nowhere) KeepEvidence(context.Context, remediate.ID, string) (string, error) {
	return "", errors.New("this only explains; nothing is kept")
}

var _ oncall.History = (*Reader)(nil)
