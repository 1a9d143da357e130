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
func Rehearse(path string) ([]rehearsal.Report, error) {
	text, err := readText(path)
	if err != nil {
		return nil, err
	}
	suite, err := rehearsal.Parse(path, text)
	if err != nil {
		return nil, err
	}
	known, err := rehearsed(suite, filepath.Dir(path))
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
func rehearsed(suite *rehearsal.Suite, dir string) (rehearsal.Known, error) {
	s := Settings{Config: relativeTo(dir, suite.Inventory), Mode: remediate.Act}
	file, err := s.Inventory()
	if err != nil {
		return rehearsal.Known{}, err
	}
	listed := file.Playbooks
	if suite.Playbooks != nil {
		file.Playbooks = slices.DeleteFunc(slices.Clone(listed), func(p inventory.Playbook) bool {
			_, asked := playbooks.FindAsked(p.Name)
			return !asked
		})
	}
	config, err := configure(s, file)
	if err == nil && suite.Playbooks != nil {
		config.Playbooks, err = chosen(suite.Playbooks, dir, file, listed)
	}
	return rehearsal.Known{Config: config, Probes: slices.Collect(maps.Keys(file.Probes))}, err
}

// relativeTo is a path as a file in that directory means it.
func relativeTo(dir, path string) string {
	if filepath.IsAbs(path) || strings.HasPrefix(path, "builtin:") {
		return path
	}
	return filepath.Join(dir, path)
}

// chosen are playbooks by their names or files, the coded ones with the figures that
// the inventory lists them with.
func chosen(entries []string, dir string, file *inventory.File, listed []inventory.Playbook) ([]remediate.Playbook, error) {
	var all []remediate.Playbook
	var errs []error
	for _, entry := range entries {
		p, err := oneNamed(entry, dir, listed)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, known(p, file)...)
		all = append(all, p)
	}
	return all, errors.Join(errs...)
}

func oneNamed(entry, dir string, listed []inventory.Playbook) (remediate.Playbook, error) {
	if strings.HasSuffix(entry, ".yaml") || strings.HasSuffix(entry, ".yml") {
		p, err := readPlaybook(relativeTo(dir, entry))
		return p.Playbook, err
	}
	p, ok := playbooks.Find(entry)
	if !ok {
		return p, fmt.Errorf("cannot use playbook %q: expected the path of a .yaml file, or one of %v", entry, playbooks.ForAlerts())
	}
	if n := slices.IndexFunc(listed, func(l inventory.Playbook) bool { return l.Name == entry }); n >= 0 {
		p = override(p, listed[n])
	}
	return p, nil
}

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
			errs = append(errs, known(p.Playbook, file)...)
		}
		from[p.Playbook.Name] = path
		all = append(all, p.Playbook)
	}
	return all, errs
}
