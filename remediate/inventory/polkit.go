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

// grantedVM are those of a unit that runs a virtual machine, or proves one of its
// checkpoints.
var grantedVM = []remediate.Verb{remediate.VerbStart, remediate.VerbStop}

// PromoteUnit is the unit that keeps a checkpoint of a VM where the agent can't
// write: an instance of a oneshot that root owns, which the agent may start.
func PromoteUnit(vm, checkpoint string) string {
	return promoteUnit + vm + ":" + checkpoint + ".service"
}

const promoteUnit = "nightshift-promote@"

// checkpointText is what a checkpoint may be called: nothing that systemd or a file
// system reads as more than a name.
const checkpointText = "[a-z0-9][a-z0-9._-]{0,62}"

// Polkit writes the rule that lets a user do what this inventory may need, as
// JavaScript for /etc/polkit-1/rules.d: on exactly its units exactly the verbs
// start, stop, restart, reload and reset-failed, on a oneshot unit only
// start and reset-failed, and these also on the units that set the limits of its
// profiles and take them back; on the unit of a VM and of its proof start and stop; and
// start on the units that promote a checkpoint of one of its VMs.
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
	for _, unit := range f.limitUnits() {
		table = append(table, fmt.Sprintf("        %s: %s", script(unit), script(grantedOneshot)))
	}
	for _, unit := range f.vmUnits() {
		table = append(table, fmt.Sprintf("        %s: %s", script(unit), script(grantedVM)))
	}
	return fmt.Appendf(nil, rule, f.Digest, script(user), strings.Join(table, ",\n"), f.promotes())
}

// limitUnits are the units that set and take back what the profiles name: each profile
// with each of its units, and no other.
func (f *File) limitUnits() []string {
	var units []string
	for _, profile := range sorted(f.Profiles) {
		for _, unit := range sorted(f.Profiles[profile].Units) {
			units = append(units, LimitUnit(profile, unit), UnlimitUnit(profile, unit))
		}
	}
	return units
}

// vmUnits are the units that run VMs, and those that prove their checkpoints.
func (f *File) vmUnits() []string {
	var units []string
	for _, name := range sorted(f.VMs) {
		units = append(units, f.VMs[name].Unit)
		if proof := f.VMs[name].Proof; proof != nil {
			units = append(units, proof.Unit)
		}
	}
	return units
}

// promotes is the part of the rule that lets checkpoints be promoted: of exactly
// these VMs, each by a name that can be nothing but a name. Tokens need no escape
// in a regular expression.
func (f *File) promotes() string {
	if len(f.VMs) == 0 {
		return ""
	}
	return fmt.Sprintf(promoteRule, promoteUnit, strings.Join(sorted(f.VMs), "|"), checkpointText)
}

// promoteRule is that part, as ECMAScript 5 has it.
const promoteRule = `    if (action.id === "org.freedesktop.systemd1.manage-units" && verb === "start" &&
        /^%s(%s):%s\.service$/.test(unit)) {
        return polkit.Result.YES;
    }
`

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
%s    return polkit.Result.NO;
});
`
