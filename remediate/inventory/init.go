package inventory

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"nightshift/remediate"
)

// Found is what is known of the host that [Init] writes an inventory for.
type Found struct {
	// Host is the host's name, as hostname(1) has it.
	Host string
	// Units are those of the host. Names that no inventory can hold are left out.
	Units []FoundUnit
	// Playbooks are the names of the coded playbooks.
	Playbooks []string
}

// FoundUnit is one unit of a host.
type FoundUnit struct {
	Name        string
	Description string
	Running     bool
	Oneshot     bool
}

// prose begins a line that stays a comment when one # and a blank are taken from
// the begin of every line.
const prose = "## "

// Init writes an inventory of what was found, all of it commented out: nothing is
// acted on that nobody has chosen. Without the first "# " of each line it is an
// inventory that can be read.
func Init(found Found) []byte {
	var text bytes.Buffer
	writeHost(&text, hostToken(found.Host))
	writeProbes(&text)
	writeUnits(&text, found.Units)
	writePlaybooks(&text, found.Playbooks)
	return text.Bytes()
}

func writeHost(text *bytes.Buffer, host string) {
	comment(text, prose+"What this agent looks after. Take the \"# \" away before what you mean; what is",
		prose+"not named here is never acted on. `nightshift config check` reads it.",
		"host:",
		"  name: '"+host+"'",
		"  ## Which alerts are this host's.",
		`  alerts: ['instance=~"(`+host+`|localhost)(:[0-9]+)?"']`)
}

func writeProbes(text *bytes.Buffer) {
	comment(text, prose+"How it is seen that all is well.",
		"probes:",
		"  memory: {memory: host, max: 85%}",
		"  root: {disk: /, min: 10%}",
		`  ## front: {http: "https://localhost/", expect: 200}`)
}

func writeUnits(text *bytes.Buffer, units []FoundUnit) {
	comment(text, prose+"The units that may be started, stopped and restarted. Say what each needs, and",
		prose+"the probes that tell whether it is healthy: {needs: [db.service], healthy: [front]}",
		"units:")
	for _, unit := range manageable(units) {
		comment(text, "  "+yamlKey(unit.Name)+": "+initial(unit)+"  ## "+about(unit))
	}
}

// manageable are the units that an inventory can hold, each once, the running
// ones first.
func manageable(units []FoundUnit) []FoundUnit {
	kept := slices.DeleteFunc(slices.Clone(units), func(u FoundUnit) bool { return wrongUnit(u.Name) != "" })
	slices.SortFunc(kept, func(a, b FoundUnit) int { return cmp.Compare(a.Name, b.Name) })
	kept = slices.CompactFunc(kept, func(a, b FoundUnit) bool { return a.Name == b.Name })
	slices.SortStableFunc(kept, func(a, b FoundUnit) int { return cmp.Compare(rank(a), rank(b)) })
	return kept
}

// rank puts what runs before what does not.
func rank(u FoundUnit) int {
	if u.Running {
		return 0
	}
	return 1
}

func initial(u FoundUnit) string {
	if u.Oneshot {
		return "{oneshot: true}"
	}
	return "{}"
}

// about is a unit's description as the end of a comment.
func about(u FoundUnit) string {
	words := strings.Join(strings.Fields(remediate.Printable(u.Description)), " ")
	if !u.Running {
		words = strings.TrimSpace("(not running) " + words)
	}
	return words
}

// yamlKey quotes the names that a YAML key can't have as they are.
func yamlKey(name string) string {
	if plainKey.MatchString(name) {
		return name
	}
	return "'" + name + "'"
}

// plainKey is what needs no quotes as a key, whatever YAML makes of it.
var plainKey = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9@_.-]*$`)

func writePlaybooks(text *bytes.Buffer, names []string) {
	comment(text, prose+"The playbooks that are on; the first that matches an alert wins.",
		"playbooks:")
	for _, name := range names {
		comment(text, fmt.Sprintf("  - {name: %s, autonomy: observe}", name))
	}
	if len(names) == 0 {
		comment(text, "  []")
	}
}

// comment writes lines that are commented out.
func comment(text *bytes.Buffer, lines ...string) {
	for _, line := range lines {
		if !strings.HasPrefix(line, prose) {
			line = "# " + line
		}
		text.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// hostToken makes of a host's name one that an inventory can have: its first
// label, in lower case. A name without anything to keep is "this-host".
func hostToken(name string) string {
	label, _, _ := strings.Cut(strings.ToLower(name), ".")
	label = strings.Trim(notInToken.ReplaceAllString(label, "-"), "-")
	if label = label[:min(len(label), 63)]; label == "" {
		return "this-host"
	}
	return label
}

var notInToken = regexp.MustCompile(`[^a-z0-9]+`)
