package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"nightshift/remediate"
)

// ErrRunning says that the agent runs: ask it.
var ErrRunning = errors.New("the agent is running")

// ReadOnly is the log of an agent that does not run: a server on a copy of its
// store, which no one can connect to.
type ReadOnly struct {
	j   *Journal
	dir string
}

// OpenReadOnly copies the store of host below the state directory dir to a
// temporary directory and opens the copy. Nothing is written to dir. The error
// is [ErrRunning] when the agent has the store, and says what to do when it may
// not be read.
func OpenReadOnly(ctx context.Context, dir, host string, log *slog.Logger) (*ReadOnly, error) {
	if err := notRunning(dir); err != nil {
		return nil, fmt.Errorf("cannot read the journal in %s: %w", dir, err)
	}
	copied, err := os.MkdirTemp("", "nightshift-journal-")
	if err != nil {
		return nil, fmt.Errorf("cannot copy the journal: %w", err)
	}
	r := &ReadOnly{dir: copied}
	if err := r.open(ctx, dir, host, log); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot read the journal in %s: %w", dir, err), r.Close(ctx))
	}
	return r, nil
}

func (r *ReadOnly) open(ctx context.Context, dir, host string, log *slog.Logger) error {
	if err := copyState(dir, r.dir); err != nil {
		return readable(err)
	}
	if err := notRunning(dir); err != nil {
		return err // it was started while the store was copied
	}
	j, err := Open(ctx, Options{
		Dir: r.dir, Host: host, Log: log, whole: true,
		Now:      func() remediate.Instant { return remediate.Instant{Wall: time.Now()} },
		Snapshot: func() ([]byte, error) { return nil, errors.New("a copy is not written") },
	})
	r.j = j
	return err
}

// notRunning is [ErrRunning] while an agent has the state directory.
func notRunning(dir string) error {
	lock, err := os.Open(filepath.Join(dir, "lock"))
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("there is none")
	}
	if err != nil {
		return readable(err)
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_SH|unix.LOCK_NB); err != nil {
		return ErrRunning
	}
	return nil
}

// readable says what to do when something may not be read.
func readable(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w; run this as root, as user nightshift, or as a member of group nightshift", err)
	}
	return err
}

// copyState copies the store and what is known of its end.
func copyState(from, to string) error {
	for _, name := range []string{"journal.head", "journal.damage", "journal.alerts"} {
		err := copyFile(filepath.Join(from, name), filepath.Join(to, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return filepath.WalkDir(filepath.Join(from, storeDir), func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		return copyFile(name, filepath.Join(to, relative))
	})
}

// Events is [Journal.Events].
func (r *ReadOnly) Events(ctx context.Context, filter Filter, fn func(Recorded) error) error {
	return r.j.Events(ctx, filter, fn)
}

// Incidents is [Journal.Incidents].
func (r *ReadOnly) Incidents(ctx context.Context, prefix string) ([]remediate.ID, error) {
	return r.j.Incidents(ctx, prefix)
}

// Replay is [Journal.Replay].
func (r *ReadOnly) Replay(ctx context.Context, fn func(Recorded) error) (*Damage, error) {
	return r.j.Replay(ctx, fn)
}

// Verify is [Journal.Verify]; what it finds is remembered only in the report.
func (r *ReadOnly) Verify(ctx context.Context) (Report, error) { return r.j.Verify(ctx) }

// GetEvidence is [Journal.GetEvidence].
func (r *ReadOnly) GetEvidence(ctx context.Context, digest string) ([]byte, error) {
	return r.j.GetEvidence(ctx, digest)
}

// Close stops the server and removes the copy.
func (r *ReadOnly) Close(context.Context) error {
	var err error
	if r.j != nil {
		err = r.j.abandon()
	}
	return errors.Join(err, os.RemoveAll(r.dir))
}
