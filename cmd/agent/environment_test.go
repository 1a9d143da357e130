package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// unset takes a variable away until the test ends.
func unset(t *testing.T, name string) {
	t.Helper()
	t.Setenv(name, "")
	os.Unsetenv(name)
}

// environmentFile writes a file of settings.
func environmentFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "nightshift.env")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAFileStandsInForWhatTheEnvironmentLacks(t *testing.T) {
	unset(t, "NIGHTSHIFT_CONFIG")
	unset(t, "NIGHTSHIFT_LISTEN")
	unset(t, "LD_PRELOAD")
	t.Setenv("NIGHTSHIFT_MODE", "act")
	file := environmentFile(t, `
# comment
; another
NIGHTSHIFT_CONFIG="/etc/a file.yaml"
NIGHTSHIFT_LISTEN='127.0.0.1:1'
NIGHTSHIFT_MODE=observe
LD_PRELOAD=/tmp/evil.so
`)
	if err := new(cli).readEnvironment(file, ""); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"NIGHTSHIFT_CONFIG": "/etc/a file.yaml", "NIGHTSHIFT_LISTEN": "127.0.0.1:1", "NIGHTSHIFT_MODE": "act", "LD_PRELOAD": "",
	} {
		if got := os.Getenv(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

func TestTheUsualFileNeedNotBeThere(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	if err := new(cli).readEnvironment("", missing); err != nil {
		t.Error(err)
	}
	if err := new(cli).readEnvironment(missing, ""); err == nil {
		t.Error("a file that was asked for and is not there was taken")
	}
}

func TestALineThatIsNoSettingIsSaid(t *testing.T) {
	file := environmentFile(t, "NIGHTSHIFT_MODE=act\nexport\n")
	t.Setenv("NIGHTSHIFT_MODE", "observe")
	err := new(cli).readEnvironment(file, "")
	if want := file + ":2: expected NAME=VALUE"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestWhatIsTooLargeIsNotRead(t *testing.T) {
	file := environmentFile(t, strings.Repeat("#", maxEnvironment+1))
	if err := new(cli).readEnvironment(file, ""); err == nil || !strings.Contains(err.Error(), "at most 65536 bytes") {
		t.Errorf("got %v", err)
	}
}
