package inventory

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"nightshift/remediate"
)

// Options is what a loader must be told of the rest of the program.
type Options struct {
	// Playbooks are the names of the coded playbooks; nil takes any word for one.
	Playbooks []string
	// Denied tells whether a unit is on the deny list, for a warning; nil says no.
	Denied func(unit string) bool
}

// maxText bounds an inventory, in bytes. One of 1,000 units takes some 60 KiB.
const maxText = 1 << 20

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
	text, err := io.ReadAll(io.LimitReader(file, maxText+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read the inventory: %w", err)
	}
	return text, nil
}

// Parse reads an inventory's text. The name is what errors call it.
func Parse(name string, text []byte, o Options) (*File, error) {
	d := &decoder{file: name, keys: map[string]*yaml.Node{}, values: map[string]*yaml.Node{}}
	file := &File{Digest: digest(text)}
	if root := d.compose(text); root != nil {
		d.decode(root, reflect.ValueOf(file).Elem(), "")
		c := &checker{decoder: d, file: file, options: o}
		c.check()
	}
	if len(d.errs) > 0 {
		return nil, d.errs.sorted()
	}
	return file, nil
}

// lineBreak is what ends a line in YAML 1.1 (section 4.2), by which the library
// counts lines.
var lineBreak = regexp.MustCompile("\r\n|[\n\r\u0085\u2028\u2029]")

// digest identifies a text.
func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// compose reads the one document of a text, or notes why it can't.
func (d *decoder) compose(text []byte) *yaml.Node {
	if len(text) > maxText {
		d.lines = []string{""}
		d.failAt(1, 1, "", fmt.Sprintf("the file is too large: expected at most %d bytes", maxText))
		return nil
	}
	d.lines = lineBreak.Split(string(text), -1)
	if !utf8.Valid(text) {
		d.failAt(d.firstInvalid(), 1, "", "this line is not valid UTF-8; save the file as UTF-8")
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		d.failAt(1, 1, "", "cannot read YAML: "+err.Error())
		return nil
	}
	var document, second yaml.Node
	if err := loader.Load(&document); err != nil {
		d.failSyntax(err)
		return nil
	}
	if len(document.Content) == 0 || isEmpty(document.Content[0]) {
		d.failSyntax(io.EOF)
		return nil
	}
	if err := loader.Load(&second); err == nil {
		d.fail(&second, "", "a second document begins here; an inventory is one document, remove the ---")
	} else if !errors.Is(err, io.EOF) {
		d.failSyntax(err)
	}
	return document.Content[0]
}

// firstInvalid is the first line that is no UTF-8.
func (d *decoder) firstInvalid() int {
	for i, line := range d.lines {
		if !utf8.ValidString(line) {
			return i + 1
		}
	}
	return 1
}

// failSyntax notes why a text is no YAML, or that there is nothing in it.
func (d *decoder) failSyntax(err error) {
	if errors.Is(err, io.EOF) {
		d.failAt(1, 1, "", "nothing is in it, or all of it is commented out; "+howToBegin)
		return
	}
	line, column, msg := 1, 1, err.Error()
	if problem := new(yaml.LoadError); errors.As(err, &problem) {
		line, column, msg = problem.Mark.Line, problem.Mark.Column, problem.Message
	}
	d.failAt(line, column, "", "cannot read YAML: "+remediate.Printable(msg))
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
	inv.Limits, inv.Own, inv.Groups = f.limits(), f.own(), f.groups()
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
