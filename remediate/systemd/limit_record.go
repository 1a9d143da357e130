package systemd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"nightshift/remediate"
)

// LimitDir is where the program that sets limits keeps what each unit had before, and
// what it said last. Root owns it, whoever likes reads it, and a boot empties it, as it
// empties systemd of the limits themselves.
const LimitDir = "/run/nightshift-limits"

// maxLimitText bounds what is read of a file there.
const maxLimitText = 64 << 10

// limited is one property that a profile sets.
type limited struct {
	// Name is the property's on the bus, File the drop-in in which systemd keeps it.
	Name string `json:"name"`
	File string `json:"file"`
	// Before is what it was, Set what it was given: numbers of the property's own unit.
	Before uint64 `json:"before"`
	Set    uint64 `json:"set"`
	// Had is whether somebody had set it at runtime already, so that the drop-in is
	// theirs.
	Had bool `json:"had"`
	// On is whether systemd took it.
	On bool `json:"on"`
}

// words are a figure of the property for people.
func (p limited) words(n uint64) string {
	switch {
	case n == infinity:
		return "none"
	case p.Name == memoryHigh || p.Name == memoryMax:
		return mebibytes(n)
	case p.Name == cpuQuota:
		return fmt.Sprintf("%g%%", float64(n)/1e4)
	}
	return fmt.Sprint(n)
}

// is reports whether a unit has what it was given.
func (p limited) is(of properties) bool { return amount(of, p.Name) == p.Set }

// limitRecord is what a unit has of a profile, and had before.
type limitRecord struct {
	Profile string    `json:"profile"`
	Unit    string    `json:"unit"`
	Until   time.Time `json:"until"`
	// Timer is the transient timer that takes it back.
	Timer      string    `json:"timer"`
	Properties []limited `json:"properties"`
}

// complete is whether all of it is on.
func (r limitRecord) complete() bool {
	for _, p := range r.Properties {
		if !p.On {
			return false
		}
	}
	return len(r.Properties) > 0
}

// facts are the properties as they are set.
func (r limitRecord) facts() map[string]string {
	facts := map[string]string{"until": r.Until.UTC().Format(time.RFC3339)}
	for _, p := range r.Properties {
		facts[p.Name] = figure(p.Set)
		facts[p.Name+" before"] = figure(p.Before)
	}
	return facts
}

func (r limitRecord) describe() string {
	return strings.Join(r.said(), ", ") + ", until " + r.Until.UTC().Format(time.RFC3339)
}

// said is each property in words, as systemd has it and as people do.
func (r limitRecord) said() []string {
	said := make([]string, len(r.Properties))
	for n, p := range r.Properties {
		said[n] = fmt.Sprintf("%s %s (before: %s)", p.Name, p.words(p.Set), p.words(p.Before))
	}
	return said
}

// infinity is systemd's for no limit: its CGROUP_LIMIT_MAX, and USEC_INFINITY.
const infinity = ^uint64(0)

func figure(n uint64) string {
	if n == infinity {
		return "infinity"
	}
	return fmt.Sprint(n)
}

// find is the property of that name, if the record has it.
func (r limitRecord) find(name string) (limited, bool) {
	n := slices.IndexFunc(r.Properties, func(p limited) bool { return p.Name == name })
	if n < 0 {
		return limited{}, false
	}
	return r.Properties[n], true
}

// limitSaid is the last word of the program about a unit.
type limitSaid struct {
	// Invocation is the InvocationID of the oneshot unit that it ran in.
	Invocation string `json:"invocation"`
	// OK is whether it did what it was asked, Detail what it has to say, Facts what it
	// read and set.
	OK     bool              `json:"ok"`
	Detail string            `json:"detail"`
	Facts  map[string]string `json:"facts,omitempty"`
}

// receipt is that of the unit's job, in the program's words.
func (s limitSaid) receipt(of remediate.Receipt) remediate.Receipt {
	of.Detail = remediate.Brief(s.Detail)
	if !s.OK && of.Result == remediate.Done {
		of.Result = remediate.Failed
	}
	if of.Facts == nil {
		of.Facts = map[string]string{}
	}
	maps.Copy(of.Facts, s.Facts)
	return of
}

const recordSuffix = ".limits.json"

func recordFile(dir, unit string) string { return filepath.Join(dir, unit+recordSuffix) }
func saidFile(dir, unit string) string   { return filepath.Join(dir, unit+".said.json") }

func readRecord(dir, unit string) (r limitRecord, err error) {
	err = readJSON(recordFile(dir, unit), &r)
	return r, err
}

func readSaid(dir, unit string) (s limitSaid, err error) {
	err = readJSON(saidFile(dir, unit), &s)
	return s, err
}

// writeJSON writes a file that is there whole or not at all, also after a kill. A power
// cut takes the limits with it, so nothing is synced.
func writeJSON(path string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // which is gone once it has its name
	_, err = file.Write(append(text, '\n'))
	if err = errors.Join(err, file.Chmod(0o644), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// LimitSaid is the last that the program said of a unit, by either of its names here.
func LimitSaid(dir, unit string) (string, error) {
	said, err := readSaid(dir, strings.TrimSuffix(unit, another))
	return said.Detail, err
}

func readJSON(path string, into any) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxLimitText))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("cannot read %s: %w", path, err)
	}
	return nil
}

// Limited is a unit that has limits of a profile now.
type Limited struct {
	Unit    string `json:"unit"`
	Profile string `json:"profile"`
	// Until is when they end by themselves.
	Until time.Time `json:"until"`
	// Limits say what each property is, and was before.
	Limits []string `json:"limits"`
}

// ReadLimits lists the units that have limits now, by name. Who may read dir needs no
// other right.
func ReadLimits(dir string) ([]Limited, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*"+recordSuffix))
	if err != nil {
		return nil, fmt.Errorf("cannot list %s: %w", dir, err)
	}
	all := []Limited{}
	for _, path := range files {
		var r limitRecord
		err := readJSON(path, &r)
		if errors.Is(err, fs.ErrNotExist) {
			continue // taken back just now
		}
		if err != nil {
			return nil, err
		}
		all = append(all, Limited{r.Unit, r.Profile, r.Until, r.said()})
	}
	return all, nil
}
