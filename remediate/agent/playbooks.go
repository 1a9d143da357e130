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
)

// configure makes what the engine needs of the inventory and the coded playbooks.
// What a playbook names and the inventory does not have is an error, all at once.
func configure(s Settings, file *inventory.File) (engine.Config, error) {
	c := engine.Config{Inventory: file.Core(), Mode: s.Mode, MaxActing: file.Host.MaxActing}
	errs := notKept(file)
	overrides := map[string]inventory.Playbook{}
	for _, entry := range file.Playbooks {
		if _, ok := playbooks.FindAsked(entry.Name); ok {
			overrides[entry.Name] = entry
			continue
		}
		if entry.Files != "" {
			errs = append(errs, fmt.Errorf("cannot use playbooks.files %q: this version has coded playbooks only; list them by name", entry.Files))
			continue
		}
		p, ok := playbooks.Find(entry.Name)
		if !ok {
			errs = append(errs, fmt.Errorf("cannot use playbook %q: expected one of %v", entry.Name, playbooks.Names()))
			continue
		}
		p = override(p, entry)
		errs = append(errs, known(p, file)...)
		c.Playbooks = append(c.Playbooks, p)
	}
	if len(file.VMs) == 0 {
		for name := range overrides {
			errs = append(errs, fmt.Errorf("cannot use playbook %s: it is about virtual machines, and the inventory has none in `vms`", name))
		}
		return c, errors.Join(errs...)
	}
	for _, p := range playbooks.Asked {
		c.Asked = append(c.Asked, override(p, overrides[p.Name]))
	}
	return c, errors.Join(errs...)
}

// notKept finds what an inventory may say and this version does not do: what is
// passed over in silence somebody would rely on.
func notKept(file *inventory.File) []error {
	var errs []error
	refuse := func(said bool, key, lacks string) {
		if said {
			errs = append(errs, fmt.Errorf("cannot use %s: this version %s; take it out", key, lacks))
		}
	}
	refuse(len(file.Profiles) > 0, "profiles", "sets no limits")
	return errs
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

// known finds what a playbook names that the inventory does not have. Evidence is
// left out: what can't be seen never stops an act.
func known(p remediate.Playbook, file *inventory.File) []error {
	var errs []error
	lacks := func(what, name string) {
		errs = append(errs, fmt.Errorf("cannot use playbook %s: it names the %s %q, which the inventory does not have; add it to `%ss`, or take the playbook out of `playbooks`", p.Name, what, name, what))
	}
	unit := func(name string) {
		if _, ok := file.Units[name]; name != "" && !ok {
			lacks("unit", name)
		}
	}
	unit(p.Target.Unit)
	if _, ok := file.VMs[p.Target.VM]; p.Target.VM != "" && !ok {
		lacks("vm", p.Target.VM)
	}
	for _, rung := range p.Ladder {
		for _, move := range rung.Do {
			unit(move.On.Unit)
		}
	}
	for _, name := range p.Verify.Healthy {
		asked, ofUnit := remediate.ProbedUnit(name)
		_, ok := file.Probes[name]
		switch {
		case ofUnit:
			unit(asked)
		case !ok && !slices.Contains(remediate.Choices, remediate.Choice(name)):
			lacks("probe", name)
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
