package inventory

import (
	"encoding/json"
	"fmt"
	"strings"

	"nightshift/remediate"
)

// granted are the verbs that a unit may be given, by the names that polkit hands
// to a rule. reset-failed is one of its own: no other verb implies it.
var granted = []remediate.Verb{
	remediate.VerbStart, remediate.VerbStop, remediate.VerbRestart, remediate.VerbReload, remediate.VerbResetFailed,
}

// grantedOneshot are those of a oneshot unit: to start it, and to clear its start
// limit, without which a unit that was started often can't be.
var grantedOneshot = []remediate.Verb{remediate.VerbStart, remediate.VerbResetFailed}

// Polkit writes the rule that lets a user do what this inventory may need, as
// JavaScript for /etc/polkit-1/rules.d: on exactly its units exactly the verbs
// start, stop, restart, reload and reset-failed, on a oneshot unit only
// start and reset-failed.
//
// Whatever else the user asks of systemd the rule refuses, and does not leave to
// the rules that come after it: a request that carries no unit, like one to start
// a transient unit with a command of its own, would be root's whole power.
// Requests of other users, and those that are not for systemd, are not touched.
func (f *File) Polkit(user string) []byte {
	var table []string
	for _, name := range sorted(f.Units) {
		verbs := granted
		if f.Units[name].Oneshot {
			verbs = grantedOneshot
		}
		table = append(table, fmt.Sprintf("        %s: %s", script(name), script(verbs)))
	}
	return fmt.Appendf(nil, rule, f.Digest, script(user), strings.Join(table, ",\n"))
}

// script writes a value as JavaScript reads it: JSON, with what could end a
// script or a line of it escaped.
func script(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic("cannot write strings as JSON: " + err.Error())
	}
	return strings.ReplaceAll(string(text), `","`, `", "`)
}

// rule is polkit(8)'s JavaScript, in what ECMAScript 5 has: Debian's polkit runs
// it with duktape.
const rule = `// Written by "nightshift config polkit" of the inventory with the SHA-256
// %s.
// Install it as /etc/polkit-1/rules.d/10-nightshift.rules and write it anew when
// the inventory's units change.
polkit.addRule(function(action, subject) {
    if (subject.user !== %s || action.id.indexOf("org.freedesktop.systemd1.") !== 0) {
        return polkit.Result.NOT_HANDLED;
    }
    var may = {
%s
    };
    var unit = action.lookup("unit"), verb = action.lookup("verb");
    if (action.id === "org.freedesktop.systemd1.manage-units" &&
        Object.prototype.hasOwnProperty.call(may, unit) && may[unit].indexOf(verb) >= 0) {
        return polkit.Result.YES;
    }
    return polkit.Result.NO;
});
`
