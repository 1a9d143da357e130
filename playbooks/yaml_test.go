package playbooks

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/alerts"
	"nightshift/remediate"
	"nightshift/remediate/strict"
)

var update = flag.Bool("update", false, "write the messages of testdata anew; read the difference before you keep it")

// crashLoop is testdata/good/crash-loop.yaml as one writes it in Go.
var crashLoop = remediate.Playbook{
	Name:   "crash-loop",
	Match:  alerts.Matching(`alertname="UnitCrashLooping"`, `severity=~"warning|critical"`),
	Target: remediate.TargetRule{UnitLabel: "name"},
	Look:   look(properties, memory, lastLines(50)),
	Ladder: ladder(
		rung("clear and restart", remediate.Move{Do: remediate.VerbResetFailed, On: theTarget}, restart(theTarget)),
		approved(rung("restart with what it needs", restart(remediate.Selector{What: remediate.ItsNeeds}), restart(theTarget))),
	),
	Verify:   remediate.Verify{Healthy: []string{"target"}, Settle: 5 * time.Second, Window: time.Minute},
	Attempts: remediate.Attempts{Max: 2, Per: time.Hour, Cooldown: 10 * time.Minute},
	Deadline: 15 * time.Minute,
}

// everyField are playbooks which together say all that one can say.
var everyField = []remediate.Playbook{
	crashLoop,
	{
		Name: "whole", Match: alerts.Matching(`a!="it's \"b\""`), Target: unit("nginx.service"), Autonomy: remediate.WatchOnly,
		Look:   look(lastLines(7), topProcesses(3), answerOf("front"), remediate.Look{What: remediate.SeeJournal, Of: "b.service", Lines: 2}),
		Ladder: ladder(rung("true", remediate.Move{Do: remediate.VerbReload, On: the("nginx.service"), Timeout: 90 * time.Second})),
		Verify: remediate.Verify{Healthy: []string{"unit:nginx.service", "123"}, Settle: 1500 * time.Millisecond, Window: time.Minute,
			Within: time.Hour, Every: time.Second},
	},
	{Name: "of-a-vm", Match: alerts.Matching("a=b"), Target: vm("rave"), Ladder: ladder(rung("x", cont(thePaused))), Verify: healthy("target", "vm:rave")},
	{Name: "of-some-vm", Match: alerts.Matching("a=b"), Target: remediate.TargetRule{VMLabel: "vm"}, Ladder: ladder(rung("x", powerDown, swapTo(remediate.SetAside), boot)), Verify: healthy("vm-port")},
	{Name: "of-the-host", Match: alerts.Matching("a=b"), Target: thisHost, Ladder: ladder(rung("x", restart(wholeSite))), Verify: healthy("site")},
	{
		Name: "limits", Match: alerts.Matching("a=b"), Target: thisHost, Verify: healthy("profile"),
		Ladder: ladder(rung("x", remediate.Move{Do: remediate.VerbLimit, On: remediate.Selector{What: remediate.ItsProfile}, Profile: "safe"})),
	},
	VMCheckpoint,
}

// equal compares playbooks, whose matchers have no fields to see.
func equal(a, b remediate.Playbook) string {
	return cmp.Diff(a, b, cmp.Comparer(func(a, b alerts.Matchers) bool { return a.Equal(b) }))
}

func TestEachPlaybookIsReadBackFromItsYAML(t *testing.T) {
	for _, p := range slices.Concat(Coded, Asked, everyField) {
		yaml := Write(p)
		file, err := Parse(p.Name, yaml)
		if err != nil {
			t.Errorf("%v\n%s", err, yaml)
			continue
		}
		if diff := equal(p, file.Playbook); diff != "" {
			t.Errorf("%s: %s\n%s", p.Name, diff, yaml)
		}
		if again := Write(file.Playbook); string(again) != string(yaml) {
			t.Errorf("%s is written in two ways:\n%s\n%s", p.Name, yaml, again)
		}
	}
}

// TestNoFieldOfAPlaybookIsForgotten fails when a field is added to the vocabulary which
// YAML does not have: then everyField lacks it.
func TestNoFieldOfAPlaybookIsForgotten(t *testing.T) {
	set := map[string]bool{}
	var visit func(value reflect.Value, path string)
	visit = func(value reflect.Value, path string) {
		switch value.Kind() {
		case reflect.Struct:
			if value.Type() == reflect.TypeFor[alerts.Matchers]() {
				return
			}
			for n := range value.NumField() {
				at := path + "." + value.Type().Field(n).Name
				set[at] = set[at] || !value.Field(n).IsZero()
				visit(value.Field(n), at)
			}
		case reflect.Slice:
			for n := range value.Len() {
				visit(value.Index(n), path)
			}
		}
	}
	for _, p := range everyField {
		visit(reflect.ValueOf(p), p.Name[:0]+"Playbook")
	}
	for field, is := range set {
		if !is {
			t.Errorf("no example has %s: is it read from YAML, and written?", field)
		}
	}
}

func TestAPlaybookIsReadAsItIsMeant(t *testing.T) {
	text, err := os.ReadFile("testdata/good/crash-loop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file, err := Parse("crash-loop.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := equal(crashLoop, file.Playbook); diff != "" {
		t.Error(diff)
	}
}

func TestAPlaybookIsWrittenAsPeopleWriteIt(t *testing.T) {
	golden(t, "testdata/vm-down.golden", string(Write(VMDown)))
}

// TestEachMistakeInAPlaybookHasItsMessage holds what a person reads of each bad file,
// letter by letter, to the .txt beside it.
func TestEachMistakeInAPlaybookHasItsMessage(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = Parse(name, text); err == nil {
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

func TestWhatIsWrongBesideAnInventoryHasItsPlaceToo(t *testing.T) {
	text, err := os.ReadFile("testdata/good/crash-loop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file, err := Parse("crash-loop.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	one := new(strict.Error)
	if err := file.At("ladder[1].do[0]", "nobody has it"); !errors.As(err, &one) || one.Line != 7 {
		t.Errorf("%v, want line 7", err)
	}
}

func TestAPlaybookInGoIsHeldToTheSame(t *testing.T) {
	bad := crashLoop
	bad.Verify.Healthy = nil
	if err := Check(bad); err == nil || !strings.Contains(err.Error(), "without one nothing is ever fixed") {
		t.Errorf("%v", err)
	}
	for _, p := range slices.Concat(Coded, Asked) {
		if err := Check(p); err != nil {
			t.Error(err)
		}
	}
}

// FuzzParse holds whatever text there may be to this: no panic, an error has its place,
// and what is accepted is written and read back as the same.
func FuzzParse(f *testing.F) {
	for _, p := range slices.Concat(Coded, Asked, everyField) {
		f.Add(Write(p))
	}
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := Parse("x.yaml", text)
		if err != nil {
			var errs strict.Errors
			if !errors.As(err, &errs) || len(errs) == 0 || errs[0].Line < 1 || errs[0].Line > strict.Lines(text) {
				t.Fatalf("%v", err)
			}
			return
		}
		again, err := Parse("x.yaml", Write(file.Playbook))
		if err != nil {
			t.Fatalf("%v\n%s", err, Write(file.Playbook))
		}
		if diff := equal(file.Playbook, again.Playbook); diff != "" {
			t.Fatal(diff)
		}
	})
}
