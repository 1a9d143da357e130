package qemu

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A file is durable once it and the directory that names it were synced: fsync(2).

// temporary begins the names of files that are not whole yet.
const temporary = ".new-"

// The modes of files in live/. What the agent believes of itself may only be
// written by it; the others are for QEMU too, which is of the same group.
const (
	ours   fs.FileMode = 0o640
	shared fs.FileMode = 0o660
)

// writeFile replaces a file as a whole, and returns once that is durable.
func writeFile(path string, mode fs.FileMode, data []byte) (err error) {
	whole := filepath.Join(filepath.Dir(path), temporary+newID(time.Now()))
	f, err := os.OpenFile(whole, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, mode)
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(whole, path)
	}
	if err != nil {
		_ = os.Remove(whole)
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return syncDir(path)
}

// sweep removes what a crash left in a directory that was never whole. Nobody may be
// writing there.
func sweep(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, temporary+"*"))
	for _, path := range left {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}

// writeJSON replaces a file by a value.
func writeJSON(path string, mode fs.FileMode, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return writeFile(path, mode, append(data, '\n'))
}

// syncDir makes the name of a file durable, or that it is gone.
func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("cannot make %s durable: %w", path, err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("cannot make %s durable: %w", path, err)
	}
	return nil
}

// removeFile removes a file, and returns once that is durable. One that is not
// there is removed already.
func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove %s: %w", path, err)
	}
	return syncDir(path)
}

// flip points a symlink to another name in its directory.
func flip(link, name string) error {
	fresh := filepath.Join(filepath.Dir(link), temporary+newID(time.Now()))
	err := os.Symlink(name, fresh)
	if err == nil {
		err = os.Rename(fresh, link)
	}
	if err != nil {
		_ = os.Remove(fresh)
		return fmt.Errorf("cannot point %s to %s: %w", link, name, err)
	}
	return syncDir(link)
}

// rename gives a file in a directory another name, which nobody may have.
func rename(dir, from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, filepath.Join(dir, from), unix.AT_FDCWD, filepath.Join(dir, to), unix.RENAME_NOREPLACE)
	if err != nil {
		return fmt.Errorf("cannot rename %s to %s in %s: %w", from, to, dir, err)
	}
	return syncDir(filepath.Join(dir, to))
}

// exists reports whether there is anything of that name; an error other than that
// there is not counts as yes.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// recordBytes bounds what is read of a record: thousands of checkpoints fit.
const recordBytes = 4 << 20

// open opens a plain file for reading, no symlink and nothing that could block.
func open(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, fmt.Errorf("it is missing: %w", fs.ErrNotExist)
	case errors.Is(err, syscall.ELOOP):
		return nil, nil, errors.New("it is a symlink where a file must be")
	case err != nil:
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// believed are the users whose records are believed: root, and one more.
type believed uint32

// read reads a small file that root or the believed user wrote, and nobody else could
// have: QEMU's user may put files beside ours.
func (who believed) read(path string) ([]byte, error) {
	f, info, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	defer f.Close()
	if owner := ownerOf(info); owner != 0 && owner != uint32(who) || info.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("cannot believe %s: it belongs to user %d with mode %#o; expected root or user %d, writable by nobody else", path, owner, info.Mode().Perm(), who)
	}
	data, err := io.ReadAll(io.LimitReader(f, recordBytes))
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	return data, nil
}

// readJSON reads such a file.
func (who believed) readJSON(path string, value any) error {
	data, err := who.read(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, value); err != nil {
		return fmt.Errorf("cannot read %s: %w", path, err)
	}
	return nil
}

// itself believes this process's own user.
func itself() believed { return believed(os.Geteuid()) }

func ownerOf(info fs.FileInfo) uint32 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Uid
	}
	return ^uint32(0)
}

// need says that there is not enough free space, before anything is begun: statfs(2).
func need(dir string, bytes int64, what string) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("cannot read the free space of %s: %w", dir, err)
	}
	if free := int64(fs.Bavail) * fs.Bsize; free < bytes {
		return fmt.Errorf("cannot %s: %s has %d bytes free and needs %d: make room first", what, dir, free, bytes)
	}
	return nil
}
