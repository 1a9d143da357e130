package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"nightshift/remediate"
	"nightshift/remediate/engine"
	"nightshift/remediate/journal"
	"nightshift/remediate/oncall"
)

// Reader reads the state of an agent that does not run. It works on a copy, so
// that reading changes nothing.
type Reader struct {
	history
	settings Settings
	dir      string
	host     string
	ledger   *remediate.Ledger
}

// OpenReadOnly copies the state to a temporary folder and opens that. Close
// removes it. An error says when the state can't be read by this user.
func OpenReadOnly(ctx context.Context, s Settings) (*Reader, error) {
	file, err := s.Inventory()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "nightshift-state-")
	if err != nil {
		return nil, fmt.Errorf("cannot make room for a copy of the state: %w", err)
	}
	r := &Reader{settings: s, dir: dir, host: file.Host.Name, ledger: remediate.NewLedger()}
	if err := r.open(ctx, s); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return r, nil
}

func (r *Reader) open(ctx context.Context, s Settings) error {
	if err := copyState(s.StateDir, r.dir); err != nil {
		return err
	}
	j, err := journal.Open(ctx, journal.Options{
		Dir: r.dir, Host: r.host, Now: clock(), Log: slog.New(slog.DiscardHandler),
		Snapshot: func() ([]byte, error) { return remediate.EncodeJSON(r.ledger) },
	})
	if err != nil {
		return err
	}
	r.j = j
	if _, err := j.Replay(ctx, fold(r.ledger)); err != nil {
		return errors.Join(err, j.Close(ctx))
	}
	return nil
}

// copyState copies the journal's files, and leaves keys where they are.
func copyState(from, to string) error {
	if _, err := os.Stat(filepath.Join(from, "journal")); err != nil {
		return fmt.Errorf("cannot read the state in %s: %w; run this as root, or as the user nightshift", from, err)
	}
	for _, name := range []string{"journal", "journal.head", "journal.damage"} {
		err := copyTree(filepath.Join(from, name), filepath.Join(to, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot read the state in %s: %w; run this as root, or as the user nightshift", from, err)
		}
	}
	return nil
}

func copyTree(from, to string) error {
	info, err := os.Stat(from)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return os.CopyFS(to, os.DirFS(from))
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}

// Close ends the reading and removes the copy.
func (r *Reader) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return errors.Join(r.j.Close(ctx), os.RemoveAll(r.dir))
}

// Verify walks the whole log.
func (r *Reader) Verify(ctx context.Context) (oncall.Health, error) {
	report, err := r.j.Verify(ctx)
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

// ExplainOffline says what would become of a webhook's alerts if the agent ran
// now: with its state, if that can be read, else with none.
func ExplainOffline(ctx context.Context, s Settings, body string) ([]byte, error) {
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
	return e.Aside(ctx, func(ctx context.Context) ([]byte, error) { return explain(ctx, e, file.Scope, body, now()) })
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
