package playbooks

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

// editor checks as an editor does: by the schema alone.
func editor(t *testing.T) func(text []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(SchemaFile, doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile(SchemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return func(text []byte) error {
		var value any
		if err := yaml.Load(text, &value); err != nil {
			return err
		}
		return compiled.Validate(value)
	}
}

func TestTheSchemaTakesWhateverIsAPlaybook(t *testing.T) {
	check := editor(t)
	for _, p := range slices.Concat(Coded, Asked, everyField) {
		if err := check(Write(p)); err != nil {
			t.Errorf("%s: %v\n%s", p.Name, err, Write(p))
		}
	}
}

// seenInEditor are the bad files in which the schema alone finds something; the others
// are wrong in what YAML can't say.
var seenInEditor = []string{
	"asked.yaml", "disks.yaml", "empty.yaml", "fields.yaml", "host-has-no-unit.yaml", "nothing-said.yaml",
	"profiles.yaml", "steps.yaml", "target-label.yaml", "target-word.yaml", "target.yaml", "times.yaml", "two-documents.yaml",
}

func TestAnEditorFindsMostMistakes(t *testing.T) {
	check := editor(t)
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		if found := check(text) != nil; found != slices.Contains(seenInEditor, name) {
			t.Errorf("%s: an editor finds something wrong: %t", name, found)
		}
	}
}

// TestWhatAnEditorRefusesTheLoaderRefusesToo takes each playbook apart, a value at a
// time: whatever the schema finds wrong then must be wrong, and an unknown key must be
// found by both.
func TestWhatAnEditorRefusesTheLoaderRefusesToo(t *testing.T) {
	check := editor(t)
	refused := 0
	for _, p := range slices.Concat(Coded, Asked, everyField) {
		for _, text := range mutants(t, Write(p)) {
			_, err := Parse("x.yaml", text)
			wrong := check(text)
			if wrong != nil {
				refused++
			}
			if wrong != nil && err == nil {
				t.Fatalf("the loader takes what the schema refuses: %v\n%s", wrong, text)
			}
			if wrong == nil && bytes.Contains(text, []byte("unheard-of")) {
				t.Fatalf("the schema takes an unknown key\n%s", text)
			}
		}
	}
	if refused < 500 {
		t.Errorf("only %d mutants were refused", refused)
	}
}

// mutants are a text with one node after the other exchanged, taken out, or given a key
// that nobody knows.
func mutants(t *testing.T, text []byte) [][]byte {
	t.Helper()
	var all [][]byte
	for n := 0; ; n++ {
		for _, change := range []func(*yaml.Node) bool{
			func(node *yaml.Node) bool { *node = yaml.Node{Kind: yaml.ScalarNode, Value: "7"}; return true },
			func(node *yaml.Node) bool { *node = yaml.Node{Kind: yaml.ScalarNode, Value: "word"}; return true },
			func(node *yaml.Node) bool { *node = yaml.Node{Kind: yaml.SequenceNode}; return true },
			func(node *yaml.Node) bool { *node = yaml.Node{Kind: yaml.MappingNode}; return true },
			func(node *yaml.Node) bool {
				more := &yaml.Node{Kind: yaml.ScalarNode, Value: "unheard-of"}
				node.Content = append(node.Content, more, more)
				return node.Kind == yaml.MappingNode
			},
			func(node *yaml.Node) bool {
				if len(node.Content) < 2 {
					return false
				}
				node.Content = node.Content[2:]
				return node.Kind == yaml.MappingNode
			},
		} {
			var doc yaml.Node
			if err := yaml.Load(text, &doc); err != nil {
				t.Fatal(err)
			}
			values := valuesOf(&doc)
			if n == len(values) {
				return all
			}
			if !change(values[n]) {
				continue
			}
			mutant, err := yaml.Dump(&doc)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, mutant)
		}
	}
}

// valuesOf are all nodes below one but for keys.
func valuesOf(node *yaml.Node) []*yaml.Node {
	var all []*yaml.Node
	for n, below := range node.Content {
		if node.Kind == yaml.MappingNode && n%2 == 0 {
			continue
		}
		all = append(all, below)
		all = append(all, valuesOf(below)...)
	}
	return all
}
