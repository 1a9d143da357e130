package inventory

import (
	"reflect"

	"go.yaml.in/yaml/v4"

	"nightshift/remediate/strict"
)

// Error is one thing that is wrong in an inventory, Errors all of it.
type (
	Error  = strict.Error
	Errors = strict.Errors
)

// decoder reads what is an inventory's own, by the rules that every file is read by.
type decoder struct{ *strict.Reading }

// field is a key of a mapping and what it is read into.
type field = strict.Field

// The words of strict reading, in this package's own short form: a check is a line.

func (d *decoder) fail(at *yaml.Node, field, format string, args ...any) {
	d.Fail(at, field, format, args...)
}
func (d *decoder) wrong(path, format string, args ...any)    { d.Wrong(path, format, args...) }
func (d *decoder) wrongKey(path, format string, args ...any) { d.WrongKey(path, format, args...) }
func (d *decoder) need(path, name, meaning string)           { d.Need(path, name, meaning) }
func (d *decoder) has(path string) bool                      { return d.Has(path) }
func (d *decoder) between(path string, n, low, high int)     { d.Between(path, n, low, high) }
func (d *decoder) holder(path string) *yaml.Node             { return d.Holder(path) }
func (d *decoder) decodeStruct(node *yaml.Node, into reflect.Value, path string) {
	d.DecodeStruct(node, into, path)
}

func didYouMean(word string, known []string) string { return strict.DidYouMean(word, known) }
func hintOrAll(word string, known []string) string  { return strict.HintOrAll(word, known) }
func wrongUnit(name string) string                  { return strict.WrongUnit(name) }
func oneOf(names []string) string                   { return strict.OneOf(names) }
func quote(word string) string                      { return strict.Quote(word) }
func kindOf(node *yaml.Node) string                 { return strict.KindOf(node) }
func join(path, key string) string                  { return strict.Join(path, key) }
func item(path string, i int) string                { return strict.Item(path, i) }
func fieldsOf(value reflect.Value) []field          { return strict.FieldsOf(value) }
func namesOf(fields []field) []string               { return strict.NamesOf(fields) }

const tokenIs = strict.TokenIs
