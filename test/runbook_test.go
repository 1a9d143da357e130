package test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nightshift/playbooks"
)

// row is a line of the table of docs/runbook.md.
type row struct{ heading, here string }

func runbook(t *testing.T) []row {
	t.Helper()
	var rows []row
	for line := range strings.Lines(page(t, "docs/runbook.md")) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if len(cells) != 2 || !strings.HasPrefix(line, "| ") || cells[0] == "| heading" {
			continue
		}
		rows = append(rows, row{strings.TrimPrefix(cells[0], "| "), strings.TrimSuffix(cells[1], " |")})
	}
	return rows
}

// TestEveryHeadingOfTheRunbookHasItsPlace holds docs/runbook.md to a copy of the
// headings, in their order.
func TestEveryHeadingOfTheRunbookHasItsPlace(t *testing.T) {
	text, err := os.ReadFile("testdata/runbook-headings.txt")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for line := range strings.Lines(string(text)) {
		want = append(want, strings.TrimSpace(strings.TrimLeft(line, "#")))
	}
	for _, r := range runbook(t) {
		got = append(got, r.heading)
		if len(r.here) < 10 {
			t.Errorf("%s: %q says nothing", r.heading, r.here)
		}
	}
	for n := range max(len(got), len(want)) {
		if n >= len(got) || n >= len(want) || got[n] != want[n] {
			t.Fatalf("row %d: docs/runbook.md has %q, the runbook %q", n+1, got[min(n, len(got)):], want[min(n, len(want)):])
		}
	}
	if len(want) < 50 {
		t.Errorf("only %d headings", len(want))
	}
}

// TestWhatTheRunbooksPageNamesExists looks each name up where it is made.
func TestWhatTheRunbooksPageNamesExists(t *testing.T) {
	text := page(t, "docs/runbook.md")
	rules := all(t, "../deploy/prometheus", "*.yml")
	tests := all(t, "..", "*_test.go")
	commands := page(t, "docs/commands.md")
	for pattern, exists := range map[string]func(name string) bool{
		"`(rave_[a-z_]+)`":                 func(name string) bool { return strings.Contains(rules, "- alert: "+name+"\n") },
		"playbooks? `([a-z-]+)`":           func(name string) bool { return slices.Contains(playbooks.Names(), name) },
		"`nightshift playbook run (\\S+)`": func(name string) bool { return slices.Contains(playbooks.Names(), name) },
		"`(Test\\w+)`":                     func(name string) bool { return strings.Contains(tests, "func "+name+"(t ") },
		"`(nightshift [a-z]+( (run|deploy|rollback|verify|list))?)": func(name string) bool {
			return strings.Contains(commands, "## `"+name+"`\n") || strings.Contains(commands, "## `"+name+" ")
		},
	} {
		found := regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1)
		if len(found) == 0 {
			t.Errorf("nothing is like %s", pattern)
		}
		for _, f := range found {
			if !exists(f[1]) {
				t.Errorf("docs/runbook.md names %s, which there is not", f[0])
			}
		}
	}
	for _, name := range playbooks.ForAlerts() {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("docs/runbook.md does not name the playbook %s", name)
		}
	}
}

// all is the text of all files below a directory whose name fits.
func all(t *testing.T, dir, name string) string {
	t.Helper()
	var text strings.Builder
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if fits, err := filepath.Match(name, entry.Name()); err != nil || !fits || entry.IsDir() {
			return err
		}
		read, err := os.ReadFile(path)
		text.Write(read)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}
