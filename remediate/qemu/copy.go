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
	if i.Owner == 0 && !i.Writable && rootsAlone(filepath.Dir(i.Path)) {
		p.tally.add(i.Takes)
		return i.Path, nil
	}
	copied := filepath.Join(p.stage, fmt.Sprintf("%s.%d", disk, depth))
	if err := p.copyFile(ctx, i.Path, copied); err != nil {
		return "", fmt.Errorf("cannot copy %s: %w", i.Path, err)
	}
	now, err := readImage(copied)
	if err != nil {
		return "", err
	}
	if now.Backing != i.Backing || now.Format != i.Format || now.Size != i.Size || now.Bytes != i.Bytes {
		return "", fmt.Errorf("the image %s changed while it was copied", i.Path)
	}
	return copied, nil
}

// rootsAlone reports whether only root can put a file in the place of another in a
// directory: it is root's, and nobody else's to write, or sticky as Nix's store is.
func rootsAlone(dir string) bool {
	info, err := os.Stat(dir)
	return err == nil && ownerOf(info) == 0 && (info.Mode().Perm()&0o022 == 0 || info.Mode()&os.ModeSticky != 0)
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
