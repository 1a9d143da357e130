package inventory

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightshift/remediate/strict"
)

// FuzzParse holds whatever text there may be to this: no panic, no endless work,
// and an error has a line of the text, a column, and one line of message.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.yaml", "testdata/bad/*.yaml", "rave*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := Parse("x.yaml", text, coded)
		if err == nil {
			file.Core()
			file.Polkit("nightshift")
			return
		}
		var errs Errors
		if file != nil || !errors.As(err, &errs) || len(errs) == 0 || len(errs) > strict.MaxErrors {
			t.Fatalf("%v %v", file, err)
		}
		lines := strict.Lines(text)
		for _, e := range errs {
			if e.Line < 1 || e.Line > lines || e.Column < 1 || e.Msg == "" || strings.Count(e.Error(), "\n") != 2 {
				t.Fatalf("%+v\n%s", *e, e)
			}
		}
	})
}
