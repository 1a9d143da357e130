package main

import (
	"strings"
	"unicode"

	"nightshift/remediate"
)

// markdown is a page of Markdown (CommonMark, with GitHub's tables) under way. Text
// that came from an alert, a log or a person is text in it, never markup.
type markdown struct{ text strings.Builder }

// line writes one line as it is.
func (m *markdown) line(text string) { m.text.WriteString(text + "\n") }

func (m *markdown) heading(level int, title string) {
	m.line("")
	m.line(strings.Repeat("#", level) + " " + title)
	m.line("")
}

// row writes one row of a table; its cells are text.
func (m *markdown) row(cells ...string) {
	for n, cell := range cells {
		cells[n] = escaped(cell)
	}
	m.line("| " + strings.Join(cells, " | ") + " |")
}

// head begins a table.
func (m *markdown) head(titles ...string) {
	m.row(titles...)
	m.line("|" + strings.Repeat(" --- |", len(titles)))
}

// fenced writes lines as they are, in a fence that none of them can end: CommonMark
// 0.31, 4.5.
func (m *markdown) fenced(lines []string) {
	fence := "```"
	for strings.Contains(strings.Join(lines, "\n"), fence) {
		fence += "`"
	}
	m.line(fence + "text")
	for _, line := range lines {
		m.line(remediate.Printable(line))
	}
	m.line(fence)
}

// markup are the characters that mean something in Markdown, or in the HTML that it
// may hold.
var markup = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "[", `\[`, "]", `\]`, "|", `\|`, "~", `\~`, "#", `\#`,
	"<", "&lt;", ">", "&gt;", "&", "&amp;", "://", `:\//`, "@", "&#64;",
)

// escaped is text on one line that is only text: it marks nothing up, links nowhere
// and calls nobody.
func escaped(text string) string {
	var b strings.Builder
	runes := []rune(markup.Replace(remediate.Printable(oneLine(text))))
	for n, r := range runes {
		if r == '_' && !within(runes, n) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// within reports whether an underscore stands within a word: there it begins no
// emphasis (CommonMark 0.31, 6.2), and the names of alerts are full of them.
func within(runes []rune, n int) bool {
	word := func(n int) bool {
		return n >= 0 && n < len(runes) && (unicode.IsLetter(runes[n]) || unicode.IsNumber(runes[n]))
	}
	return word(n-1) && word(n+1)
}
