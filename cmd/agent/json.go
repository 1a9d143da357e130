package main

import (
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"nightshift/remediate"
)

// writeJSON writes a value for programs and for people who look at it: indented,
// durations as in "1m30s".
func writeJSON(w io.Writer, value any) error {
	text, err := remediate.EncodeJSON(value)
	if err != nil {
		return err
	}
	indented := jsontext.Value(text)
	if err := indented.Indent(jsontext.WithIndent("  ")); err != nil {
		return fmt.Errorf("cannot indent the answer: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s\n", indented)
	return err
}
