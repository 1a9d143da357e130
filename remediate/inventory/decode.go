package inventory

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// decoder fills structs from the nodes of one document and keeps, by the path of
// each field, where it stands: the checks that come later point there.
//
// It is written here and not left to the YAML library because that one stops at
// what it thinks is wrong, and knows no place for what is only wrong in context.
type decoder struct {
	file   string
	lines  []string
	errs   Errors
	keys   map[string]*yaml.Node
	values map[string]*yaml.Node
}

// maxErrors bounds how much a hopeless file is talked about.
const maxErrors = 100

// fail notes an error at a node.
func (d *decoder) fail(at *yaml.Node, field, format string, args ...any) {
	d.failAt(at.Line, at.Column, field, fmt.Sprintf(format, args...))
}

func (d *decoder) failAt(line, column int, field, msg string) {
	line = min(max(line, 1), len(d.lines))
	e := &Error{File: d.file, Line: line, Column: max(column, 1), Field: cut(field), Msg: msg}
	if len(d.errs) >= maxErrors || slices.ContainsFunc(d.errs, e.samePlace) {
		return
	}
	e.source = maskSecrets(d.lines[line-1])
	d.errs = append(d.errs, e)
}

// kindOf says what a node is, in the words of a message.
func kindOf(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	if isEmpty(node) {
		return "nothing"
	}
	return quote(node.Value)
}

// isEmpty tells a value that was left out: `key:` or `key: null`.
func isEmpty(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}

// decode reads a node into a value, whose kind says what is expected.
func (d *decoder) decode(node *yaml.Node, into reflect.Value, path string) {
	d.values[path] = node
	if !d.plain(node, path) {
		return
	}
	switch {
	case into.Type() == reflect.TypeFor[Probe]():
		d.decodeProbe(node, into, path)
	case into.Type() == reflect.TypeFor[Times]():
		d.decodeTimes(node, into, path)
	case isText(into):
		d.decodeScalar(node, into, path)
	case into.Kind() == reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		d.decode(node, into.Elem(), path)
	case into.Kind() == reflect.Struct:
		d.decodeStruct(node, into, path)
	case into.Kind() == reflect.Map:
		d.decodeMap(node, into, path)
	case into.Kind() == reflect.Slice:
		d.decodeList(node, into, path)
	default:
		d.decodeScalar(node, into, path)
	}
}

// plain refuses what makes one place of the file mean another.
func (d *decoder) plain(node *yaml.Node, path string) bool {
	switch {
	case node.Kind == yaml.AliasNode:
		d.fail(node, path, "an alias (*) is not read here; write the value out")
	case node.Anchor != "":
		d.fail(node, path, "an anchor (&) is not read here; remove it")
	case node.Style&yaml.TaggedStyle != 0:
		d.fail(node, path, "a tag (%s) is not read here; remove it", quote(node.Tag))
	default:
		return true
	}
	return false
}

// field is a key of a mapping and what it is read into.
type field struct {
	name  string
	orOne bool // a list of one may be written without brackets
	value reflect.Value
}

// fieldsOf are the keys of a struct, in its order.
func fieldsOf(value reflect.Value) []field {
	var fields []field
	for i := range value.NumField() {
		name, option, _ := strings.Cut(value.Type().Field(i).Tag.Get("yaml"), ",")
		if name != "" {
			fields = append(fields, field{name, option == "orone", value.Field(i)})
		}
	}
	return fields
}

// namesOf are the names of fields.
func namesOf(fields []field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return names
}

func (d *decoder) decodeStruct(node *yaml.Node, into reflect.Value, path string) {
	fields := fieldsOf(into)
	d.eachEntry(node, path, func(key, value *yaml.Node) {
		for _, f := range fields {
			if f.name == key.Value {
				d.decodeField(value, f, join(path, key.Value))
				return
			}
		}
		d.unknownKey(key, path, namesOf(fields))
	})
}

// decodeField reads the value of a key.
func (d *decoder) decodeField(value *yaml.Node, f field, path string) {
	if f.orOne && value.Kind == yaml.ScalarNode {
		value = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{value}, Line: value.Line, Column: value.Column}
	}
	d.decode(value, f.value, path)
}

// unknownKey says which keys are known, and which of them may be meant.
func (d *decoder) unknownKey(key *yaml.Node, path string, known []string) {
	hint := didYouMean(key.Value, known)
	if hint == "" {
		hint = "; expected " + oneOf(known)
	}
	d.fail(key, path, "unknown key %s%s", quote(key.Value), hint)
}

// decodeMap reads a mapping from names to values. Nothing is an empty one.
func (d *decoder) decodeMap(node *yaml.Node, into reflect.Value, path string) {
	into.Set(reflect.MakeMap(into.Type()))
	d.eachEntry(node, path, func(key, value *yaml.Node) {
		entry := reflect.New(into.Type().Elem()).Elem()
		d.decode(value, entry, join(path, key.Value))
		into.SetMapIndex(reflect.ValueOf(key.Value), entry)
	})
}

// eachEntry calls visit for each key of a mapping that is a word and there for
// the first time.
func (d *decoder) eachEntry(node *yaml.Node, path string, visit func(key, value *yaml.Node)) {
	if isEmpty(node) {
		return
	}
	if node.Kind != yaml.MappingNode {
		d.fail(node, path, "expected a mapping (key: value), found %s", kindOf(node))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			d.fail(key, path, "expected a word as key, found %s", kindOf(key))
		case !d.plain(key, path):
		case seen[key.Value] > 0:
			d.fail(key, path, "key %s is given twice, first in line %d", quote(key.Value), seen[key.Value])
		default:
			seen[key.Value] = key.Line
			d.keys[join(path, key.Value)] = key
			visit(key, value)
		}
	}
}

func (d *decoder) decodeList(node *yaml.Node, into reflect.Value, path string) {
	if node.Kind != yaml.SequenceNode {
		d.fail(node, path, "expected a list [a, b], found %s", kindOf(node))
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), len(node.Content), len(node.Content)))
	for i, item := range node.Content {
		d.decode(item, into.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

// isText reports whether a value reads itself from a text.
func isText(into reflect.Value) bool {
	return reflect.PointerTo(into.Type()).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func (d *decoder) decodeScalar(node *yaml.Node, into reflect.Value, path string) {
	if node.Kind != yaml.ScalarNode || isEmpty(node) || node.Value == "" {
		d.fail(node, path, "expected a value, found %s; leave the key out if it is not meant", kindOf(node))
		return
	}
	if err := setScalar(node.Value, into); err != nil {
		d.fail(node, path, "%s", err)
	}
}

// setScalar reads one text into a value.
func setScalar(text string, into reflect.Value) error {
	if reader, ok := into.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return reader.UnmarshalText([]byte(text))
	}
	if into.Type() == reflect.TypeFor[time.Duration]() {
		d, err := parseDuration(text)
		into.SetInt(int64(d))
		return err
	}
	switch into.Kind() {
	case reflect.String:
		into.SetString(text)
	case reflect.Bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("expected true or false, found %s", quote(text))
		}
		into.SetBool(text == "true")
	case reflect.Int:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return fmt.Errorf("expected a whole number, found %s", quote(text))
		}
		into.SetInt(n)
	case reflect.Float64:
		return setNumber(text, into)
	default:
		panic("no YAML is read into a " + into.Type().String())
	}
	return nil
}

// setNumber reads a number that can be compared.
func setNumber(text string, into reflect.Value) error {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n-n != 0 {
		return fmt.Errorf("expected a number, found %s", quote(text))
	}
	into.SetFloat(n)
	return nil
}

// join adds a key to a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
