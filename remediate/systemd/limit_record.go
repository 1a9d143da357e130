package systemd

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
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

// limitRecord is what a unit has of a profile, and had before.
type limitRecord struct {
	Profile    string        `json:"profile"`
	Unit       string        `json:"unit"`
	Until      time.Time     `json:"until"`
	For        time.Duration `json:"for"`
	Properties []limited     `json:"properties"`
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
	set := make([]string, len(r.Properties))
	for n, p := range r.Properties {
		set[n] = fmt.Sprintf("%s %s (before: %s)", p.Name, figure(p.Set), figure(p.Before))
	}
	return strings.Join(set, ", ") + ", until " + r.Until.UTC().Format(time.RFC3339)
}

// infinity is systemd's for no limit: its CGROUP_LIMIT_MAX, and USEC_INFINITY.
const infinity = ^uint64(0)

func figure(n uint64) string {
	if n == infinity {
		return "infinity"
	}
	return fmt.Sprint(n)
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

func recordFile(dir, unit string) string { return filepath.Join(dir, unit+".limits.json") }
func saidFile(dir, unit string) string   { return filepath.Join(dir, unit+".said.json") }

func readRecord(dir, unit string) (r limitRecord, err error) {
	err = readJSON(recordFile(dir, unit), &r)
	return r, err
}

func readSaid(dir, unit string) (s limitSaid, err error) {
	err = readJSON(saidFile(dir, unit), &s)
	return s, err
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
