package agent

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"nightshift/playbooks"
	"nightshift/remediate/strict"
)

// maxPlaybookFiles bounds how many files a pattern may find: more were never meant.
const maxPlaybookFiles = 200

// testsEnd ends the names of files of tests, which lie beside the playbooks and are none.
const testsEnd = ".test.yaml"

// playbookFiles reads the playbooks that a pattern of the inventory finds, in the order
// of their names. A relative pattern begins where the inventory lies. What is wrong in
// any of them comes at once.
func (s Settings) playbookFiles(pattern string) ([]playbooks.File, error) {
	if builtin := strings.HasPrefix(s.Config, "builtin:"); !filepath.IsAbs(pattern) && builtin {
		return nil, fmt.Errorf("cannot find playbooks.files %q beside %s, which is no file; expected an absolute path", pattern, s.Config)
	} else if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(filepath.Dir(s.Config), pattern)
	}
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("cannot use playbooks.files %q: %w", pattern, err)
	}
	paths = slices.DeleteFunc(paths, func(path string) bool { return strings.HasSuffix(path, testsEnd) })
	if len(paths) == 0 || len(paths) > maxPlaybookFiles {
		return nil, fmt.Errorf("cannot use playbooks.files %s: expected it to find 1 to %d files, found %d", pattern, maxPlaybookFiles, len(paths))
	}
	var read []playbooks.File
	var errs []error
	for _, path := range paths {
		file, err := s.playbookFile(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		read = append(read, file)
	}
	return read, errors.Join(errs...)
}

// playbookFile reads one playbook.
func (s Settings) playbookFile(path string) (playbooks.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return playbooks.File{}, fmt.Errorf("cannot read a playbook: %w", err)
	}
	defer file.Close()
	if err := s.trusted(file); err != nil {
		return playbooks.File{}, err
	}
	text, err := io.ReadAll(io.LimitReader(file, strict.MaxText+1))
	if err != nil {
		return playbooks.File{}, fmt.Errorf("cannot read a playbook: %w", err)
	}
	return playbooks.Parse(path, text)
}

// writableByOthers are the bits of a mode by which others than its owner write to a
// file: chmod(2).
const writableByOthers = 0o022

// trusted refuses a file that somebody can write to who can't write the inventory: what
// is done on this host is for those to say who say what may be touched. It is asked of
// the open file, so that no other one is read.
func (s Settings) trusted(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("cannot read a playbook: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("cannot use the playbook %s: expected a regular file", file.Name())
	case info.Mode().Perm()&writableByOthers != 0:
		return fmt.Errorf("cannot use the playbook %s: others than its owner can write to it (mode %04o); chmod go-w it", file.Name(), info.Mode().Perm())
	case !ok || stat.Uid != 0 && stat.Uid != s.inventoryOwner():
		return fmt.Errorf("cannot use the playbook %s: it belongs to neither root nor who owns the inventory; chown it", file.Name())
	}
	return nil
}

// inventoryOwner is the user whom the inventory belongs to; root where it is part of
// the program.
func (s Settings) inventoryOwner() uint32 {
	if info, err := os.Stat(s.Config); err == nil {
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			return stat.Uid
		}
	}
	return 0
}
