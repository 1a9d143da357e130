package main

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"
)

// TestTheExamplesAreAsTheirTestsSay rehearses the playbooks of deploy/playbooks, as
// their authors would.
func TestTheExamplesAreAsTheirTestsSay(t *testing.T) {
	files, err := filepath.Glob("../../deploy/playbooks/*.test.yaml")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var said bytes.Buffer
	c := &cli{in: &bytes.Buffer{}, out: &output{w: &said}, err: &said, now: time.Now}
	if status := c.run(t.Context(), append([]string{"playbook", "test"}, files...)); status != 0 {
		t.Errorf("status %d:\n%s", status, said.String())
	}
}
