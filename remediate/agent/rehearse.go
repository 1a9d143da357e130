package agent

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"nightshift/playbooks"
	"nightshift/remediate"
	"nightshift/remediate/inventory"
	"nightshift/remediate/rehearsal"
	"nightshift/remediate/strict"
)

// Rehearse runs the tests of a file in virtual time: nothing is asked of this host, and
// no agent need run. The error says what is wrong with the file, or with what it
// names; that a test differs is in its report.
func Rehearse(s Settings, path string) ([]rehearsal.Report, error) {
	text, err := readText(path)
	if err != nil {
		return nil, err
	}
	suite, err := rehearsal.Parse(path, text)
	if err != nil {
		return nil, err
	}
	known, err := rehearsed(s, suite, filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("cannot rehearse %s: %w", path, err)
	}
	if err := suite.Check(known); err != nil {
		return nil, err
	}
	return suite.Run(known)
}

// readText reads a file that somebody wrote, bounded as all that is read strictly.
func readText(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot read the file: %w", err)
	case !info.Mode().IsRegular() || info.Size() > strict.MaxText:
		return nil, fmt.Errorf("cannot read %s: expected a file of at most %d bytes", path, strict.MaxText)
	}
	return os.ReadFile(path)
}

// rehearsed is the agent that a file's tests are about.
func rehearsed(s Settings, suite *rehearsal.Suite, dir string) (rehearsal.Known, error) {
	s.Config, s.Mode = relativeTo(dir, suite.Inventory), remediate.Act
	file, err := s.Inventory()
	if err != nil {
		return rehearsal.Known{}, err
	}
	c := newConfiguring(s, file)
	for _, entry := range file.Playbooks {
		if _, asked := playbooks.FindAsked(entry.Name); asked || suite.Playbooks == nil {
			c.add(entry)
		}
	}
	for _, entry := range suite.Playbooks {
		c.choose(entry, dir)
	}
	c.addAsked()
	return rehearsal.Known{Config: c.config, Probes: slices.Collect(maps.Keys(file.Probes))}, errors.Join(c.errs...)
}

// choose takes a playbook into use by its path, or by its name with the figures that
// the inventory lists it with.
func (c *configuring) choose(entry, dir string) {
	if strings.HasSuffix(entry, ".yaml") {
		if f, err := readPlaybook(relativeTo(dir, entry)); err != nil {
			c.errs = append(c.errs, err)
		} else {
			c.addFile(f, inventory.Playbook{})
		}
		return
	}
	listed := inventory.Playbook{Name: entry}
	if n := slices.IndexFunc(c.file.Playbooks, func(l inventory.Playbook) bool { return l.Name == entry }); n >= 0 {
		listed = c.file.Playbooks[n]
	}
	c.add(listed)
}

// relativeTo is a path as a file in that directory means it.
func relativeTo(dir, path string) string {
	if filepath.IsAbs(path) || strings.HasPrefix(path, "builtin:") {
		return path
	}
	return filepath.Join(dir, path)
}

// readPlaybook reads one in YAML, whoever may write to it: nothing is done by it here.
func readPlaybook(path string) (playbooks.File, error) {
	text, err := readText(path)
	if err != nil {
		return playbooks.File{}, err
	}
	return playbooks.Parse(path, text)
}

// CheckPlaybooks reads playbooks in YAML, and finds all that is wrong with them: of
// each alone, of their names together, and where the settings name an inventory of
// what that does not have. The error of each file is apart.
func CheckPlaybooks(s Settings, paths []string) ([]remediate.Playbook, []error) {
	var all []remediate.Playbook
	var errs []error
	var file *inventory.File
	if s.Config != "" {
		var err error
		if file, err = s.Inventory(); err != nil {
			return nil, []error{err}
		}
	}
	from := map[string]string{}
	for _, path := range paths {
		p, err := readPlaybook(path)
		switch first := from[p.Playbook.Name]; {
		case err != nil:
			errs = append(errs, err)
			continue
		case first != "":
			errs = append(errs, p.At("name", fmt.Sprintf("%s has a playbook of that name, too", first)))
		case file != nil:
			errs = append(errs, known(p.Playbook, file, p.At)...)
		}
		from[p.Playbook.Name] = path
		all = append(all, p.Playbook)
	}
	return all, errs
}
