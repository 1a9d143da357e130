package playbooks

import (
	"nightshift/alerts"
	"nightshift/remediate"
	"nightshift/remediate/strict"
)

// File is a playbook that was read from YAML.
type File struct {
	Playbook remediate.Playbook

	reading *strict.Reading
}

// At is an error about a field of the file, ladder[0].do[1], with its line and a caret:
// of what is only wrong beside an inventory.
func (f File) At(field, msg string) error { return f.reading.At(field, msg) }

// howToBegin is what somebody with an empty file must know.
const howToBegin = "`nightshift playbook show NAME --output yaml` prints one to begin with"

// Parse reads a playbook's YAML. The name is what errors call it. What is wrong comes
// as [strict.Errors], all at once; whether the inventory has what the playbook names is
// for who has the inventory to ask.
func Parse(name string, text []byte) (File, error) {
	var said recipe
	about := strict.File{Name: name, What: "playbook", Noun: "a playbook", Begin: howToBegin}
	r, ok := strict.Read(about, text, &said)
	var match alerts.Matchers
	if ok {
		c := &checker{Reading: r, recipe: said}
		match = c.check()
	}
	if err := r.Err(); err != nil {
		return File{}, err
	}
	return File{said.playbook(match), r}, nil
}

// Check finds what is wrong with a playbook that was written in Go: the same that would
// be wrong with it in YAML, which is what the error shows.
func Check(p remediate.Playbook) error {
	_, err := Parse(p.Name, Write(p))
	return err
}
