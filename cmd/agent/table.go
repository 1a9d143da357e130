package main

import (
	"strings"
	"unicode/utf8"
)

// table is rows beneath a head. Its columns are as wide as what they hold; only
// the last may be cut, to what the screen has left.
type table struct {
	head []string
	rows [][]piece
}

func (t *table) add(cells ...piece) {
	for n := range cells {
		cells[n].text = strings.Join(strings.Fields(cells[n].text), " ")
	}
	t.rows = append(t.rows, cells)
}

// columnGap is what stands between two columns.
const columnGap = "  "

func (t *table) write(s screen) {
	head := make([]piece, len(t.head))
	for n, title := range t.head {
		head[n] = in(bold, title)
	}
	widths := t.widths()
	for _, row := range append([][]piece{head}, t.rows...) {
		s.line(fit(withoutEmptyEnd(row), widths, s.width)...)
	}
}

// withoutEmptyEnd leaves the last cells out that hold nothing.
func withoutEmptyEnd(row []piece) []piece {
	for len(row) > 0 && row[len(row)-1].text == "" {
		row = row[:len(row)-1]
	}
	return row
}

func (t *table) widths() []int {
	widths := make([]int, len(t.head))
	for n, title := range t.head {
		widths[n] = utf8.RuneCountInString(title)
	}
	for _, row := range t.rows {
		for n, cell := range row {
			widths[n] = max(widths[n], utf8.RuneCountInString(cell.text))
		}
	}
	return widths
}

// fit pads each cell but the last, which is cut.
func fit(row []piece, widths []int, most int) []piece {
	var line []piece
	left := most
	for n, cell := range row {
		if n == len(row)-1 {
			return append(line, piece{cutTo(cell.text, left, most), cell.style})
		}
		pad := strings.Repeat(" ", widths[n]-utf8.RuneCountInString(cell.text)) + columnGap
		line = append(line, cell, say(pad))
		left -= widths[n] + len(columnGap)
	}
	return line
}

// leastColumn is the narrowest that a cut column gets: below it says nothing.
const leastColumn = 16

// cutTo shortens text to the columns that are left of most; 0 of those cuts
// nothing.
func cutTo(text string, left, most int) string {
	left = max(left, leastColumn)
	if runes := []rune(text); most > 0 && len(runes) > left {
		return string(runes[:left-1]) + "…"
	}
	return text
}
