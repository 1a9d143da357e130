package strict

import (
	"regexp"

	"go.yaml.in/yaml/v4"
)

// Has reports whether the file gives a field, rightly or wrongly.
func (r *Reading) Has(path string) bool { return r.values[path] != nil }

// Value is the node of a field, or of the whole file.
func (r *Reading) Value(path string) *yaml.Node { return r.place(r.values, path) }

// Visited keeps where a field stands that a [Reader] reads by itself.
func (r *Reading) Visited(path string, node *yaml.Node) { r.values[path] = node }

// Wrong notes an error at the value of a field.
func (r *Reading) Wrong(path, format string, args ...any) {
	r.Fail(r.Value(path), path, format, args...)
}

// WrongKey notes an error at the key of a field.
func (r *Reading) WrongKey(path, format string, args ...any) {
	r.Fail(r.place(r.keys, path), path, format, args...)
}

// place is the node of a field, or of the whole file.
func (r *Reading) place(nodes map[string]*yaml.Node, path string) *yaml.Node {
	if node := nodes[path]; node != nil {
		return node
	}
	return r.values[""]
}

// Need notes an error unless the file gives a field of what path names. What is no
// mapping at all has been noted as that.
func (r *Reading) Need(path, name, meaning string) {
	entry := r.Value(path)
	if entry.Kind != yaml.MappingNode && !IsEmpty(entry) {
		return
	}
	if field := Join(path, name); !r.Has(field) {
		r.Fail(r.Holder(path), field, "%s is missing: %s", name, meaning)
	}
}

// Holder is where to point when something is missing in what path names: at its key,
// or where the entry of a list begins.
func (r *Reading) Holder(path string) *yaml.Node {
	if key := r.keys[path]; key != nil {
		return key
	}
	return r.Value(path)
}

// Between notes an error unless a number that the file gives is within bounds.
func (r *Reading) Between(path string, n, low, high int) {
	if r.Has(path) && (n < low || n > high) {
		r.Wrong(path, "expected a number from %d to %d, found %d", low, high, n)
	}
}

// token is a name that can stand in a subject, a metric's label and a file name.
var token = regexp.MustCompile("^[a-z0-9][a-z0-9-]{0,62}$")

// TokenIs says what a name must be that can stand in a subject, a metric's label and a
// file name.
const TokenIs = "expected 1 to 63 of a-z, 0-9 and -, not beginning with -"

// IsToken reports whether a name is what [TokenIs] says.
func IsToken(name string) bool { return token.MatchString(name) }

// At is an error at the value of a field, found after the file was read: of what is
// only wrong beside another file.
func (r *Reading) At(path, msg string) *Error {
	at := r.Value(path)
	return r.errorAt(at.Line, at.Column, path, msg)
}
