package probe

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// maxJSON bounds the answer that is read, in bytes: what says how a service is
// takes a few hundred.
const maxJSON = 64 << 10

// says holds the fields of an answer against what they must be. It returns what
// is wrong, and the answer as it came, for the excerpt.
func says(body io.Reader, want map[string]string) (wrong string, text []byte) {
	text, err := io.ReadAll(io.LimitReader(body, maxJSON+1))
	switch {
	case err != nil:
		return "the answer breaks off", text
	case len(text) > maxJSON:
		return "the answer is longer than 64 KiB", nil
	}
	var value any
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return "the answer is no JSON", text
	}
	for _, path := range slices.Sorted(maps.Keys(want)) {
		got, ok := fieldAt(value, path)
		switch {
		case !ok:
			return fmt.Sprintf("the answer has no %s, expected %q", path, want[path]), text
		case got != want[path]:
			return fmt.Sprintf("%s is %q, expected %q", path, got, want[path]), text
		}
	}
	return "", text
}

// fieldAt is the value of a field by its path, as it is written. What holds others
// has none.
func fieldAt(value any, path string) (text string, ok bool) {
	for name := range strings.SplitSeq(path, ".") {
		object, isObject := value.(map[string]any)
		if !isObject {
			return "", false
		}
		if value, ok = object[name]; !ok {
			return "", false
		}
	}
	switch v := value.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return fmt.Sprint(v), true
	case nil:
		return "null", true
	}
	return "", false
}
