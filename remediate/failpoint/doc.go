// Package failpoint lets a test kill the process at a place that it names, to
// see what the next start makes of it. Each place is a durable boundary: just
// before or after an append, an effect, or an answer.
//
// Without the build tag failpoints [Here] is an empty function that the
// compiler removes, and nothing reads the environment. With the tag the
// variable NIGHTSHIFT_FAILPOINT names a place and, after a colon, at which of
// its hits the process ends ("step.effect.after:3"; the first when not said).
package failpoint

// names are all the places, in the order in which an alert passes them.
var names = []string{
	"alerts.store.before", "alerts.store.after",
	"webhook.answer.before", "webhook.answer.after",
	"journal.append.before", "journal.append.stored", "journal.append.after",
	"incident.opened.before", "incident.opened.after",
	"step.started.before", "step.started.after",
	"step.effect.before", "step.effect.after",
	"step.finished.before", "step.finished.after",
	"verification.finished.before", "verification.finished.after",
	"incident.ended.before", "incident.ended.after",
}

// Names lists all the places, for tests that visit each of them.
func Names() []string { return append([]string(nil), names...) }
