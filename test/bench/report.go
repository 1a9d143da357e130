package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// report is everything that one run found.
type report struct {
	Conditions circumstances `json:"conditions"`
	Rows       []row         `json:"rows"`
}

// circumstances are what the figures were measured under: they mean little
// without.
type circumstances struct {
	Version string    `json:"version"`
	At      time.Time `json:"at"`
	CPU     string    `json:"cpu"`
	CPUs    int       `json:"cpus"`
	Kernel  string    `json:"kernel"`
	Go      string    `json:"go"`
	// Load is the machine's load average of a minute, at the beginning and at
	// the end: with more than its CPUs, others were at work.
	Load [2]string `json:"load"`
}

// row is one line of the table. Where there is a floor, Ratio is the median of
// the ratios of the turns, which need not be that of the medians.
type row struct {
	Figure string   `json:"figure"`
	What   string   `json:"what"`
	Unit   string   `json:"unit"`
	Ours   float64  `json:"ours"`
	Floor  *float64 `json:"floor,omitempty"`
	Ratio  *float64 `json:"ratio,omitempty"`
	// Beside says what the floor is.
	Beside string `json:"beside,omitempty"`
	Aim    string `json:"aim,omitempty"`
	Met    *bool  `json:"met,omitempty"`
}

func conditions() circumstances {
	return circumstances{
		At: time.Now().UTC().Truncate(time.Second), CPU: field("/proc/cpuinfo", "model name"), CPUs: runtime.NumCPU(),
		Kernel: first("/proc/sys/kernel/osrelease"), Go: runtime.Version(), Load: [2]string{first("/proc/loadavg"), ""},
	}
}

func (c *circumstances) end() { c.Load[1] = first("/proc/loadavg") }

// field is what stands behind "name :" in a file.
func field(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// atMost and atLeast hold what a row found to an aim.
func (r row) atMost(limit float64) row {
	return r.aim(fmt.Sprintf("≤ %s %s", short(limit), r.Unit), r.Ours <= limit)
}

func (r row) ratioAtLeast(limit float64) row {
	return r.aim(fmt.Sprintf("≥ %s ×", short(limit)), r.Ratio != nil && *r.Ratio >= limit)
}

func (r row) ratioAtMost(limit float64) row {
	return r.aim(fmt.Sprintf("≤ %s ×", short(limit)), r.Ratio != nil && *r.Ratio <= limit)
}

func (r row) aim(aim string, met bool) row {
	r.Aim, r.Met = aim, &met
	return r
}

// add adds the rows of a figure.
func (r *report) add(figure string, rows []row) {
	for _, row := range rows {
		row.Figure = figure
		r.Rows = append(r.Rows, row)
	}
}

func (r report) writeJSON(file string) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("cannot write %s: %w", file, err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("cannot write %s: %w", file, err)
	}
	return os.WriteFile(file, text.Bytes(), 0o644)
}

func readReport(file string) (r report, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return r, fmt.Errorf("cannot read what was measured: %w", err)
	}
	return r, json.Unmarshal(text, &r)
}

// print writes the table.
func (r report) print(out io.Writer) {
	c := r.Conditions
	fmt.Fprintf(out, "nightshift %s, %s\n%d × %s, Linux %s, %s, load %s to %s\n\n",
		c.Version, c.At.Format("2006-01-02 15:04 MST"), c.CPUs, c.CPU, c.Kernel, c.Go, c.Load[0], c.Load[1])
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "what\tours\tfloor\tratio\taim\t\tbeside")
	figure := ""
	for _, row := range r.Rows {
		if row.Figure != figure {
			figure = row.Figure
			fmt.Fprintf(t, "%s\t\t\t\t\t\t\n", strings.ToUpper(figure))
		}
		fmt.Fprintf(t, "  %s\t%s %s\t%s\t%s\t%s\t%s\t%s\n", row.What, short(row.Ours), row.Unit,
			orNothing(row.Floor, ""), orNothing(row.Ratio, " ×"), row.Aim, verdict(row.Met), row.Beside)
	}
	t.Flush()
}

func orNothing(f *float64, unit string) string {
	if f == nil {
		return ""
	}
	return short(*f) + unit
}

func verdict(met *bool) string {
	switch {
	case met == nil:
		return ""
	case *met:
		return "met"
	}
	return "MISSED"
}

// short writes three digits, or all of a larger whole number.
func short(f float64) string {
	switch a := math.Abs(f); {
	case a >= 100:
		return fmt.Sprintf("%.0f", f)
	case a >= 10:
		return fmt.Sprintf("%.1f", f)
	case a >= 0.095 || a == 0:
		return strings.TrimSuffix(strings.TrimSuffix(fmt.Sprintf("%.2f", f), "0"), ".0")
	}
	return fmt.Sprintf("%.3f", f)
}
