package strict

import (
	"slices"
	"strings"
)

// DidYouMean ends a message with the known name that is nearest to word, if one
// is near enough to be meant: it only lacks the suffix of a unit, or a third of
// its letters, not counting a suffix, would have to change.
func DidYouMean(word string, known []string) string {
	if full := word + ".service"; slices.Contains(known, full) {
		return meant(full)
	}
	stem, _, _ := strings.Cut(word, ".")
	best, distance := "", len(stem)/3+1
	for _, name := range slices.Sorted(slices.Values(known)) {
		if d := editDistance(word, name, distance); d <= distance && (best == "" || d < distance) {
			best, distance = name, d
		}
	}
	if best == "" {
		return ""
	}
	return meant(best)
}

// meant is the question at the end of a message.
func meant(name string) string { return "; did you mean " + Quote(name) + "?" }

// editDistance is how many letters must be put in, taken out or exchanged to make
// b of a (Levenshtein), or more than most as soon as that is certain.
func editDistance(a, b string, most int) int {
	if len(a)-len(b) > most || len(b)-len(a) > most {
		return most + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			exchanged := diagonal
			if a[i] != b[j] {
				exchanged++
			}
			diagonal = row[j+1]
			row[j+1] = min(exchanged, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// HintOrAll is the name that may be meant, or else all there are.
func HintOrAll(word string, known []string) string {
	if hint := DidYouMean(word, known); hint != "" {
		return hint
	}
	return "; expected " + OneOf(known)
}

// OneOf lists names as a sentence does: a, b or c.
func OneOf(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}
