package strict

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"nightshift/remediate"
)

// Error is one thing that is wrong in a file.
type Error struct {
	// File is the name that was given to the loader.
	File string
	// Line and Column count from 1, the column in characters.
	Line, Column int
	// Field is the path to what is wrong: units.nginx.service.needs[0]. It is
	// empty where the text is no YAML.
	Field string
	// Msg says what was found and what was expected.
	Msg string
	// What the file is: "inventory".
	What string

	// source is the line in question.
	source string
}

// Error is the place and the message, then the line with a caret beneath what is
// wrong.
func (e *Error) Error() string {
	text := Position(e.File, e.Line, e.Column)
	if e.Field != "" {
		text += remediate.Printable(e.Field) + ": "
	}
	line, indent := e.excerpt()
	return text + e.Msg + "\n    " + line + "\n    " + indent + "^"
}

// samePlace reports whether two errors are about one thing; the first says enough.
func (e *Error) samePlace(other *Error) bool {
	return e.Line == other.Line && e.Column == other.Column && e.Field == other.Field
}

// Position begins a message as compilers do, so that editors find the place.
func Position(file string, line, column int) string {
	return file + ":" + strconv.Itoa(line) + ":" + strconv.Itoa(column) + ": "
}

// excerptBefore and excerptAfter bound what is shown of a long line, in
// characters before and after what is wrong.
const (
	excerptBefore = 60
	excerptAfter  = 60
)

// excerpt is the line around the column, and the blanks that put a caret beneath
// it. Tabs stay tabs, so that both lines are indented alike.
func (e *Error) excerpt() (line, indent string) {
	runes := []rune(remediate.Printable(e.source))
	at := min(max(e.Column-1, 0), len(runes))
	from, to := max(at-excerptBefore, 0), min(at+excerptAfter, len(runes))
	blanks := make([]rune, 0, at-from)
	for _, r := range runes[from:at] {
		if r != '\t' {
			r = ' '
		}
		blanks = append(blanks, r)
	}
	return strings.TrimRight(string(runes[from:to]), " \t"), string(blanks)
}

// Errors is all that is wrong in files, in their order. It holds at least one.
type Errors []*Error

// Error is every error, one after the other.
func (e Errors) Error() string {
	count := "1 error"
	if len(e) > 1 {
		count = strconv.Itoa(len(e)) + " errors"
	}
	texts := []string{fmt.Sprintf("cannot use the %s %s: %s", e[0].What, e[0].File, count)}
	for _, one := range e {
		texts = append(texts, one.Error())
	}
	return strings.Join(texts, "\n")
}

// Unwrap gives each error.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}

// sorted puts the errors in the order of the file.
func (e Errors) sorted() Errors {
	slices.SortStableFunc(e, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return e
}

// enough is how much of a word of the file is shown, in characters.
const enough = 64

// cut shortens a word to what a line of an error can hold.
func cut(word string) string {
	if runes := []rune(word); len(runes) > enough {
		return string(runes[:enough]) + "…"
	}
	return word
}

// Quote shows a word of the file, bounded.
func Quote(word string) string { return strconv.Quote(cut(word)) }

// secrets are what must not be shown, whatever else is wrong in its line: user
// and password of a URL, a password that is given where no file knows one, the
// seed of an nkey.
var secrets = regexp.MustCompile(`://[^/\s"']*@|(?i:\bpassword["']?\s*[:=]\s*["']?[^\s,}"']+)|\bS[A-Z2-7]{40,}`)

// maskSecrets hides secrets and keeps every column where it is.
func maskSecrets(line string) string {
	return secrets.ReplaceAllStringFunc(line, func(found string) string {
		return strings.Repeat("*", utf8.RuneCountInString(found))
	})
}
