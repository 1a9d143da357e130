package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"nightshift/remediate"
)

// MaxText bounds a file, in bytes. An inventory of 1,000 units takes some 60 KiB.
const MaxText = 1 << 20

// MaxErrors bounds how much a hopeless file is talked about.
const MaxErrors = 100

// File says what is read, for its errors.
type File struct {
	// Name is what errors call it: its path.
	Name string
	// What it is, "inventory", and Noun the same with its article.
	What, Noun string
	// Begin is what somebody with an empty one must know.
	Begin string
}

// Reading is one file that is read: what is wrong with it, and by the path of each
// field, units.nginx.service.needs[0], where it stands.
//
// It is written here and not left to the YAML library because that one stops at what
// it thinks is wrong, and knows no place for what is only wrong in context.
type Reading struct {
	file   File
	lines  []string
	errs   Errors
	keys   map[string]*yaml.Node
	values map[string]*yaml.Node
}

// Read reads the one document of a text into a pointer to a struct. Where there is no
// document at all, or none that is YAML, ok is false and there is nothing to check.
func Read(file File, text []byte, into any) (r *Reading, ok bool) {
	r = &Reading{file: file, keys: map[string]*yaml.Node{}, values: map[string]*yaml.Node{}}
	root := r.compose(text)
	if root == nil {
		return r, false
	}
	r.Decode(root, reflect.ValueOf(into).Elem(), "")
	return r, true
}

// Into decodes a node into what a pointer points to.
func (r *Reading) Into(node *yaml.Node, into any, path string) {
	r.Decode(node, reflect.ValueOf(into).Elem(), path)
}

// Err is all that is wrong, as [Errors]; nil if nothing is.
func (r *Reading) Err() error {
	if len(r.errs) == 0 {
		return nil
	}
	return r.errs.sorted()
}

// Wrongs is how many errors there are so far.
func (r *Reading) Wrongs() int { return len(r.errs) }

// Fail notes an error at a node.
func (r *Reading) Fail(at *yaml.Node, field, format string, args ...any) {
	r.failAt(at.Line, at.Column, field, fmt.Sprintf(format, args...))
}

func (r *Reading) failAt(line, column int, field, msg string) {
	e := r.errorAt(line, column, field, msg)
	if len(r.errs) < MaxErrors && !slices.ContainsFunc(r.errs, e.samePlace) {
		r.errs = append(r.errs, e)
	}
}

func (r *Reading) errorAt(line, column int, field, msg string) *Error {
	line = min(max(line, 1), len(r.lines))
	return &Error{
		File: r.file.Name, What: r.file.What, Line: line, Column: max(column, 1), Field: cut(field), Msg: msg,
		source: maskSecrets(r.lines[line-1]),
	}
}

// lineBreak is what ends a line in YAML 1.1 (section 4.2), by which the library
// counts lines.
var lineBreak = regexp.MustCompile("\r\n|[\n\r\u0085\u2028\u2029]")

// compose reads the one document of a text, or notes why it can't.
func (r *Reading) compose(text []byte) *yaml.Node {
	if len(text) > MaxText {
		r.lines = []string{""}
		r.failAt(1, 1, "", fmt.Sprintf("the file is too large: expected at most %d bytes", MaxText))
		return nil
	}
	r.lines = lineBreak.Split(string(text), -1)
	if !utf8.Valid(text) {
		r.failAt(r.firstInvalid(), 1, "", "this line is not valid UTF-8; save the file as UTF-8")
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		r.failAt(1, 1, "", "cannot read YAML: "+err.Error())
		return nil
	}
	var document, second yaml.Node
	if err := loader.Load(&document); err != nil {
		r.failSyntax(err)
		return nil
	}
	if len(document.Content) == 0 || IsEmpty(document.Content[0]) {
		r.failSyntax(io.EOF)
		return nil
	}
	if err := loader.Load(&second); err == nil {
		r.Fail(&second, "", "a second document begins here; %s is one document, remove the ---", r.file.Noun)
	} else if !errors.Is(err, io.EOF) {
		r.failSyntax(err)
	}
	return document.Content[0]
}

// firstInvalid is the first line that is no UTF-8.
func (r *Reading) firstInvalid() int {
	for i, line := range r.lines {
		if !utf8.ValidString(line) {
			return i + 1
		}
	}
	return 1
}

// failSyntax notes why a text is no YAML, or that there is nothing in it.
func (r *Reading) failSyntax(err error) {
	if errors.Is(err, io.EOF) {
		r.failAt(1, 1, "", "nothing is in it, or all of it is commented out; "+r.file.Begin)
		return
	}
	line, column, msg := 1, 1, err.Error()
	if problem := new(yaml.LoadError); errors.As(err, &problem) {
		line, column, msg = problem.Mark.Line, problem.Mark.Column, problem.Message
	}
	r.failAt(line, column, "", "cannot read YAML: "+remediate.Printable(msg))
}

// Lines is how many lines a text has, by which errors count.
func Lines(text []byte) int { return len(lineBreak.Split(string(text), -1)) }
