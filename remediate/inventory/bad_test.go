package inventory

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the messages of testdata/bad anew; read the difference before you keep it")

// TestEachMistakeHasItsMessage holds what a person reads of each bad file, letter
// by letter, to the .txt beside it.
func TestEachMistakeHasItsMessage(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "bad", "*.yaml"))
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Parse(name+".yaml", text, coded)
			if err == nil {
				t.Fatal("it was accepted")
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", err.Error()+"\n")
		})
	}
}

// golden compares a text with a file's.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

func TestSecretsAreNotShownBesideAMistake(t *testing.T) {
	for _, text := range []string{
		"probes: {a: {http: 'https://admin:hunter2@localhost/', colour: red}}",
		"people: {a: {key: SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY}}",
	} {
		_, err := Parse("x.yaml", []byte(text), coded)
		if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "SUACSSL3") {
			t.Errorf("%v", err)
		}
	}
}
