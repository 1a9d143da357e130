package inventory

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"nightshift/remediate"
	"nightshift/remediate/strict"
)

// Options is what a loader must be told of the rest of the program.
type Options struct {
	// Playbooks are the names of the coded playbooks; nil takes any word for one.
	Playbooks []string
	// Denied tells whether a unit is on the deny list, for a warning; nil says no.
	Denied func(unit string) bool
}

// howToBegin is what somebody without an inventory must know.
const howToBegin = "write one with `nightshift init`, or take RAVE's with NIGHTSHIFT_CONFIG=builtin:rave"

// Load reads the inventory at path, or the built-in one that builtin:NAME names.
// What is wrong in it comes as [Errors].
func Load(path string, o Options) (*File, error) {
	if name, ok := strings.CutPrefix(path, "builtin:"); ok {
		text, err := Builtin(name)
		if err != nil {
			return nil, err
		}
		return Parse(path, text, o)
	}
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, text, o)
}

// readFile reads an inventory's text.
func readFile(path string) ([]byte, error) {
	if path == "" {
		return nil, errors.New("cannot go on without an inventory: NIGHTSHIFT_CONFIG is not set; " + howToBegin)
	}
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot read the inventory: %w; %s", err, howToBegin)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the inventory: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, strict.MaxText+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read the inventory: %w", err)
	}
	return text, nil
}

// Parse reads an inventory's text. The name is what errors call it.
func Parse(name string, text []byte, o Options) (*File, error) {
	file := &File{Digest: digest(text)}
	r, ok := strict.Read(strict.File{Name: name, What: "inventory", Noun: "an inventory", Begin: howToBegin}, text, file)
	if ok {
		c := &checker{decoder: &decoder{r}, name: name, file: file, options: o}
		c.check()
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return file, nil
}

// digest identifies a text.
func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Core is what the core must know of the inventory.
func (f *File) Core() remediate.Inventory {
	inv := remediate.Inventory{
		Host:   f.Host.Name,
		Units:  make(map[string]remediate.ManagedUnit, len(f.Units)),
		Digest: f.Digest,
	}
	for name, unit := range f.Units {
		inv.Units[name] = unit.managed()
	}
	if len(f.VMs) > 0 {
		inv.VMs = make(map[string]remediate.ManagedVM, len(f.VMs))
	}
	for name, vm := range f.VMs {
		inv.VMs[name] = vm.managed()
	}
	inv.Limits, inv.Own, inv.Groups, inv.Profiles = f.limits(), f.own(), f.groups(), f.profiles()
	inv.Maintenance, inv.Sources = f.maintenance(), f.sources()
	inv.Severities, inv.Escalations = f.severities(), f.Escalation.policies()
	return inv
}

func (f *File) severities() map[string]remediate.Severity {
	all := map[string]remediate.Severity{}
	for name, s := range f.Severities {
		all[name] = remediate.Severity(s)
	}
	return all
}

// policies are what is said of each severity, and what is usual for the rest.
func (e Escalation) policies() map[remediate.Severity]remediate.EscalationPolicy {
	all := map[remediate.Severity]remediate.EscalationPolicy{}
	for s := remediate.Severity(1); s <= remediate.LeastSevere; s++ {
		all[s] = e.policy(s)
	}
	return all
}

func (e Escalation) policy(s remediate.Severity) remediate.EscalationPolicy {
	policy, key := remediate.DefaultEscalation(s), strconv.Itoa(int(s))
	policy.Levels = make([]time.Duration, len(e.Levels))
	for n, level := range e.Levels {
		policy.Levels[n] = time.Duration(level)
	}
	if policy.Repeat > 0 && e.Repeat > 0 {
		policy.Repeat = e.Repeat
	}
	if lasts, ok := e.Acknowledge[key]; ok {
		policy.AckLasts = lasts
	}
	policy.Hours = e.Hours[key].Hours
	return policy
}
