package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

const (
	// tolerated is how many openings in a row may fail; the last of them sets the
	// store aside.
	tolerated = 3
	// toleratedKills is how many in a row may end with the process and without a
	// word. Whoever kills the agent says nothing about the store; but a damage
	// that takes all memory ends like that too, and must not last for ever: with
	// RestartSec=2s this is a minute.
	toleratedKills = 30
)

// opening counts the openings of the store in a row that did not succeed. The
// count is durable before an opening begins, since some damages end the process.
type opening struct{ dir string }

// tally is how many ended with a failure, and how many were cut short.
type tally struct{ failed, killed int }

// hopeless reports whether the store has to be set aside.
func (t tally) hopeless() bool { return t.failed >= tolerated || t.killed >= toleratedKills }

func (o opening) file() string { return filepath.Join(o.dir, "journal.opening") }

// crashFile is where the Go runtime writes why it ends the process: by that a
// panic in a goroutine of the server is told from a kill.
func (o opening) crashFile() string { return filepath.Join(o.dir, "journal.crash") }

// tally reads the count; a file that can't be read counts as none.
func (o opening) tally() tally {
	var t tally
	text, err := os.ReadFile(o.file())
	if err != nil {
		return t
	}
	_, _ = fmt.Sscan(string(text), &t.failed, &t.killed) // what can't be read is 0
	if crash, err := os.Stat(o.crashFile()); err == nil && crash.Size() > 0 && t.killed > 0 {
		t.failed, t.killed = t.failed+1, t.killed-1
	}
	return t
}

// begin counts an opening as killed until its end is known, and has the runtime
// say it where it is the process itself that ends.
func (o opening) begin(t tally) error {
	crash, err := os.OpenFile(o.crashFile(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("cannot prepare for a failed opening: %w", err)
	}
	err = errors.Join(debug.SetCrashOutput(crash, debug.CrashOptions{}), crash.Close())
	if err != nil {
		return fmt.Errorf("cannot prepare for a failed opening: %w", err)
	}
	return o.write(tally{t.failed, t.killed + 1})
}

// failed counts an opening that ended with an error.
func (o opening) failed(t tally) error {
	return errors.Join(o.disarm(), o.write(tally{t.failed + 1, t.killed}))
}

// succeeded forgets the count.
func (o opening) succeeded() error {
	err := o.disarm()
	for _, file := range []string{o.file(), o.crashFile()} {
		if gone := os.Remove(file); gone != nil && !errors.Is(gone, os.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot forget failed openings: %w", err)
	}
	return nil
}

// disarm ends what begin asked of the runtime: a later panic is not the store's.
func (o opening) disarm() error { return debug.SetCrashOutput(nil, debug.CrashOptions{}) }

func (o opening) write(t tally) error {
	return writeDurably(o.file(), fmt.Appendf(nil, "%d %d\n", t.failed, t.killed))
}

// blameless reports whether a failed opening says nothing about the store: no
// space, no permission, no file descriptors. The server does not always wrap
// what it was told, so the text is looked at as well.
func blameless(err error) bool {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EACCES, syscall.EPERM, syscall.EROFS, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM} {
		if errors.Is(err, errno) || strings.Contains(err.Error(), errno.Error()) {
			return true
		}
	}
	return errors.Is(err, ErrNewer)
}

// asideName is where something that was stored is kept for people.
func asideName(now time.Time) string {
	return "journal.aside-" + now.UTC().Format("20060102T150405.000Z")
}

// setAside puts the store where nobody opens it, and keeps it for people.
func setAside(dir string, now time.Time) (string, error) {
	aside := asideName(now)
	if err := os.Rename(filepath.Join(dir, storeDir), filepath.Join(dir, aside)); err != nil {
		return "", fmt.Errorf("cannot set the store aside: %w", err)
	}
	return aside, syncDir(dir)
}

// writeDurably replaces a file as a whole: the old or the new text is there
// after a power cut.
func writeDurably(name string, text []byte) error {
	temporary := name + ".new"
	file, err := os.OpenFile(temporary, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", filepath.Base(name), err)
	}
	_, err = file.Write(text)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("cannot write %s: %w", filepath.Base(name), err)
	}
	if err := os.Rename(temporary, name); err != nil {
		return fmt.Errorf("cannot write %s: %w", filepath.Base(name), err)
	}
	return syncDir(filepath.Dir(name))
}

// syncDir makes the names in a directory durable: fsync(2) of a file does not.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("cannot sync %s: %w", dir, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("cannot sync %s: %w", dir, err)
	}
	return nil
}
