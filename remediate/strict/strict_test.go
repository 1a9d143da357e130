package strict

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

// shelf is what these tests read.
type shelf struct {
	Name  string        `yaml:"name"`
	Books []string      `yaml:"books,orone"`
	Lent  time.Duration `yaml:"lent"`
	Only  word          `yaml:"only"`
}

// word reads itself.
type word string

func (w *word) ReadYAML(r *Reading, node *yaml.Node, path string) {
	if node.Value != "yes" {
		r.Fail(node, path, "expected yes, found %s", KindOf(node))
	}
	*w = word(node.Value)
}

func read(text string) (shelf, *Reading) {
	var s shelf
	r, ok := Read(File{Name: "shelf.yaml", What: "shelf", Noun: "a shelf", Begin: "begin with name: …"}, []byte(text), &s)
	if ok {
		r.Need("", "name", "how it is called")
	}
	return s, r
}

func TestWhatIsRightIsRead(t *testing.T) {
	s, r := read("name: top\nbooks: one\nlent: 1h30m\nonly: yes\n")
	if err := r.Err(); err != nil || s.Name != "top" || len(s.Books) != 1 || s.Lent != 90*time.Minute || s.Only != "yes" {
		t.Errorf("%+v %v", s, err)
	}
	if !r.Has("books[0]") || r.Has("colour") {
		t.Error("it does not know what the file gives")
	}
}

func TestAllThatIsWrongIsSaidAtOnceInTheOrderOfTheFile(t *testing.T) {
	_, r := read("book: one\nlent: soon\nonly: no\n")
	const want = `cannot use the shelf shelf.yaml: 4 errors
shelf.yaml:1:1: unknown key "book"; did you mean "books"?
    book: one
    ^
shelf.yaml:1:1: name: name is missing: how it is called
    book: one
    ^
shelf.yaml:2:7: lent: cannot read duration "soon": expected one like 500ms, 30s, 5m or 1h30m
    lent: soon
          ^
shelf.yaml:3:7: only: expected yes, found "no"
    only: no
          ^`
	err := r.Err()
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
	if one := new(Error); !errors.As(err, &one) || one.File != "shelf.yaml" {
		t.Errorf("no single error can be taken out of %v", err)
	}
}

func TestWhatIsFoundLaterHasItsPlaceToo(t *testing.T) {
	_, r := read("name: top\nbooks: [one, two]\n")
	const want = "shelf.yaml:2:14: books[1]: nobody wrote it\n    books: [one, two]\n                 ^"
	if got := r.At("books[1]", "nobody wrote it").Error(); got != want {
		t.Errorf("found\n%s\nwant\n%s", got, want)
	}
	if r.Err() != nil {
		t.Error("the reading itself was right")
	}
}

func TestAnEmptyFileSaysHowToBegin(t *testing.T) {
	_, r := read("# nothing\n")
	if err := r.Err(); err == nil || !strings.Contains(err.Error(), "begin with name") {
		t.Errorf("%v", err)
	}
}
