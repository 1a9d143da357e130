package world

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// cache is the directory that keeps what is expensive to make: roots by the
// hash of their recipe, programs by their version. Everything in it can be
// deleted at any time when no world is running.
type cache string

// openCache finds the cache: $XDG_CACHE_HOME/nightshift, by default
// ~/.cache/nightshift.
func openCache() (cache, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("cannot find a cache directory: set HOME or XDG_CACHE_HOME: %w", err)
	}
	dir := filepath.Join(base, "nightshift")
	for _, d := range []string{dir, filepath.Join(dir, "worlds")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return "", fmt.Errorf("cannot make the cache: %w", err)
		}
	}
	return cache(dir), nil
}

func (c cache) path(elements ...string) string {
	return filepath.Join(append([]string{string(c)}, elements...)...)
}

// once returns the path of what make built under name, building it if it is
// not there. Processes that want the same thing wait for the one that makes
// it; make is given a path of its own to fill, which is renamed when complete.
func (c cache) once(name string, make func(partial string) error) (string, error) {
	done := c.path(name)
	if _, err := os.Stat(done); err == nil {
		return done, nil
	}
	lock, err := c.lock(name + ".lock")
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if _, err := os.Stat(done); err == nil {
		return done, nil
	}
	partial := done + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return "", fmt.Errorf("cannot remove an unfinished build: %w", err)
	}
	if err := make(partial); err != nil {
		return "", err
	}
	return done, os.Rename(partial, done)
}

// lock waits for an exclusive lock, which ends with the returned file.
func (c cache) lock(name string) (*os.File, error) {
	path := c.path(name)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot make a lock: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); err != nil {
		file.Close()
		return nil, fmt.Errorf("cannot lock %s: %w", path, err)
	}
	return file, nil
}

// digest names content: 12 hexadecimal digits are plenty for a cache that
// holds a handful of things.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])[:12]
}
