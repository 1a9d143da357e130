package inventory

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEachKeyIsDocumented holds docs/inventory.md to the structs that are read:
// every key is there, in its section, in its order, and no other.
func TestEachKeyIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/inventory.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(keysOfTheStructs(), keysOfTheDocs(string(text))); diff != "" {
		t.Error(diff)
	}
}

// keysOfTheStructs are the keys that each section must have.
func keysOfTheStructs() map[string][]string {
	want := map[string][]string{}
	add := func(section string, of any) {
		want[section] = namesOf(fieldsOf(reflect.ValueOf(of)))
	}
	add("inventory", File{})
	add("host", Host{})
	add("host.memory", SliceMemory{})
	add("units", Unit{})
	add("profiles", Limit{}) // beside them, `for` is told of in the text
	add("groups", Group{})
	add("rates", Rates{})
	add("breaker", Breaker{})
	add("storm", Storm{})
	add("maintenance", Maintenance{})
	add("sources", Source{})
	add("vms", VM{})
	add("vms.proof", Proof{})
	add("vms.keep_aside", KeepAside{})
	add("playbooks", Playbook{})
	add("playbooks.verify", Verify{})
	add("playbooks.attempts", Attempts{})
	add("escalation", Escalation{})
	add("people", Person{})
	for _, kind := range fieldsOf(reflect.ValueOf(Probe{})) {
		add(kind.Name, reflect.Zero(kind.Value.Type().Elem()).Interface())
	}
	return want
}

var (
	section = regexp.MustCompile("^##+ `(.+)`$")
	row     = regexp.MustCompile("^\\| `([a-z_]+)` \\|")
)

// keysOfTheDocs are the first cells of the tables, by the heading above.
func keysOfTheDocs(text string) map[string][]string {
	got, current := map[string][]string{}, ""
	for _, line := range strings.Split(text, "\n") {
		if found := section.FindStringSubmatch(line); found != nil {
			current = found[1]
		}
		if found := row.FindStringSubmatch(line); found != nil && current != "" {
			got[current] = append(got[current], found[1])
		}
	}
	return got
}

func TestTheFullExampleHasEveryKeyToo(t *testing.T) {
	text, err := os.ReadFile("testdata/good/all.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, keys := range slices.Collect(maps.Values(keysOfTheStructs())) {
		for _, key := range keys {
			if !regexp.MustCompile(`\b` + key + `:`).Match(text) {
				t.Errorf("testdata/good/all.yaml does not have %s", key)
			}
		}
	}
}
