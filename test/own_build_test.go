package test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestABuildOfOnesOwn builds and runs the program that CONTRIBUTING.md shows, and sends
// it the alert that its playbook is for.
func TestABuildOfOnesOwn(t *testing.T) {
	found := regexp.MustCompile("(?s)```go\n(package main.*?)```").FindStringSubmatch(page(t, "CONTRIBUTING.md"))
	if found == nil || strings.Count(found[1], "\n") > 36 {
		t.Fatal("CONTRIBUTING.md shows no short program")
	}
	// It lies within the module, because the module has no address to be fetched from.
	dir, err := os.MkdirTemp(".", "zz_own")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	put(t, filepath.Join(dir, "main.go"), found[1])
	program := filepath.Join(t.TempDir(), "own")
	if out, err := exec.Command("go", "build", "-o", program, "./"+dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	runOwn(t, program)
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// runOwn runs the program until it has heard of an alert for its own playbook.
func runOwn(t *testing.T, program string) {
	t.Helper()
	site := filepath.Join(t.TempDir(), "site.yaml")
	put(t, site, "host: {name: own-1, alerts: ['job=\"a\"']}\nunits: {queue.service: {}}\nplaybooks: [{name: flush-queue}]\n")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, program)
	command.Env = append(os.Environ(), "NIGHTSHIFT_CONFIG="+site, "NIGHTSHIFT_STATE_DIR="+t.TempDir(), "NIGHTSHIFT_LISTEN=127.0.0.1:19797", "NIGHTSHIFT_NATS_LISTEN=",
		"DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere")
	command.Stderr = t.Output()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	body := `{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"QueueStuck","job":"a"},"startsAt":"2026-01-01T00:00:00Z"}]}`
	for told := false; !told; {
		if ctx.Err() != nil {
			t.Fatal("it never opened an incident")
		}
		r, err := http.Post("http://127.0.0.1:19797/webhook/alertmanager", "application/json", strings.NewReader(body))
		if err == nil {
			r.Body.Close()
			told = r.StatusCode == http.StatusOK
		}
		time.Sleep(50 * time.Millisecond) // a process: there is nothing to wait on
	}
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err != nil {
		t.Errorf("it did not end in order: %v", err)
	}
}
