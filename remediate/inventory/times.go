package inventory

import (
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"

	"nightshift/remediate"
	"nightshift/remediate/strict"
)

// Times are intervals of time, as `time_intervals` of Alertmanager has them: a list,
// of which one that fits is enough.
type Times struct{ remediate.Hours }

// ReadYAML reads a list of intervals.
func (t *Times) ReadYAML(r *strict.Reading, node *yaml.Node, path string) {
	(&decoder{r}).decodeTimes(node, reflect.ValueOf(t).Elem(), path)
}

// decodeTimes reads a list of intervals in Alertmanager's own words: each by itself,
// so that what is wrong is pointed at.
func (d *decoder) decodeTimes(node *yaml.Node, into reflect.Value, path string) {
	if node.Kind != yaml.SequenceNode || len(node.Content) == 0 {
		d.fail(node, path, "expected a list of times, like [{weekdays: ['monday:friday'], times: [{start_time: '09:00', end_time: '17:00'}]}], found %s", kindOf(node))
		return
	}
	wrong := d.Wrongs()
	for n, one := range node.Content {
		d.decodeInterval(one, item(path, n))
	}
	if d.Wrongs() > wrong {
		return
	}
	text, err := yaml.Dump(node)
	if err != nil {
		d.fail(node, path, "cannot read times: %s", err)
		return
	}
	into.Field(0).SetString(string(text))
}

// decodeInterval notes what is wrong in one interval.
func (d *decoder) decodeInterval(node *yaml.Node, path string) {
	d.Visited(path, node)
	if node.Kind != yaml.MappingNode || len(node.Content) == 0 {
		d.fail(node, path, "expected some of times, weekdays, days_of_month, months, years and location, found %s", kindOf(node))
		return
	}
	if !d.plainBelow(node, path) {
		return
	}
	text, err := yaml.Dump(&yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{node}})
	if err == nil {
		_, err = remediate.ParseHours(string(text))
	}
	if err != nil {
		d.fail(node, path, "%s", inWords(err))
	}
}

// plainBelow refuses what makes one place mean another in all of a value.
func (d *decoder) plainBelow(node *yaml.Node, path string) bool {
	if !d.Plain(node, path) {
		return false
	}
	for _, below := range node.Content {
		if !d.plainBelow(below, path) {
			return false
		}
	}
	return true
}

// librarys are the words of the library about its own input and types, which mean
// nothing to who wrote the file.
var librarys = regexp.MustCompile(`yaml: (unmarshal errors:)?|line [0-9]+: | (in|into) type [a-zA-Z.]+| into [a-z]*interval\.[A-Za-z]+`)

// inWords is an error of the library on one line.
func inWords(err error) string {
	words := librarys.ReplaceAllString(err.Error(), " ")
	return remediate.Printable(strings.Join(strings.Fields(words), " "))
}
