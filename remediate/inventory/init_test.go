package inventory

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// uncommented takes the first # and one blank from each line, as an editor does.
func uncommented(text []byte) []byte {
	return regexp.MustCompile(`(?m)^# ?`).ReplaceAll(text, nil)
}

func TestInitWritesWhatWasFound(t *testing.T) {
	got := Init(Found{
		Host: "Web_1.example.org",
		Units: []FoundUnit{
			{Name: "nginx.service", Description: "A high performance\tweb server: #1", Running: true},
			{Name: "getty@.service"},
			{Name: "nix-gc.service", Description: "Nix Garbage Collector", Oneshot: true},
			{Name: `dev-disk-by\x2duuid.swap`, Description: "Swap\nhost: {name: forged}\x1b[2J", Running: true},
			{Name: "-.mount", Description: "Root Mount", Running: true},
			{Name: "nginx.service", Description: "again", Running: true},
		},
		Playbooks: []string{"system-down", "high-memory"},
	})
	golden(t, "testdata/init.txt", string(got))
}

func TestInitCommentsEverythingOut(t *testing.T) {
	for _, line := range strings.Split(strings.TrimSpace(string(Init(Found{Host: "a", Playbooks: []string{"x"}}))), "\n") {
		if !strings.HasPrefix(line, "# ") && !strings.HasPrefix(line, "## ") {
			t.Errorf("%q is no comment", line)
		}
	}
}

func TestWhatInitWritesCanBeReadOnceUncommented(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		found := Found{
			Host: rapid.String().Draw(t, "host"),
			Units: rapid.SliceOf(rapid.Custom(func(t *rapid.T) FoundUnit {
				return FoundUnit{
					Name: rapid.StringMatching(`[A-Za-z0-9:_.\\@-]{0,9}`).Draw(t, "name") +
						rapid.SampledFrom([]string{".service", ".slice", ".device", ""}).Draw(t, "suffix"),
					Description: rapid.String().Draw(t, "description"),
					Running:     rapid.Bool().Draw(t, "running"),
					Oneshot:     rapid.Bool().Draw(t, "oneshot"),
				}
			})).Draw(t, "units"),
			Playbooks: rapid.SliceOfDistinct(rapid.SampledFrom(coded.Playbooks), rapid.ID).Draw(t, "playbooks"),
		}
		text := uncommented(Init(found))
		file, err := Parse("init.yaml", text, coded)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		want := map[string]bool{}
		for _, unit := range found.Units {
			if wrongUnit(unit.Name) == "" {
				want[unit.Name] = true
			}
		}
		if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), sorted(file.Units)); diff != "" {
			t.Fatal(diff)
		}
	})
}
