package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"nightshift/playbooks"
	"nightshift/remediate"
	"nightshift/remediate/engine"
	"nightshift/remediate/inventory"
	"nightshift/remediate/strict"
)

// configure makes what the engine needs of the inventory and the playbooks, coded and
// in YAML. What a playbook names and the inventory does not have is an error, all at
// once.
func configure(s Settings, file *inventory.File) (engine.Config, error) {
	c := newConfiguring(s, file)
	for _, entry := range file.Playbooks {
		c.add(entry)
	}
	c.addAsked()
	c.checkMaintenance()
	return c.config, errors.Join(c.errs...)
}

func newConfiguring(s Settings, file *inventory.File) *configuring {
	return &configuring{
		settings: s, file: file, overrides: map[string]inventory.Playbook{},
		config: engine.Config{Inventory: file.Core(), Mode: s.Mode, MaxActing: file.Host.MaxActing},
	}
}

// configuring is a configuration that is made.
type configuring struct {
	settings Settings
	file     *inventory.File
	config   engine.Config
	errs     []error
	// overrides are the entries of playbooks that are on without one.
	overrides map[string]inventory.Playbook
}

func (c *configuring) wrong(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

// add takes an entry of `playbooks` into use.
func (c *configuring) add(entry inventory.Playbook) {
	if entry.Files != "" {
		c.addFiles(entry)
		return
	}
	if p, ok := playbooks.FindAsked(entry.Name); ok && p.OnVM() {
		c.overrides[entry.Name] = entry
		return
	} else if ok {
		p = override(p, entry)
		c.errs = append(c.errs, known(p, c.file, nil)...)
		c.config.Asked = append(c.config.Asked, p)
		return
	}
	p, ok := c.settings.find(entry.Name)
	if !ok {
		c.wrong("cannot use playbook %q: expected one of %v", entry.Name, c.settings.coded())
		return
	}
	p = override(p, entry)
	c.errs = append(c.errs, known(p, c.file, nil)...)
	c.config.Playbooks = append(c.config.Playbooks, p)
}

// addFiles takes the playbooks of files into use, as far as the entry lets them go.
func (c *configuring) addFiles(entry inventory.Playbook) {
	files, err := c.settings.playbookFiles(entry.Files)
	if err != nil {
		c.errs = append(c.errs, err)
	}
	for _, f := range files {
		c.addFile(f, entry)
	}
}

func (c *configuring) addFile(f playbooks.File, entry inventory.Playbook) {
	p := override(f.Playbook, entry)
	c.errs = append(c.errs, known(p, c.file, f.At)...)
	if c.taken(p.Name) {
		c.errs = append(c.errs, f.At("name", fmt.Sprintf("there is a playbook %q already: each name is there once", p.Name)))
	} else if p.Target.Asked {
		c.config.Asked = append(c.config.Asked, p)
	} else {
		c.config.Playbooks = append(c.config.Playbooks, p)
	}
}

// taken reports whether a name is that of a coded playbook, or of one so far.
func (c *configuring) taken(name string) bool {
	named := func(p remediate.Playbook) bool { return p.Name == name }
	return slices.Contains(c.settings.coded(), name) ||
		slices.ContainsFunc(c.config.Playbooks, named) || slices.ContainsFunc(c.config.Asked, named)
}

// addAsked takes the playbooks of virtual machines into use that people start, and which
// are on without being listed.
func (c *configuring) addAsked() {
	if len(c.file.VMs) == 0 {
		for name := range c.overrides {
			c.wrong("cannot use playbook %s: it is about virtual machines, and the inventory has none in `vms`", name)
		}
		return
	}
	for _, p := range playbooks.Asked {
		if p.OnVM() {
			c.config.Asked = append(c.config.Asked, override(p, c.overrides[p.Name]))
		}
	}
}

// checkMaintenance finds playbooks that are named for a time of maintenance and are
// nowhere, where the inventory alone can't know all names.
func (c *configuring) checkMaintenance() {
	var names []string
	for _, p := range slices.Concat(c.config.Playbooks, c.config.Asked) {
		names = append(names, p.Name)
	}
	for _, m := range c.file.Maintenance {
		for _, name := range m.Playbooks {
			if !slices.Contains(names, name) {
				c.wrong("cannot use maintenance %s: %q is no playbook that is on%s", m.Name, name, strict.HintOrAll(name, names))
			}
		}
	}
}

// override puts the inventory's figures in the place of the playbook's own.
func override(p remediate.Playbook, by inventory.Playbook) remediate.Playbook {
	set := func(field *time.Duration, value time.Duration) {
		if value > 0 {
			*field = value
		}
	}
	set(&p.Verify.Settle, by.Verify.Settle)
	set(&p.Verify.Window, by.Verify.Window)
	set(&p.Verify.Within, by.Verify.Within)
	set(&p.Verify.Every, by.Verify.Every)
	set(&p.Attempts.Per, by.Attempts.Per)
	set(&p.Attempts.Cooldown, by.Attempts.Cooldown)
	set(&p.Deadline, by.Deadline)
	if by.Attempts.Max > 0 {
		p.Attempts.Max = by.Attempts.Max
	}
	p.Autonomy = remediate.Least(p.Autonomy, by.Autonomy)
	return p
}

// known finds what a playbook names that the inventory does not have. Evidence is left
// out: what can't be seen never stops an act. Of a playbook in YAML, at makes an error
// that shows the place.
func known(p remediate.Playbook, file *inventory.File, at func(field, msg string) error) []error {
	var errs []error
	lacks := func(field, what, name string) {
		if at != nil {
			errs = append(errs, at(field, fmt.Sprintf("the inventory has no %s %q; add it to `%ss`", what, name, what)))
			return
		}
		errs = append(errs, fmt.Errorf("cannot use playbook %s: it names the %s %q, which the inventory does not have; add it to `%ss`, or take the playbook out of `playbooks`", p.Name, what, name, what))
	}
	unit := func(field, name string) {
		if _, ok := file.Units[name]; name != "" && !ok {
			lacks(field, "unit", name)
		}
	}
	vm := func(field, name string) {
		if _, ok := file.VMs[name]; name != "" && !ok {
			lacks(field, "vm", name)
		}
	}
	unit("target.unit", p.Target.Unit)
	vm("target.vm", p.Target.VM)
	for r, rung := range p.Ladder {
		for m, move := range rung.Do {
			step := fmt.Sprintf("ladder[%d].do[%d]", r, m)
			unit(step+"."+string(move.Do), move.On.Unit)
			if _, ok := file.Profiles[move.Profile]; move.Profile != "" && !ok && (at != nil || len(p.Ladder) == 1) {
				lacks(step+".profile", "profile", move.Profile)
			}
		}
	}
	for n, name := range p.Verify.Healthy {
		field := fmt.Sprintf("verify.healthy[%d]", n)
		ofUnit, asksUnit := remediate.ProbedUnit(name)
		ofVM, asksVM := remediate.ProbedVM(name)
		_, ok := file.Probes[name]
		switch {
		case asksUnit:
			unit(field, ofUnit)
		case asksVM:
			vm(field, ofVM)
		case !ok && !slices.Contains(remediate.Choices, remediate.Choice(name)):
			lacks(field, "probe", name)
		}
	}
	return errs
}

// digestOf identifies the playbooks of a configuration: the SHA-256 of what they
// are, in hex.
func digestOf(c engine.Config) string {
	hash := sha256.New()
	for _, p := range slices.Concat(c.Playbooks, c.Asked) {
		text, err := remediate.EncodeJSON(p)
		if err != nil {
			panic(err) // a playbook is plain data: this can't happen
		}
		hash.Write(text)
		fmt.Fprintln(hash, p.Match)
	}
	return hex.EncodeToString(hash.Sum(nil))
}
