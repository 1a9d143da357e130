package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightshift/playbooks"
)

// TestTheExamplesArePlaybooksAndEachHasATest holds the playbooks that others begin with
// to the loader, and to a rehearsal beside each; the command line's tests run those.
func TestTheExamplesArePlaybooksAndEachHasATest(t *testing.T) {
	files, err := filepath.Glob("playbooks/*-*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, path := range files {
		if strings.HasSuffix(path, ".test.yaml") {
			continue
		}
		found++
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := playbooks.Parse(path, text); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(strings.TrimSuffix(path, ".yaml") + ".test.yaml"); err != nil {
			t.Errorf("%s has no test: %v", path, err)
		}
	}
	if found < 6 {
		t.Errorf("found %d examples", found)
	}
}

func TestTheSchemaBesideTheExamplesIsTheLoaders(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("playbooks", playbooks.SchemaFile))
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != string(playbooks.Schema()) {
		t.Error("it is another one: nightshift playbook schema > deploy/playbooks/" + playbooks.SchemaFile)
	}
}
