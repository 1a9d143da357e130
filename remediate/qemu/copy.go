package qemu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// own is an image that only root can write: itself, or a copy that is looked at again.
func (p *promotion) own(ctx context.Context, disk string, depth int, i image) (string, error) {
	if real, ok := rootsOwn(i); ok {
		p.tally.add(i.Takes)
		return real, nil
	}
	copied := filepath.Join(p.stage, fmt.Sprintf("%s.%d", disk, depth))
	if err := p.copyFile(ctx, i.Path, copied); err != nil {
		return "", fmt.Errorf("cannot copy %s: %w", i.Path, err)
	}
	now, err := readImage(copied)
	if err != nil {
		return "", err
	}
	if !now.alike(i) {
		return "", fmt.Errorf("the image %s changed while it was copied", i.Path)
	}
	return copied, nil
}

// alike reports whether two images could be one, by their headers and lengths.
func (i image) alike(other image) bool {
	return i.Backing == other.Backing && i.Format == other.Format && i.Size == other.Size && i.Bytes == other.Bytes
}

// rootsOwn is where an image lies that only root can write, or put another in the place
// of: by a path without symlinks. One in live/ would lead root to whatever QEMU's user
// likes, after it was looked at.
func rootsOwn(i image) (path string, ok bool) {
	path, err := filepath.EvalSymlinks(i.Path)
	if err != nil || !rootsAlone(filepath.Dir(path)) {
		return "", false
	}
	now, err := readImage(path)
	return path, err == nil && now.Owner == 0 && !now.Writable && now.alike(i)
}

// rootsAlone reports whether only root can put a file in the place of another in a
// directory, and in those above: they are root's, and nobody else's to write, or sticky
// as Nix's store is.
func rootsAlone(dir string) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || ownerOf(info) != 0 || info.Mode().Perm()&0o022 != 0 && info.Mode()&os.ModeSticky == 0 {
		return false
	}
	return dir == "/" || rootsAlone(filepath.Dir(dir))
}

// copyFile copies a plain file, with its holes.
func (p *promotion) copyFile(ctx context.Context, from, to string) error {
	source, info, err := open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer target.Close()
	bounded := io.LimitReader(source, info.Size()) // it may grow for ever
	if _, err := p.tally.copy(ctx, &sparse{file: target}, bounded); err != nil {
		return err
	}
	return errors.Join(target.Truncate(info.Size()), target.Close())
}

// sparse writes a file and leaves out what is zero.
type sparse struct {
	file *os.File
	at   int64
}

func (s *sparse) Write(piece []byte) (int, error) {
	at := s.at
	s.at += int64(len(piece))
	if !slices.ContainsFunc(piece, func(b byte) bool { return b != 0 }) {
		return len(piece), nil
	}
	return s.file.WriteAt(piece, at)
}
