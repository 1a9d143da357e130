package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tolerated is how many openings in a row may fail; the last of them sets the
// store aside.
const tolerated = 3

// opening counts the openings of the store that failed in a row. The count is
// durable before an opening begins, since some damages end the process.
type opening struct{ dir string }

func (o opening) file() string { return filepath.Join(o.dir, "journal.opening") }

// failures reads the count; a file that can't be read counts as none.
func (o opening) failures() int {
	text, err := os.ReadFile(o.file())
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return n
}

func (o opening) begin(failures int) error {
	return writeDurably(o.file(), fmt.Appendf(nil, "%d\n", failures+1))
}

// succeeded forgets the failures.
func (o opening) succeeded() error {
	if err := os.Remove(o.file()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot forget failed openings: %w", err)
	}
	return nil
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
