package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/playbooks"
	"nightshift/remediate/agent"
)

// TestTheCodedPlaybooksDoWhatTheirTestsSay rehearses the test files of all coded
// playbooks, and holds that none is without.
func TestTheCodedPlaybooksDoWhatTheirTestsSay(t *testing.T) {
	paths, err := filepath.Glob("../../playbooks/testdata/rehearsals/*.test.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("found %v, %v", paths, err)
	}
	var rehearsed []string
	for _, path := range paths {
		reports, err := agent.Rehearse(agent.Settings{}, path)
		if err != nil {
			t.Error(err)
		}
		for _, r := range reports {
			for _, d := range r.Differences {
				t.Errorf("%s:\n%s", r.Name, d.Error())
			}
			for _, i := range r.Result.Incidents {
				rehearsed = append(rehearsed, i.Playbook.Name)
			}
		}
	}
	for _, name := range playbooks.Names() {
		if !slices.Contains(rehearsed, name) {
			t.Errorf("no test in playbooks/testdata/rehearsals has an incident of the playbook %s", name)
		}
	}
}

// rehearse runs `playbook test` on one file of testdata.
func rehearse(t *testing.T, flags ...string) (status int, out string) {
	t.Helper()
	var text, errs strings.Builder
	c := &cli{in: strings.NewReader(""), out: &output{w: &text}, err: &errs, now: func() time.Time { return noon }}
	args := append([]string{"playbook", "test", filepath.Join("testdata", "rehearsals", "differs.test.yaml")}, flags...)
	status = c.run(t.Context(), args)
	if errs.Len() > 0 {
		t.Errorf("it said %q", errs.String())
	}
	return status, text.String()
}

func TestWhatDiffersIsShownWithWhatHappened(t *testing.T) {
	status, out := rehearse(t)
	if status != statusFailed {
		t.Errorf("expected the status %d, found %d", statusFailed, status)
	}
	golden(t, "rehearsal.golden", out)
}

func TestRehearsalsAreReadByPrograms(t *testing.T) {
	status, out := rehearse(t, "--output", "json")
	var files []jsonFile
	if err := json.Unmarshal([]byte(out), &files); err != nil {
		t.Fatal(err)
	}
	if status != statusFailed || len(files) != 1 || len(files[0].Tests) != 2 || !files[0].Tests[0].OK || files[0].Tests[1].OK {
		t.Errorf("expected a test as expected and one that is not, found %d %+v", status, files)
	}
}
