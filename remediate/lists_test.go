package remediate

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// TestEveryWordIsInItsList holds the lists, by which files are read, to the constants.
func TestEveryWordIsInItsList(t *testing.T) {
	for _, c := range []struct {
		file, kind string
		listed     []string
	}{
		{"evidence.go", "Sight", texts(Sights)},
		{"machine.go", "Source", texts(Sources)},
		{"playbook.go", "Choice", texts(Choices)},
	} {
		source, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`(?m)^\t\w+\s+`+c.kind+`\s+= "([a-z-]+)"`).FindAllStringSubmatch(string(source), -1)
		if len(found) != len(c.listed) {
			t.Errorf("%s has %d words, and the list %d", c.file, len(found), len(c.listed))
		}
		for _, word := range found {
			if !slices.Contains(c.listed, word[1]) {
				t.Errorf("%s %s is not in the list", c.kind, word[1])
			}
		}
	}
}

// texts are words as texts.
func texts[T ~string](of []T) []string {
	var all []string
	for _, one := range of {
		all = append(all, string(one))
	}
	return all
}
