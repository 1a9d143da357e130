package strict

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// Reader is a value whose mapping is read by itself, because what it may hold depends
// on what it holds. It decodes what it found with the methods of r, and notes what is
// wrong.
type Reader interface {
	ReadYAML(r *Reading, node *yaml.Node, path string)
}

// KindOf says what a node is, in the words of a message.
func KindOf(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	if IsEmpty(node) {
		return "nothing"
	}
	return Quote(node.Value)
}

// IsEmpty tells a value that was left out: `key:` or `key: null`.
func IsEmpty(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}

// Decode reads a node into a value, whose kind says what is expecter.
func (r *Reading) Decode(node *yaml.Node, into reflect.Value, path string) {
	r.values[path] = node
	if !r.Plain(node, path) {
		return
	}
	switch {
	case readsItself(into):
		into.Addr().Interface().(Reader).ReadYAML(r, node, path)
	case isText(into):
		r.decodeScalar(node, into, path)
	case into.Kind() == reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		r.Decode(node, into.Elem(), path)
	case into.Kind() == reflect.Struct:
		r.DecodeStruct(node, into, path)
	case into.Kind() == reflect.Map:
		r.decodeMap(node, into, path)
	case into.Kind() == reflect.Slice:
		r.decodeList(node, into, path)
	default:
		r.decodeScalar(node, into, path)
	}
}

// Plain refuses what makes one place of the file mean another.
func (r *Reading) Plain(node *yaml.Node, path string) bool {
	switch {
	case node.Kind == yaml.AliasNode:
		r.Fail(node, path, "an alias (*) is not read here; write the value out")
	case node.Anchor != "":
		r.Fail(node, path, "an anchor (&) is not read here; remove it")
	case node.Style&yaml.TaggedStyle != 0:
		r.Fail(node, path, "a tag (%s) is not read here; remove it", Quote(node.Tag))
	default:
		return true
	}
	return false
}

// Field is a key of a mapping and what it is read into.
type Field struct {
	Name  string
	OrOne bool // a list of one may be written without brackets
	Value reflect.Value
}

// FieldsOf are the keys of a struct, in its order.
func FieldsOf(value reflect.Value) []Field {
	var fields []Field
	for i := range value.NumField() {
		name, option, _ := strings.Cut(value.Type().Field(i).Tag.Get("yaml"), ",")
		if name != "" {
			fields = append(fields, Field{name, option == "orone", value.Field(i)})
		}
	}
	return fields
}

// NamesOf are the names of Fields.
func NamesOf(fields []Field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return names
}

func (r *Reading) DecodeStruct(node *yaml.Node, into reflect.Value, path string) {
	fields := FieldsOf(into)
	r.EachEntry(node, path, func(key, value *yaml.Node) {
		for _, f := range fields {
			if f.Name == key.Value {
				r.decodeField(value, f, Join(path, key.Value))
				return
			}
		}
		r.UnknownKey(key, path, NamesOf(fields))
	})
}

// decodeField reads the value of a key.
func (r *Reading) decodeField(value *yaml.Node, f Field, path string) {
	if f.OrOne && value.Kind == yaml.ScalarNode {
		value = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{value}, Line: value.Line, Column: value.Column}
	}
	r.Decode(value, f.Value, path)
}

// UnknownKey says which keys are known, and which of them may be meant.
func (r *Reading) UnknownKey(key *yaml.Node, path string, known []string) {
	r.Fail(key, path, "unknown key %s%s", Quote(key.Value), HintOrAll(key.Value, known))
}

// decodeMap reads a mapping from names to values. Nothing is an empty one.
func (r *Reading) decodeMap(node *yaml.Node, into reflect.Value, path string) {
	into.Set(reflect.MakeMap(into.Type()))
	r.EachEntry(node, path, func(key, value *yaml.Node) {
		entry := reflect.New(into.Type().Elem()).Elem()
		r.Decode(value, entry, Join(path, key.Value))
		into.SetMapIndex(reflect.ValueOf(key.Value), entry)
	})
}

// EachEntry calls visit for each key of a mapping that is a word and there for
// the first time.
func (r *Reading) EachEntry(node *yaml.Node, path string, visit func(key, value *yaml.Node)) {
	if IsEmpty(node) {
		return
	}
	if node.Kind != yaml.MappingNode {
		r.Fail(node, path, "expected a mapping (key: value), found %s", KindOf(node))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			r.Fail(key, path, "expected a word as key, found %s", KindOf(key))
		case !r.Plain(key, path):
		case seen[key.Value] > 0:
			r.Fail(key, path, "key %s is given twice, first in line %d", Quote(key.Value), seen[key.Value])
		default:
			seen[key.Value] = key.Line
			r.keys[Join(path, key.Value)] = key
			visit(key, value)
		}
	}
}

func (r *Reading) decodeList(node *yaml.Node, into reflect.Value, path string) {
	if node.Kind != yaml.SequenceNode {
		r.Fail(node, path, "expected a list [a, b], found %s", KindOf(node))
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), len(node.Content), len(node.Content)))
	for i, item := range node.Content {
		r.Decode(item, into.Index(i), Item(path, i))
	}
}

// readsItself reports whether a value is a [Reader].
func readsItself(into reflect.Value) bool {
	return into.CanAddr() && reflect.PointerTo(into.Type()).Implements(reflect.TypeFor[Reader]())
}

// isText reports whether a value reads itself from a text.
func isText(into reflect.Value) bool {
	return reflect.PointerTo(into.Type()).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func (r *Reading) decodeScalar(node *yaml.Node, into reflect.Value, path string) {
	if node.Kind != yaml.ScalarNode || IsEmpty(node) || node.Value == "" {
		r.Fail(node, path, "expected a value, found %s; leave the key out if it is not meant", KindOf(node))
		return
	}
	if err := setScalar(node.Value, into); err != nil {
		r.Fail(node, path, "%s", err)
	}
}

// setScalar reads one text into a value.
func setScalar(text string, into reflect.Value) error {
	if reader, ok := into.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return reader.UnmarshalText([]byte(text))
	}
	if into.Type() == reflect.TypeFor[time.Duration]() {
		d, err := ParseDuration(text)
		into.SetInt(int64(d))
		return err
	}
	switch into.Kind() {
	case reflect.String:
		into.SetString(text)
	case reflect.Bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("expected true or false, found %s", Quote(text))
		}
		into.SetBool(text == "true")
	case reflect.Int:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return fmt.Errorf("expected a whole number, found %s", Quote(text))
		}
		into.SetInt(n)
	case reflect.Float64:
		return setNumber(text, into)
	default:
		panic("no YAML is read into a " + into.Type().String())
	}
	return nil
}

// setNumber reads a number that can be comparer.
func setNumber(text string, into reflect.Value) error {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n-n != 0 {
		return fmt.Errorf("expected a number, found %s", Quote(text))
	}
	into.SetFloat(n)
	return nil
}

// Item is the path of an entry of a list.
func Item(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// Join adds a key to a path.
func Join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
